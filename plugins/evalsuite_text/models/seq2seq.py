"""Sequence-to-sequence models: text written, and scored, given another text (T5, BART, Marian).

The encoder reads the context with the special tokens that the tokenizer itself writes; one that is
too long is cut at the end, and what was cut is counted. The decoder is given what it was given in
training: the shifted target, with the language token where the model has one. A continuation is a
text of its own here, so white space before it, which parts it from the context in a causal model's
row, is left out. Its end token is scored only if the option ``score_end`` is set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from transformers import AutoModelForSeq2SeqLM
from transformers.modeling_outputs import BaseModelOutput

import evalsuite
from evalsuite import (
    Attribute,
    ContinuationScore,
    DifferentiableView,
    Failure,
    Generate,
    Generation,
    LoadSettings,
    LogLikelihood,
    ModelInfo,
    Request,
)
from evalsuite.content import Content, text_of
from evalsuite_text.models.selected_positions import SelectedHead
from evalsuite_text.models.seq2seq_generation import neutral_settings, write
from evalsuite_text.models.seq2seq_gradients import written_view
from evalsuite_text.models.seq2seq_options import Options, set_languages
from evalsuite_text.models.special_tokens import Framed, frame, frame_target
from evalsuite_text.models.text_encoder import longest_input
from evalsuite_text.models.token_batches import batches, mask_of, right_padded, token_budget
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    fingerprint,
    load_tokenizer,
    load_weights,
    open_checkpoint,
)
from evalsuite_transformers.torch_model import TorchModel, count_parameters

# Distinct texts whose tokens are kept; a context is shared by all its continuations.
_REMEMBERED_TEXTS = 65_536


class Loader:
    """The loader behind ``hf/sequence-to-sequence:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        checkpoint = open_checkpoint(reference, settings)
        Options.of(checkpoint)
        return _info(reference, checkpoint)

    def load(self, reference: str, settings: LoadSettings) -> SequenceToSequenceModel:
        """Load weights and tokenizer."""
        checkpoint = open_checkpoint(reference, settings)
        options = Options.of(checkpoint)
        tokenizer = load_tokenizer(checkpoint)
        set_languages(reference, tokenizer, options)
        module = load_weights(AutoModelForSeq2SeqLM, checkpoint)
        return SequenceToSequenceModel(reference, checkpoint, module, tokenizer, options)


def _info(reference: str, checkpoint: Checkpoint, **facts: Any) -> ModelInfo:
    return ModelInfo(
        name=f"hf:{reference}",
        kind="sequence-to-sequence model",
        modalities=frozenset({"text"}),
        methods=frozenset({"loglikelihood", "generate", "differentiate"}),
        revision=checkpoint.revision,
        **facts,
    )


@dataclass(frozen=True)
class _Source:
    """What the encoder reads, and how many tokens of the text were cut at the end."""

    ids: tuple[int, ...]
    truncated: int


@dataclass(frozen=True)
class _Row:
    """One continuation after one source: what the decoder reads, and the tokens from ``start``."""

    source: _Source
    decoder: tuple[int, ...]
    start: int
    targets: tuple[int, ...]


