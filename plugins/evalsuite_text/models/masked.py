"""Masked language models: each token's log-probability given the text on both sides.

Three ways to hide while a token is scored (see ``MaskedTokenScores``): the token alone (Salazar et
al. 2020), the token and those after it in its word (Kauf and Ivanova 2023), nothing (Kaneko and
Bollegala 2022). A text that is longer than the model reads is seen through windows: each token is
scored in the window that has it in the middle, or as near to the middle as the text's ends allow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from transformers import AutoModelForMaskedLM

from evalsuite import (
    Attribute,
    DifferentiableView,
    Failure,
    LoadSettings,
    MaskedTokenScores,
    ModelError,
    ModelInfo,
    Request,
    SubstituteTokens,
    Substitutions,
    TokenScoreTable,
)
from evalsuite.content import Content, text_of
from evalsuite_text.models.encoder_gradients import gap_view
from evalsuite_text.models.masked_substitutes import Substitutes
from evalsuite_text.models.selected_positions import SelectedHead
from evalsuite_text.models.special_tokens import frame
from evalsuite_text.models.text_encoder import (
    TextEncoder,
    describe,
    need_fast_tokenizer,
    whole_number,
)
from evalsuite_text.models.token_batches import batches, token_budget
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    load_tokenizer,
    load_weights,
    open_checkpoint,
)


class Loader:
    """The loader behind ``hf/masked-language-model:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        checkpoint = _open(reference, settings)
        return describe(
            reference, checkpoint, MaskedLanguageModel.kind, MaskedLanguageModel.methods
        )

    def load(self, reference: str, settings: LoadSettings) -> MaskedLanguageModel:
        """Load weights and tokenizer."""
        checkpoint = _open(reference, settings)
        tokenizer = load_tokenizer(checkpoint)
        need_fast_tokenizer(reference, tokenizer, "a table of token scores")
        if tokenizer.mask_token_id is None:
            raise ModelError(
                f"The tokenizer of model {reference!r} has no mask token, so nothing can be "
                "hidden. Set mask_token in the checkpoint's tokenizer_config.json."
            )
        module = load_weights(AutoModelForMaskedLM, checkpoint)
        return MaskedLanguageModel(reference, checkpoint, module, tokenizer)


def _open(reference: str, settings: LoadSettings) -> Checkpoint:
    checkpoint = open_checkpoint(reference, settings)
    checkpoint.refuse_unknown_options(frozenset({"max_length"}))
    whole_number(settings.options, "max_length", None, 8)
    return checkpoint


# Distinct texts whose tokens are kept: the scheduler asks for the cost first, then for the scores.
_REMEMBERED_TEXTS = 16_384


@dataclass(frozen=True)
class ReadText:
    """A text's tokens, their characters, and the word that each belongs to."""

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    words: tuple[int | None, ...]

    def asked(self, request: MaskedTokenScores) -> list[int]:
        """The tokens that a request asks for."""
        if request.within is None:
            return list(range(len(self.ids)))
        begin, end = request.within
        return [j for j, (a, b) in enumerate(self.spans) if a < end and b > begin]


