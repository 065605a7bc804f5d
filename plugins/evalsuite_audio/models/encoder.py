"""Audio encoders through transformers: a unit vector for a clip, of its speaker or its sound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from transformers import AutoModel, AutoModelForAudioXVector

from evalsuite import EmbedAudio, Embedding, Failure
from evalsuite_audio.models.clip_model import ClipLoader, ClipModel
from evalsuite_audio.models.hearing import SPECTROGRAM_TRANSFORMER, WHISPER
from evalsuite_transformers.vectors import mean_direction


class _Encoder(ClipModel):
    method: ClassVar[str] = "embed_audio"
    windows: ClassVar[str] = "their vectors averaged"

    def embed_audio(self, requests: Sequence[EmbedAudio]) -> list[Embedding | Failure]:
        """Unit vectors of clips; of several windows, the direction of their mean."""
        return [
            found if isinstance(found, Failure) else mean_direction(found)
            for found in self.rows(requests)
        ]


class AudioEncoder(_Encoder):
    """A bare encoder: the mean of the last layer's states over a clip's own frames.

    An Audio Spectrogram Transformer gives the mean of its two class tokens instead, which is what
    its own head reads (Gong et al. 2021).
    """

    kind: ClassVar[str] = "audio encoder"
    auto_class: ClassVar[Any] = AutoModel

    def read(self, inputs: dict[str, torch.Tensor], lengths: Sequence[int]) -> torch.Tensor:
        """Means of states [rows, width]."""
        is_whisper = self.hearing.family == WHISPER
        output = (self.module.get_encoder() if is_whisper else self.module)(**inputs)
        if self.hearing.family == SPECTROGRAM_TRANSFORMER:
            pooled: torch.Tensor = output.pooler_output
            return pooled
        states = output.last_hidden_state.float()
        if not self.hearing.can_share:
            return states.mean(dim=1)
        counts = [self.hearing.n_frames(length) for length in lengths]
        return torch.stack([own[:n].mean(dim=0) for own, n in zip(states, counts, strict=True)])


class SpeakerEncoder(_Encoder):
    """An encoder with an x-vector head (Snyder et al. 2018): statistics over time, then a layer.

    The head counts a clip's frames as if its convolutions were not dilated, so that frames of
    padding enter the mean and the deviation of a padded clip: clips are heard one at a time.
    """

    kind: ClassVar[str] = "speaker encoder"
    auto_class: ClassVar[Any] = AutoModelForAudioXVector
    is_pooled_alone: ClassVar[bool] = True

    def read(self, inputs: dict[str, torch.Tensor], lengths: Sequence[int]) -> torch.Tensor:
        """The embeddings before the classification layer [rows, width]."""
        embeddings: torch.Tensor = self.module(**inputs).embeddings
        return embeddings

    def fewest_frames(self) -> int:
        """As many as the convolutions reach over, and one more: one frame has no deviation."""
        config = self.module.config
        reach = sum(d * (k - 1) for d, k in zip(config.tdnn_dilation, config.tdnn_kernel))
        return max(super().fewest_frames(), int(reach) + 2)


class Loader(ClipLoader):
    """The loader behind ``hf/audio-encoder:``."""

    model: ClassVar[type[ClipModel]] = AudioEncoder


class SpeakerLoader(ClipLoader):
    """The loader behind ``hf/speaker-encoder:``."""

    model: ClassVar[type[ClipModel]] = SpeakerEncoder