class SequenceToSequenceModel(TorchModel):
    """A transformer with an encoder and a decoder.

    Attributes:
        opening: What the decoder is given before the first token that it writes.
    """

    def __init__(
        self, reference: str, checkpoint: Checkpoint, module: Any, tokenizer: Any, options: Options
    ) -> None:
        """Find the limits and how the decoder starts; set generation settings aside."""
        self.tokenizer = tokenizer
        self.options = options
        self._sources = lru_cache(maxsize=_REMEMBERED_TEXTS)(self._read_source)
        self._targets = lru_cache(maxsize=_REMEMBERED_TEXTS)(self._read_target)
        self.max_source, self.max_target = _limits(checkpoint.config, tokenizer, module, options)
        self.module = module  # shifting targets needs it before the base class has it
        sample = frame_target(tokenizer, "a")
        self.opening = self._shifted(sample)[: len(sample.before) + 1]
        settings, set_aside = neutral_settings(module, tokenizer, self.opening[0])
        module.generation_config = settings
        self.pad_id = int(settings.pad_token_id)
        self.head = SelectedHead(module, module.get_decoder())
        details = {
            "class": type(module).__name__,
            "context length": str(self.max_source),
            "long inputs": "cut at the end",
            "decoder starts with": " ".join(tokenizer.convert_ids_to_tokens(list(self.opening))),
            "dtype": str(module.dtype).removeprefix("torch."),
            **options.details,
        }
        if set_aside:
            details["generation settings set aside"] = set_aside
        n_parameters = count_parameters(module)
        info = _info(reference, checkpoint, n_parameters=n_parameters, details=details)
        mark = fingerprint(
            checkpoint.reference,
            checkpoint.revision,
            module.dtype,
            options,
            version=evalsuite.__version__,
        )
        super().__init__(info, mark, module)
        self._verify_head()

    def close(self) -> None:
        """Drop the weights, which the head holds as well."""
        self.head = None  # type: ignore[assignment]
        super().close()

    def cost(self, request: Request) -> int:
        """Tokens that the encoder reads and the decoder reads or writes."""
        if isinstance(request, LogLikelihood):
            n_target = len(self._targets(request.continuation).text)
            return len(self._source(request.context).ids) + n_target + 1
        if isinstance(request, Generate):
            n_source = len(self._source(request.prompt).ids)
            return n_source + request.max_tokens * self.options.num_beams + 1
        if isinstance(request, Attribute):
            return len(self._source(request.content).ids) + len(self._targets(request.target).text)
        return 1

    def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[ContinuationScore | Failure]:
        """Log P(continuation | context) in nats; each distinct context is encoded once."""
        rows = [self._row(request) for request in requests]
        kept = list(dict.fromkeys(row for row in rows if isinstance(row, _Row)))
        states = self._encoded(list(dict.fromkeys(row.source.ids for row in kept)))
        scores: dict[_Row, tuple[torch.Tensor, bool]] = {}
        lengths = [len(row.source.ids) + len(row.decoder) for row in kept]
        for batch in batches(lengths, token_budget(self.device)):
            group = [kept[k] for k in batch]
            scores.update(zip(group, self._score(group, states), strict=True))
        return [row if isinstance(row, Failure) else _answer(row, *scores[row]) for row in rows]

    def differentiable_view(
        self, content: Content, target: str, *, within: tuple[int, int] | None = None
    ) -> DifferentiableView:
        """The context's token embeddings; the output is log P(target | context)."""
        return written_view(self, content, target, within)

    def generate(self, requests: Sequence[Generate]) -> list[Generation | Failure]:
        """What the decoder writes; batched greedy decoding writes what it writes one by one."""
        sources = [self._source(request.prompt).ids for request in requests]
        return write(self, sources, requests)

    def _source(self, content: Content) -> _Source:
        return self._sources(self.options.prefix + text_of(content))

    def _read_source(self, text: str) -> _Source:
        found = frame(self.tokenizer, text)
        if not found.text:  # an empty text still has its end token
            return _Source(found.ids or (self.pad_id,), 0)
        room = max(0, self.max_source - len(found.before) - len(found.after))
        ids = (*found.before, *found.text[:room], *found.after)
        return _Source(ids, max(0, len(found.text) - room))

    def _read_target(self, continuation: str) -> Framed:
        return frame_target(self.tokenizer, continuation.lstrip())

    def _row(self, request: LogLikelihood) -> _Row | Failure:
        target = self._targets(request.continuation)
        if not target.text:
            return Failure("empty continuation", "it has no token of its own to score")
        start = len(target.before)
        stop = start + len(target.text)
        if self.options.score_end and self.tokenizer.eos_token_id in target.after[:1]:
            stop += 1
        if stop > self.max_target:
            return Failure(
                "continuation too long",
                f"it has {len(target.text)} tokens; the decoder reads {self.max_target} at once",
            )
        decoder = self._shifted(target)[:stop]
        return _Row(self._source(request.context), decoder, start, target.ids[start:stop])

    def _shifted(self, target: Framed) -> tuple[int, ...]:
        """What the decoder reads when it is trained to write the target."""
        labels = target.ids
        shift = getattr(self.module, "prepare_decoder_input_ids_from_labels", None)
        if shift is None:
            return (int(self.module.config.decoder_start_token_id), *labels[:-1])
        return tuple(shift(labels=torch.tensor([labels]))[0].tolist())

    def _encoded(self, sources: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], torch.Tensor]:
        """The encoder's states [length, width] of each source."""
        encoder = self.module.get_encoder()
        states: dict[tuple[int, ...], torch.Tensor] = {}
        for batch in batches([len(ids) for ids in sources], token_budget(self.device)):
            rows = [sources[k] for k in batch]
            with torch.inference_mode():
                found = encoder(**self.source_inputs(rows)).last_hidden_state
            states.update((ids, found[i, : len(ids)]) for i, ids in enumerate(rows))
        return states

    def source_inputs(self, rows: Sequence[tuple[int, ...]]) -> dict[str, torch.Tensor]:
        """The encoder's inputs, padded on the right and masked."""
        return {
            "input_ids": right_padded(rows, self.pad_id, self.device),
            "attention_mask": mask_of([len(row) for row in rows], self.device),
        }

    def _decoding(
        self, rows: Sequence[_Row], states: dict[tuple[int, ...], torch.Tensor]
    ) -> dict[str, Any]:
        """The inputs of one pass of the decoder over encoded sources."""
        picked = [states[row.source.ids] for row in rows]
        padded = torch.nn.utils.rnn.pad_sequence(picked, batch_first=True)
        return {
            "encoder_outputs": BaseModelOutput(last_hidden_state=padded),
            "attention_mask": mask_of([len(row.source.ids) for row in rows], self.device),
            "decoder_input_ids": right_padded(
                [row.decoder for row in rows], self.pad_id, self.device
            ),
            "use_cache": False,
        }

    def _score(
        self, rows: Sequence[_Row], states: dict[tuple[int, ...], torch.Tensor]
    ) -> list[tuple[torch.Tensor, bool]]:
        """Log-probabilities of each row's targets, and whether all are the most probable."""
        index = _positions(rows, self.device)
        targets = torch.tensor([t for row in rows for t in row.targets])
        logp, greedy = self.head.scores(self._decoding(rows, states), index, targets)
        counts = [len(row.targets) for row in rows]
        return [(p, bool(g.all())) for p, g in zip(logp.split(counts), greedy.split(counts))]

    def _verify_head(self) -> None:
        """See that the head may be applied at scored positions only."""
        rows = [
            row
            for text in ("a", "a b c")
            if isinstance(row := self._row(LogLikelihood(text, text)), _Row)
        ]
        if rows:
            states = self._encoded([row.source.ids for row in rows])
            self.head.verify(self._decoding(rows, states), _positions(rows, self.device))