class MaskedLanguageModel(TextEncoder):
    """A bidirectional transformer with a language-model head."""

    kind = "masked language model"
    methods = frozenset({"masked_token_scores", "substitute_tokens", "differentiate"})

    def __init__(self, reference: str, checkpoint: Checkpoint, module: Any, tokenizer: Any) -> None:
        """Check that the head can be applied at scored positions only."""
        limit = checkpoint.settings.options.get("max_length")
        super().__init__(reference, checkpoint, module, tokenizer, max_length=limit)
        body = getattr(module, getattr(module, "base_model_prefix", "") or "", None)
        self.head = SelectedHead(module, body)
        self.read = lru_cache(maxsize=_REMEMBERED_TEXTS)(self._encode)
        self.around = frame(tokenizer, "a")
        self.room = self.max_length - len(self.around.before) - len(self.around.after)
        inputs = self.inputs([frame(tokenizer, "a b c d").ids, self.around.ids])
        self.head.verify(inputs, inputs["attention_mask"].bool())
        self.substitutes = Substitutes(self)

    def close(self) -> None:
        """Drop the weights, which the head holds as well."""
        self.head = self.substitutes = None  # type: ignore[assignment]
        super().close()

    def cost(self, request: Request) -> int:
        """Tokens read for one text: every token asks for a copy of the text."""
        if isinstance(request, Attribute):
            return len(self.read(text_of(request.content) + request.target).ids) + 2
        if not isinstance(request, MaskedTokenScores | SubstituteTokens):
            return 1
        text = self.read(request.text)
        n = len(text.ids)
        length = min(n + 2, self.max_length)
        if isinstance(request, SubstituteTokens):
            return max(1, n * length)
        is_one_pass = request.mask == "none" and n <= self.room
        return max(1, length if is_one_pass else len(text.asked(request)) * length)

    def masked_token_scores(
        self, requests: Sequence[MaskedTokenScores]
    ) -> list[TokenScoreTable | Failure]:
        """Each token's log-probability in nats; special tokens around the text are not scored."""
        texts = [self.read(request.text) for request in requests]
        asked = [text.asked(request) for request, text in zip(requests, texts)]
        scores = [torch.zeros(len(text.ids)) for text in texts]
        # Equal rows (of equal texts, or where nothing is hidden) are computed once.
        wanted: dict[tuple[int, ...], dict[int, list[tuple[int, int]]]] = {}
        for i, (request, text) in enumerate(zip(requests, texts)):
            for j in asked[i]:
                row, position = self.row(text, j, request.mask)
                wanted.setdefault(row, defaultdict(list))[position].append((i, j))
        rows = list(wanted)
        for batch in batches([len(row) for row in rows], token_budget(self.device)):
            self._score([(rows[k], wanted[rows[k]]) for k in batch], texts, scores)
        return [
            self._table(text, found, kept)
            if kept
            else Failure("empty text", "it has no token to score")
            for text, found, kept in zip(texts, scores, asked)
        ]

    def substitute_tokens(
        self, requests: Sequence[SubstituteTokens]
    ) -> list[Substitutions | Failure]:
        """The nearest texts by one token; equal texts with like options are read once."""
        return self.substitutes.answers(requests)

    def differentiable_view(self, content: Content, target: str) -> DifferentiableView:
        """Two texts around a gap; the output is the log-probability of what fills it."""
        return gap_view(self, content, target)

    def _table(self, text: ReadText, scores: torch.Tensor, kept: Sequence[int]) -> TokenScoreTable:
        """The scores of the tokens that were asked for."""
        return TokenScoreTable(
            logprobs=tuple(scores[list(kept)].tolist()),
            spans=tuple(text.spans[j] for j in kept),
            tokens=tuple(self.tokenizer.convert_ids_to_tokens([text.ids[j] for j in kept])),
        )

    def _encode(self, text: str) -> ReadText:
        found = self.tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        return ReadText(
            tuple(found["input_ids"]),
            tuple((int(a), int(b)) for a, b in found["offset_mapping"]),
            tuple(found.word_ids()),
        )

    def row(self, text: ReadText, j: int, mask: str) -> tuple[tuple[int, ...], int]:
        """The ids of the window in which token ``j`` is scored, and where it is in them."""
        begin = max(0, min(j - self.room // 2, len(text.ids) - self.room))
        end = min(begin + self.room, len(text.ids))
        ids = list(text.ids[begin:end])
        hidden = range(j, j + (mask != "none"))
        if mask == "word" and text.words[j] is not None:
            last = next((k for k in range(j, end) if text.words[k] != text.words[j]), end)
            hidden = range(j, last)
        for k in hidden:
            ids[k - begin] = self.tokenizer.mask_token_id
        row = (*self.around.before, *ids, *self.around.after)
        return row, len(self.around.before) + j - begin

    def _score(
        self,
        rows: Sequence[tuple[tuple[int, ...], dict[int, list[tuple[int, int]]]]],
        texts: Sequence[ReadText],
        scores: Sequence[torch.Tensor],
    ) -> None:
        """Score one batch of rows and write each score where it was asked for.

        Tokens that share a row and a position are the same token of equal texts, or of texts that
        differ only in what is hidden there; each has its own target.
        """
        inputs = self.inputs([row for row, _ in rows])
        asked = [
            (r, position, i, j)
            for r, (_, positions) in enumerate(rows)
            for position, places in sorted(positions.items())
            for i, j in places
        ]
        # One logit row per (row, position, target): repeat a position for each target it has.
        targets: dict[tuple[int, int, int], list[tuple[int, int]]] = defaultdict(list)
        for r, position, i, j in asked:
            targets[r, position, texts[i].ids[j]].append((i, j))
        index = (
            torch.tensor([key[0] for key in targets], device=self.device),
            torch.tensor([key[1] for key in targets], device=self.device),
        )
        logp, _ = self.head.scores(inputs, index, torch.tensor([key[2] for key in targets]))
        for value, places in zip(logp.tolist(), targets.values()):
            for i, j in places:
                scores[i][j] = value
