"""A kind of media in prompts: how a processor takes it, and what a language model reads for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from evalsuite import Audio, Failure, Image

Part = Image | Audio
Tensors = dict[str, torch.Tensor]
# One value per token, and what it is for more text; every other tensor belongs to the media.
PER_TOKEN = {"input_ids": None, "attention_mask": 1, "mm_token_type_ids": 0, "token_type_ids": 0}


@dataclass(frozen=True, eq=False)
class Prepared:
    """One image or clip as a processor writes it.

    Attributes:
        ids: The tokens that the placeholder stands for, row separators included.
        tensors: What the encoder reads, batch of one each, on the CPU.
    """

    ids: tuple[int, ...]
    tensors: Tensors


class Medium(ABC):
    """One kind of media of one model.

    Attributes:
        name: What chat templates call it.
        plural: What messages and reports call several.
        part: The class of a prompt's parts.
        type_id: Its mark among ``mm_token_type_ids``.
        tensor: What processors call its pixels, or its spectrogram.
        together: So many of one shape go through the encoder at once.
        tokens_per_unit: Tokens of one unit (see ``units``), until one has been counted.
        sample_rate_hz: What sounds are resampled to; none for pictures.
        at_most: How many a prompt may hold, or None.
        placeholder: The token that stands for one in a prompt's text.
        token_id: The token in whose places the features go.
        around: What stands around one where there is no chat template, a format with one place.
    """

    name: ClassVar[str]
    plural: ClassVar[str]
    part: ClassVar[type]
    type_id: ClassVar[int]
    tensor: ClassVar[str]
    together: ClassVar[int] = 1
    tokens_per_unit: float = 1.0
    sample_rate_hz: int | None = None
    at_most: int | None = None

    def __init__(self, processor: Any, placeholder: str, token_id: int, around: str) -> None:
        """Keep what the processor and the configuration say."""
        self.processor, self.placeholder = processor, placeholder
        self.token_id, self.around = token_id, around

    @property
    def details(self) -> dict[str, str]:
        """How it is read, for a report."""
        return {}

    @abstractmethod
    def arguments(self, parts: Sequence[Any]) -> dict[str, Any]:
        """What the processor is called with besides the text, for at least one part."""

    @abstractmethod
    def features(self, module: Any, media: Sequence[Prepared]) -> list[torch.Tensor]:
        """One row for each of the tokens [tokens, width], of media of one shape."""

    @abstractmethod
    def synthetic(self) -> tuple[Part, Part]:
        """Two different ones, to try a model with."""

    def facts(self, tensors: Tensors) -> Tensors:
        """What the model counts positions by, batch of one each."""
        del tensors
        return {}

    def units(self, part: Any) -> float:
        """What the number of tokens is proportional to."""
        del part
        return 1.0

    def refusal(self, part: Any) -> Failure | None:
        """Why one cannot be read whole, or None."""
        del part
        return None

    def prepared(self, part: Any) -> Prepared:
        """One by itself, as the processor writes it."""
        inputs = self.processor(
            text=[self.placeholder],
            return_tensors="pt",
            add_special_tokens=False,
            **self.arguments([part]),
        )
        tensors = {
            name: value
            for name, value in inputs.items()
            if isinstance(value, torch.Tensor) and name not in PER_TOKEN
        }
        return Prepared(tuple(inputs["input_ids"][0].tolist()), tensors)


def placed(tensors: Tensors, module: Any) -> Tensors:
    """Tensors where a model is; numbers with a point in its format."""
    return {
        name: value.to(module.device, module.dtype if value.is_floating_point() else None)
        for name, value in tensors.items()
    }