def _positions(rows: Sequence[_Row], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """The decoder position that predicts each target, as row and column indices."""
    at = [(i, row.start + k) for i, row in enumerate(rows) for k in range(len(row.targets))]
    both = torch.tensor(at, device=device)
    return both[:, 0], both[:, 1]


def _answer(row: _Row, logprobs: torch.Tensor, is_greedy: bool) -> ContinuationScore:
    return ContinuationScore(
        total=float(logprobs.sum()),
        n_tokens=len(logprobs),
        is_greedy=is_greedy,
        token_logprobs=tuple(logprobs.tolist()),
        truncated_tokens=row.source.truncated,
    )


def _limits(config: Any, tokenizer: Any, module: Any, options: Options) -> tuple[int, int]:
    """The most tokens that the encoder and the decoder read.

    Models with relative positions (T5) have no hard limit: the input is read up to what the
    checkpoint was trained with, unless ``max_length`` says more; the decoder is not limited.
    """
    both = longest_input(config, tokenizer, module)
    source = getattr(config, "max_encoder_position_embeddings", None) or both
    target = getattr(config, "max_decoder_position_embeddings", None) or both
    if hasattr(config, "relative_attention_num_buckets"):
        return options.max_length or source, 10**9
    return min(source, options.max_length or source), target
