"""What probes of pairs share: an image or a clip with its caption, each pair once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from evalsuite import EmbedText, Probe, Sample
from evalsuite_representation.geometry import Floats, unit_rows
from evalsuite_representation.labelled import public
from evalsuite_representation.media import REQUESTS, ByMedium, embedding_of, refuse_unknown

_MEDIA = ("image", "audio")


@dataclass(frozen=True, eq=False)
class Pairs:
    """Unit vectors of the pairs that are used, in an order of their own.

    Attributes:
        x: Of the images or clips, shape [n, dimensions].
        y: Of their captions, same shape.
        place: Which record each pair came from.
    """

    x: Floats
    y: Floats
    place: Sequence[int]

    def __len__(self) -> int:
        return len(self.place)


@dataclass(frozen=True)
class PairProbe(Probe):
    """Base of the probes of pairs.

    Args:
        medium: What the captions describe, and the field that holds it: image or audio.
        max_pairs: With more pairs than this, so many are drawn at random.
    """

    medium: Literal["image", "audio"] = "image"
    max_pairs: int = 1000

    family: ClassVar[Any] = "representation"
    needs: ClassVar[Any] = ByMedium({name: (REQUESTS[name], EmbedText) for name in _MEDIA})
    fields: ClassVar[Any] = ByMedium({name: (name, "caption") for name in _MEDIA})

    def __post_init__(self) -> None:
        """Refuse options without meaning."""
        refuse_unknown(self.medium, _MEDIA)
        if self.max_pairs < 4:
            raise ValueError(f"max_pairs must be at least 4 (got {self.max_pairs})")

    def ask(self, sample: Sample, context: Any) -> Any:
        """Embed an image or a clip and its caption, the first of several."""
        captions = sample["caption"]
        caption = captions if isinstance(captions, str) else str(captions[0])
        request, digest = embedding_of(self.medium, sample)
        found, words = yield (request, EmbedText(caption))
        return {
            "text": caption,
            "_x": found.vector,
            "_y": words.vector,
            "_digest": digest,
            "_sample": sample.id,
        }

    def _pairs(self, records: Sequence[Mapping[str, Any]], rng: np.random.Generator) -> Pairs:
        """One pair for each different image or clip, the first by id of several."""
        first: dict[str, int] = {}
        for place in sorted(range(len(records)), key=lambda i: _key(records[i])):
            first.setdefault(records[place]["_digest"], place)
        places = list(first.values())
        if len(places) > self.max_pairs:
            chosen = np.sort(rng.choice(len(places), self.max_pairs, replace=False))
            places = [places[i] for i in chosen]
        return Pairs(
            unit_rows(np.stack([records[i]["_x"] for i in places])),
            unit_rows(np.stack([records[i]["_y"] for i in places])),
            places,
        )


def with_columns(
    records: Sequence[Mapping[str, Any]],
    pairs: Pairs,
    columns: Mapping[str, Sequence[float] | Floats],
    whole: Mapping[str, float | str | None],
) -> list[dict[str, Any]]:
    """The records with each used pair's own numbers, and the whole's in the first pair's."""
    made = [public(record) | dict.fromkeys(columns) | {"is_used": False} for record in records]
    for row, place in enumerate(pairs.place):
        own = {name: float(values[row]) for name, values in columns.items()}
        made[place] |= own | {"is_used": True}
    made[pairs.place[0]] |= whole
    return made


def _key(record: Mapping[str, Any]) -> tuple[str, str, str]:
    return record["_sample"], record["_digest"], record["text"]
