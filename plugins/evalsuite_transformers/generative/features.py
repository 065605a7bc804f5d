"""Images and clips run through the encoder once each, however often they are asked about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from evalsuite_transformers.generative.bounded_memory import BoundedMemory
from evalsuite_transformers.generative.medium import Medium, Part, Prepared, Tensors


@dataclass(frozen=True, eq=False)
class EncodedMedium:
    """What a language model reads in the place of one image or clip.

    Attributes:
        ids: The tokens that the placeholder stands for, row separators included.
        features: One vector for each token of the medium among them [tokens, width].
        facts: What positions are counted by (an image's grid), batch of one each.
    """

    ids: tuple[int, ...]
    features: torch.Tensor
    facts: Tensors = field(default_factory=dict)

    @property
    def n_bytes(self) -> int:
        """Memory that the features take."""
        return self.features.numel() * self.features.element_size()


class MediaEncoder:
    """Encodes media and keeps what it made.

    Attributes:
        n_encoded: Images and clips that went through the encoder so far.
    """

    def __init__(self, module: Any, media: Sequence[Medium], limit_bytes: int) -> None:
        """Keep up to ``limit_bytes`` of features."""
        self.module, self.media = module, tuple(media)
        self.n_encoded = 0
        self._kept: BoundedMemory[str, EncodedMedium] = BoundedMemory(limit_bytes)
        self._last: dict[str, EncodedMedium] = {}

    def known(self, part: Part) -> EncodedMedium | None:
        """A part that is at hand."""
        return self._last.get(part.digest) or self._kept.get(part.digest)

    def encode(self, parts: Sequence[Part]) -> dict[str, EncodedMedium]:
        """Encoded media by digest; each distinct one once. Those of the last call are at hand."""
        distinct = {part.digest: part for part in parts}
        new = [part for part in distinct.values() if self.known(part) is None]
        made = {
            part.digest: encoded for part, encoded in zip(new, self._encode_new(new), strict=True)
        }
        found = {}
        for name, part in distinct.items():
            encoded = made.get(name) or self.known(part)
            assert encoded is not None
            found[name] = encoded
        for name, encoded in found.items():
            self._kept.put(name, encoded, encoded.n_bytes)
        self._last = found
        return found

    def forget(self) -> None:
        """Give the memory back."""
        self._kept.clear()
        self._last = {}

    def medium_of(self, part: Part) -> Medium:
        """The medium that a part is of."""
        return next(medium for medium in self.media if isinstance(part, medium.part))

    def _encode_new(self, parts: Sequence[Part]) -> list[EncodedMedium]:
        prepared = [self.medium_of(part).prepared(part) for part in parts]
        groups: dict[object, list[int]] = defaultdict(list)
        for index, (part, one) in enumerate(zip(parts, prepared, strict=True)):
            shapes = tuple((name, value.shape) for name, value in one.tensors.items())
            groups[self.medium_of(part), shapes].append(index)
        made: dict[int, EncodedMedium] = {}
        for group in groups.values():
            medium = self.medium_of(parts[group[0]])
            for begin in range(0, len(group), medium.together):
                indices = group[begin : begin + medium.together]
                features = self._features(medium, [prepared[index] for index in indices])
                for index, rows in zip(indices, features, strict=True):
                    made[index] = _encoded(medium, prepared[index], rows)
        return [made[index] for index in range(len(parts))]

    def _features(self, medium: Medium, media: Sequence[Prepared]) -> list[torch.Tensor]:
        """The features of media of one shape."""
        with torch.inference_mode():
            found = medium.features(self.module, media)
        self.n_encoded += len(media)
        return found


def _encoded(medium: Medium, prepared: Prepared, features: torch.Tensor) -> EncodedMedium:
    places = prepared.ids.count(medium.token_id)
    if places != len(features):
        raise ValueError(f"an {medium.name} has {places} tokens, but {len(features)} features")
    return EncodedMedium(prepared.ids, features.clone(), medium.facts(prepared.tensors))
