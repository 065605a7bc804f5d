"""Images run through the encoder once each, however many questions are asked about them."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from evalsuite import Image
from evalsuite_vision.models.bounded_memory import BoundedMemory

# Images of one shape that are encoded at once.
_TOGETHER = 8


@dataclass(frozen=True, eq=False)
class EncodedImage:
    """What a language model reads in the place of one image.

    Attributes:
        ids: The tokens that the placeholder stands for, row separators included.
        features: One vector for each image token among them [image tokens, width].
        facts: What else the processor says of the image (its grid), batch of one each.
    """

    ids: tuple[int, ...]
    features: torch.Tensor
    facts: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def n_bytes(self) -> int:
        """Memory that the features take."""
        return self.features.numel() * self.features.element_size()


class ImageEncoder:
    """Encodes images and keeps what it made.

    Attributes:
        n_encoded: Images that went through the encoder so far.
    """

    def __init__(self, module: Any, processor: Any, limit_bytes: int) -> None:
        """Keep up to ``limit_bytes`` of features."""
        self.module, self.processor = module, processor
        self.placeholder = str(getattr(processor, "image_token", None) or "<image>")
        self.token_id = int(module.config.image_token_id)
        self.n_encoded = 0
        self._kept: BoundedMemory[str, EncodedImage] = BoundedMemory(limit_bytes)
        self._last: dict[str, EncodedImage] = {}

    def known(self, image: Image) -> EncodedImage | None:
        """An image that is at hand."""
        return self._last.get(image.sha256) or self._kept.get(image.sha256)

    def encode(self, images: Sequence[Image]) -> dict[str, EncodedImage]:
        """Encoded images by sha256; each distinct one once. Those of the last call are at hand."""
        distinct = {image.sha256: image for image in images}
        new = [image for image in distinct.values() if self.known(image) is None]
        made = {
            image.sha256: encoded for image, encoded in zip(new, self._encode_new(new), strict=True)
        }
        found = {}
        for name, image in distinct.items():
            encoded = made.get(name) or self.known(image)
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

    def _encode_new(self, images: Sequence[Image]) -> list[EncodedImage]:
        prepared = [self._prepared(image) for image in images]
        groups: dict[object, list[int]] = defaultdict(list)
        for index, inputs in enumerate(prepared):
            groups[tuple((name, value.shape) for name, value in inputs[1].items())].append(index)
        made: dict[int, EncodedImage] = {}
        for group in groups.values():
            for begin in range(0, len(group), _TOGETHER):
                part = group[begin : begin + _TOGETHER]
                features = self._features([prepared[index][1] for index in part])
                for index, rows in zip(part, features, strict=True):
                    made[index] = self._encoded(*prepared[index], rows)
        return [made[index] for index in range(len(images))]

    def _prepared(self, image: Image) -> tuple[tuple[int, ...], dict[str, torch.Tensor]]:
        """The tokens of one image, and the tensors that the encoder reads."""
        inputs = self.processor(
            text=[self.placeholder],
            images=[image.load()],
            return_tensors="pt",
            add_special_tokens=False,
        )
        ids = tuple(inputs["input_ids"][0].tolist())
        parameters = inspect.signature(self.module.get_image_features).parameters
        return ids, {name: inputs[name] for name in inputs if name in parameters}

    def _features(self, media: Sequence[dict[str, torch.Tensor]]) -> list[torch.Tensor]:
        """The features of images of one shape, in one run of the encoder."""
        joined = {}
        for name in media[0]:
            value = torch.cat([one[name] for one in media]).to(self.module.device)
            joined[name] = value.to(self.module.dtype) if value.is_floating_point() else value
        with torch.inference_mode():
            output = self.module.get_image_features(**joined)
        self.n_encoded += len(media)
        found = getattr(output, "pooler_output", output)
        if isinstance(found, torch.Tensor) and found.ndim == 3:
            found = list(found)
        if isinstance(found, torch.Tensor):
            found = [found]
        if len(media) == 1:
            found = [torch.cat([rows.flatten(0, -2) for rows in found])]
        if len(found) != len(media):
            raise ValueError(f"{len(media)} images gave {len(found)} sets of features")
        return [rows.flatten(0, -2) for rows in found]

    def _encoded(
        self, ids: tuple[int, ...], media: dict[str, torch.Tensor], features: torch.Tensor
    ) -> EncodedImage:
        places = ids.count(self.token_id)
        if places != len(features):
            raise ValueError(f"an image has {places} tokens, but {len(features)} features")
        facts = {name: value for name, value in media.items() if not name.startswith("pixel")}
        return EncodedImage(ids, features.clone(), facts)
