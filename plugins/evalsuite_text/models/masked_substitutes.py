"""The texts nearest to one by a masked language model: one token replaced by a likely other.

Mattern et al. 2023 (2305.18462) hide most of a token's input vector, not all of it, so that what
the model puts in its place stays close in meaning. The words' own vectors are thinned out here; the
authors' script thins out vectors that hold positions already, and adds these a second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from evalsuite import (
    Failure,
    SubstituteTokens,
    Substitutions,
    is_device_lost,
    is_out_of_memory,
)
from evalsuite.derived import rng_of
from evalsuite_text.models.selected_positions import HEAD_CHUNK, TOLERANCE
from evalsuite_text.models.token_batches import batches, token_budget

if TYPE_CHECKING:
    from evalsuite_text.models.masked import MaskedLanguageModel, ReadText

# Of the others at a place some cannot stand there: half of a word, or what melts into a neighbour.
_FURTHER_OTHERS = 16


@dataclass(frozen=True)
class _Place:
    """One token of one request's text: the row in which it is looked at, and where in it."""

    asker: int
    token: int
    row: tuple[int, ...]
    position: int


@dataclass(frozen=True, order=True)
class _Other:
    """A token for a place; the likeliest come first, then those further to the left."""

    minus_score: float
    token: int
    id: int


