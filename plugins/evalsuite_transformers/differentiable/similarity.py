"""The similarity of a dual encoder as a function of one side's input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch

from evalsuite import (
    Audio,
    Embedding,
    EmbedText,
    Failure,
    Image,
    RequestFailed,
    Similarity,
    Text,
)
from evalsuite.content import Content, text_of


@dataclass(frozen=True)
class Pair:
    """The two sides of a similarity.

    Attributes:
        medium: The picture or the clip.
        texts: Descriptions; of several, the unit mean of their vectors is meant.
        against: Those of each class that it competes with.
    """

    medium: Any
    texts: tuple[str, ...]
    against: tuple[tuple[str, ...], ...] = ()

    @property
    def text(self) -> str:
        """The one text; of several, they joined."""
        return "".join(self.texts)


def pair_of(
    content: Content,
    target: str,
    kind: type[Image] | type[Audio],
    medium: str,
    against: tuple[tuple[str, ...], ...] = (),
) -> Pair:
    """The sides that a request names.

    Raises:
        ValueError: There is a target, or not one of each side, or a text is to compete.
    """
    if against and medium in ("text", "joint"):
        raise ValueError("only a picture or clip is put in one of several classes, not a text")
    media = [part for part in content if isinstance(part, kind)]
    texts = tuple(part.text for part in content if isinstance(part, Text))
    if target or len(media) != 1 or not text_of(content).strip():
        noun = kind.__name__.lower()
        raise ValueError(
            f"a dual encoder explains the similarity of one {noun} and the texts beside it; "
            "leave the target empty"
        )
    return Pair(media[0], texts, against)


def unit_mean(embeddings: Sequence[Embedding], device: torch.device) -> torch.Tensor:
    """The direction of the mean of unit vectors [dimensions]."""
    mean = np.mean(np.stack([found.vector.astype(float) for found in embeddings]), axis=0)
    return torch.from_numpy(mean / np.linalg.norm(mean)).float().to(device)


def text_directions(model: Any, pair: Pair) -> torch.Tensor:
    """The unit mean of a pair's texts [dimensions]; with rivals, a row of each [1 + rivals, ...].

    A model's directions are kept while it lives: every sample of a run names the same classes.
    """
    known = _directions.setdefault(model, {})
    asked = dict.fromkeys(text for own in (pair.texts, *pair.against) for text in own)
    if missing := [text for text in asked if text not in known]:
        known.update(zip(missing, model.embed_text([EmbedText(text) for text in missing])))
    rows = [
        unit_mean([known[text] for text in own], model.device)
        for own in (pair.texts, *pair.against)
    ]
    return torch.stack(rows) if pair.against else rows[0]


_directions: WeakKeyDictionary[Any, dict[str, Embedding]] = WeakKeyDictionary()


def similarity_output(
    encode: Callable[[torch.Tensor], torch.Tensor], partner: torch.Tensor | None, scale: Similarity
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Maps inputs [batch, ...] to scale x cosine + bias with the partner's unit vector [batch].

    Of several partners [1 + rivals, dimensions] it is the log-odds of the first. Without one it is
    the inputs' own unit vectors [batch, dimensions], for a joint view of both sides.
    """

    def output(inputs: torch.Tensor) -> torch.Tensor:
        vectors = torch.nn.functional.normalize(encode(inputs).float(), dim=-1)
        if partner is None:
            return vectors
        logits = scale.scale * (vectors @ partner.t()) + scale.bias
        return logits if logits.ndim == 1 else logits[:, 0] - logits[:, 1:].logsumexp(-1)

    return output


def token_spans(tokenizer: Any, text: str, ids: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """For each id the characters that it covers; special tokens and padding cover none.

    Raises:
        RequestFailed: The tokenizer knows no places.
    """
    need_offsets(tokenizer)
    encoded = tokenizer(
        text,
        truncation=True,
        max_length=len(ids),
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
    )
    marks = zip(encoded["offset_mapping"], encoded["special_tokens_mask"], strict=True)
    spans = [(0, 0) if is_special else (int(a), int(b)) for (a, b), is_special in marks]
    return tuple(spans + [(0, 0)] * (len(ids) - len(spans)))


def need_offsets(tokenizer: Any) -> None:
    """Raise RequestFailed for a tokenizer that does not say where its tokens stand."""
    if not getattr(tokenizer, "is_fast", False):
        raise RequestFailed(
            Failure(
                "no character offsets",
                f"the tokenizer {type(tokenizer).__name__} does not say where its tokens stand; "
                "attribution to words needs a fast one (tokenizer.json)",
            )
        )
