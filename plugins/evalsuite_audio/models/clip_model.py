"""What the models that hear one clip and nothing else share: loading, description, passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch

import evalsuite
from evalsuite import Audio, Failure, LoadSettings, ModelInfo, Request
from evalsuite_audio.models.hearing import (
    SAMPLES_PER_FRAME,
    Hearing,
    Waveform,
    refuse_unknown_family,
)
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    fingerprint,
    load_feature_extractor,
    load_weights,
    open_checkpoint,
)
from evalsuite_transformers.torch_model import TorchModel, count_parameters


class ClipModel(TorchModel):
    """A speech or sound encoder with some head; subclasses say what they read from a pass.

    Attributes:
        kind: In the literature's words.
        method: The one kind of request that it answers.
        auto_class: What loads its weights.
        is_pooled_alone: Whether its head does not tell a clip's frames from padding.
        windows: What becomes of the windows of a long clip, in words.
    """

    kind: ClassVar[str]
    method: ClassVar[str]
    auto_class: ClassVar[Any]
    is_pooled_alone: ClassVar[bool] = False
    windows: ClassVar[str]

    def __init__(self, reference: str, checkpoint: Checkpoint, module: Any, extractor: Any) -> None:
        """Find out how the family hears."""
        self.hearing = Hearing(module.config, extractor, is_pooled_alone=self.is_pooled_alone)
        self.sample_rate_hz = self.hearing.sample_rate_hz
        seconds = self.hearing.longest / self.sample_rate_hz
        limit = "" if self.hearing.is_fixed else "at most "
        info = self.described(
            reference,
            checkpoint,
            n_parameters=count_parameters(module),
            sample_rate_hz=self.sample_rate_hz,
            details={
                "class": type(module).__name__,
                "feature extractor": type(extractor).__name__,
                "batches": self.hearing.batches,
                "long clips": f"windows of {limit}{seconds:.4g} s, {self.windows}",
            },
        )
        version = evalsuite.__version__
        mark = fingerprint(checkpoint.reference, checkpoint.revision, module.dtype, version=version)
        super().__init__(info, mark, module)

    @classmethod
    def open(cls, reference: str, settings: LoadSettings) -> Checkpoint:
        """The checkpoint; raises ModelError for one that cannot be of this kind."""
        checkpoint = open_checkpoint(reference, settings)
        checkpoint.refuse_unknown_options()
        refuse_unknown_family(reference, checkpoint.config)
        return checkpoint

    @classmethod
    def described(cls, reference: str, checkpoint: Checkpoint, **facts: Any) -> ModelInfo:
        """What is known of a checkpoint; ``facts`` are the further fields of ModelInfo."""
        return ModelInfo(
            name=f"hf:{reference}",
            kind=cls.kind,
            modalities=frozenset({"audio"}),
            methods=frozenset({cls.method}),
            revision=checkpoint.revision,
            **facts,
        )

    def cost(self, request: Request) -> int:
        """Frames, those of silence included that fill a clip up."""
        audio = audio_of(request)
        if audio is None:
            return 1
        n_samples = audio.n_samples(self.sample_rate_hz)
        if self.hearing.is_fixed:
            n_samples = self.hearing.longest * max(1, -(-n_samples // self.hearing.longest))
        return 1 + n_samples // SAMPLES_PER_FRAME

    def rows(self, requests: Sequence[Request]) -> list[torch.Tensor | Failure]:
        """What ``read`` gives for each clip [pieces, width], or why it cannot be heard."""
        heard = [self._pieces(request) for request in requests]
        read = self._read_all([piece for one in heard if isinstance(one, list) for piece in one])
        rows = iter(read)
        return [
            one if isinstance(one, Failure) else torch.stack([next(rows) for _ in one])
            for one in heard
        ]

    def _pieces(self, request: Request) -> list[Waveform] | Failure:
        """What is heard of a clip, one after the other."""
        audio = audio_of(request)
        if audio is None:
            return Failure("no clip", "this model takes one clip and nothing else")
        waveform = audio.load(self.sample_rate_hz)[0]
        if self.hearing.n_frames(len(waveform)) < self.fewest_frames():
            message = f"{len(waveform)} samples make too few frames for this model"
            return Failure("too short", message)
        return self.hearing.pieces(waveform)

    def _read_all(self, pieces: Sequence[Waveform]) -> list[torch.Tensor]:
        """One row for each piece, in order."""
        found: dict[int, torch.Tensor] = {}
        for places in self.hearing.passes(pieces):
            waveforms = [pieces[place] for place in places]
            inputs = {
                name: value.to(self.device, self.dtype if value.is_floating_point() else None)
                for name, value in self.hearing.inputs(waveforms).items()
            }
            with torch.inference_mode():
                rows = self.read(inputs, list(map(len, waveforms)))
            found |= dict(zip(places, rows.float().cpu(), strict=True))
        return [found[place] for place in range(len(pieces))]

    def read(self, inputs: dict[str, torch.Tensor], lengths: Sequence[int]) -> torch.Tensor:
        """One row for each piece of a pass [rows, width].

        Args:
            inputs: What the module is given.
            lengths: Samples of each piece before padding.
        """
        raise TypeError(f"{type(self).__name__} does not say what it makes of a pass")

    def fewest_frames(self) -> int:
        """Frames without which nothing can be read."""
        return int(getattr(self.module.config, "squeeze_factor", 1))


def audio_of(request: Request) -> Audio | None:
    """The clip of a request that holds exactly one part, which is a clip."""
    parts = request.parts
    return parts[0] if len(parts) == 1 and isinstance(parts[0], Audio) else None


class ClipLoader:
    """Base of the loaders of such models.

    Attributes:
        model: What is loaded.
    """

    model: ClassVar[type[ClipModel]]

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        return self.model.described(reference, self.model.open(reference, settings))

    def load(self, reference: str, settings: LoadSettings) -> Any:
        """Load weights and feature extractor."""
        checkpoint = self.model.open(reference, settings)
        module = load_weights(self.model.auto_class, checkpoint)
        return self.model(reference, checkpoint, module, load_feature_extractor(checkpoint))