class Substitutes:
    """Answers ``SubstituteTokens`` for one masked language model."""

    def __init__(self, model: MaskedLanguageModel) -> None:
        """Take the model."""
        self.model = model
        self._special = torch.tensor(sorted(set(model.tokenizer.all_special_ids)))

    def answers(self, requests: Sequence[SubstituteTokens]) -> list[Substitutions | Failure]:
        """In order; a text without tokens fails, and a partial mask that the model cannot see."""
        texts = [self.model.read(request.text) for request in requests]
        failed = [self._refusal(*pair) for pair in zip(requests, texts, strict=True)]
        places = [
            _Place(i, j, *self.model.row(text, j, "token" if requests[i].hidden == 1 else "none"))
            for i, text in enumerate(texts)
            if failed[i] is None
            for j, (begin, end) in enumerate(text.spans)
            if _is_of_word(requests[i].text[begin:end])
        ]
        others: list[list[_Other]] = [[] for _ in requests]
        for batch in batches([len(place.row) for place in places], token_budget(self.model.device)):
            for begin in range(0, len(batch), HEAD_CHUNK):
                part = [places[k] for k in batch[begin : begin + HEAD_CHUNK]]
                for place, found in zip(part, self._others(part, requests, texts), strict=True):
                    others[place.asker] += found
        return [
            failure or self._nearest(request, text, sorted(found))
            for failure, request, text, found in zip(failed, requests, texts, others, strict=True)
        ]

    def _refusal(self, request: SubstituteTokens, text: ReadText) -> Failure | None:
        if not text.ids:
            return Failure("empty text", "it has no token to replace")
        if 0 < request.hidden < 1 and not self._takes_vectors:
            return Failure(
                "no partial mask",
                f"{type(self.model.module).__name__} does not read input vectors as it reads "
                "tokens, so a token cannot be hidden in part; ask with hidden 1",
            )
        return None

    @cached_property
    def _takes_vectors(self) -> bool:
        """Whether the model says the same of vectors as of the tokens that they stand for."""
        inputs = self.model.inputs([self.model.around.ids])
        chosen = inputs["attention_mask"].bool()
        try:
            with torch.inference_mode():
                plain = self.model.head.logits(inputs, chosen).float()
                same = self.model.head.logits(self._as_vectors(inputs), chosen).float()
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            if is_out_of_memory(error) or is_device_lost(error):
                raise
            return False
        return float((plain - same).abs().max()) <= TOLERANCE

    def _as_vectors(self, inputs: dict[str, Any]) -> dict[str, Any]:
        vectors = self.model.module.get_input_embeddings()(inputs["input_ids"])
        rest = {name: value for name, value in inputs.items() if name != "input_ids"}
        return {"inputs_embeds": vectors.clone(), **rest}

    def _others(
        self,
        places: Sequence[_Place],
        requests: Sequence[SubstituteTokens],
        texts: Sequence[ReadText],
    ) -> Iterator[list[_Other]]:
        """The likeliest other tokens of each place, their own ruled out."""
        own = torch.tensor([texts[place.asker].ids[place.token] for place in places])
        index = torch.arange(len(places))
        with torch.inference_mode():
            inputs = self._inputs(places, requests)
            at = torch.tensor([place.position for place in places])
            chosen = (index.to(self.model.device), at.to(self.model.device))
            logits = self.model.head.logits(inputs, chosen).float().cpu()
            logits[index, own] = -torch.inf
            # Without the own token a softmax is p(other) / (1 - p(own)), whatever p(own) is.
            shares = logits.softmax(-1)
            shares[:, self._special] = -1.0
            wanted = max(requests[place.asker].count for place in places)
            best = shares.topk(min(2 * wanted + _FURTHER_OTHERS, shares.shape[1]))
        for place, values, ids in zip(places, best.values.tolist(), best.indices.tolist()):
            kept = 2 * requests[place.asker].count + _FURTHER_OTHERS
            pairs = list(zip(values, ids))[:kept]
            yield [_Other(-value, place.token, id_) for value, id_ in pairs if value >= 0]

    def _inputs(
        self, places: Sequence[_Place], requests: Sequence[SubstituteTokens]
    ) -> dict[str, Any]:
        """Rows as the model reads them, the vectors of some tokens thinned out."""
        inputs = self.model.inputs([place.row for place in places])
        shares = [requests[place.asker].hidden for place in places]
        if not any(0 < share < 1 for share in shares):
            return inputs
        inputs = self._as_vectors(inputs)
        vectors = inputs["inputs_embeds"]
        for k, (place, share) in enumerate(zip(places, shares, strict=True)):
            if 0 < share < 1:
                request = requests[place.asker]
                draw = rng_of("substitutes", request.seed, request.text, place.token)
                seen = torch.from_numpy(draw.random(vectors.shape[-1]) >= share)
                vectors[k, place.position] *= seen.to(vectors) / (1 - share)
        return inputs

    def _nearest(
        self, request: SubstituteTokens, text: ReadText, others: Sequence[_Other]
    ) -> Substitutions:
        """The best texts; only what the tokenizer reads as meant is a text."""
        found: dict[str, float] = {}
        for other in others:
            if len(found) == request.count:
                break
            made = self._written(request.text, text, other)
            if made is not None:
                found.setdefault(made, -other.minus_score)
        return Substitutions(tuple(found), tuple(found.values()))

    def _written(self, text: str, read: ReadText, other: _Other) -> str | None:
        """The text with the other token in place, spaces and all around it left as they are."""
        begin, end = read.spans[other.token]
        own = text[begin:end]
        space = own[: len(own) - len(own.lstrip())]
        piece = self._piece(other.id)
        if not _is_of_word(piece):
            return None
        # A tokenizer that reads lower case only would spoil every sentence's beginning.
        large = piece[:1].upper() + piece[1:] if own.strip()[:1].isupper() else piece
        wanted = [*read.ids[: other.token], other.id, *read.ids[other.token + 1 :]]
        for form in dict.fromkeys((large, piece)):
            made = text[:begin] + space + form + text[end:]
            if form and self._ids(made) == wanted:
                return made
        return None

    def _piece(self, token: int) -> str:
        """A token's characters, without the mark of one that continues a word."""
        tokenizer = self.model.tokenizer
        mark = getattr(tokenizer.backend_tokenizer.model, "continuing_subword_prefix", None)
        name = tokenizer.convert_ids_to_tokens(token)
        if mark and name.startswith(mark):
            return str(name.removeprefix(mark))
        return str(tokenizer.decode([token])).strip()

    def _ids(self, text: str) -> list[int]:
        found: list[int] = self.model.tokenizer(text, add_special_tokens=False, verbose=False)[
            "input_ids"
        ]
        return found


def _is_of_word(piece: str) -> bool:
    """Whether it has a letter or digit: a full stop in place of a word is no near text."""
    return any(character.isalnum() for character in piece)
