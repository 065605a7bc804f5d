"""CLAP through transformers: unit vectors of sounds and texts in one space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

import evalsuite
from evalsuite import (
    Attribute,
    DifferentiableView,
    EmbedAudio,
    Embedding,
    EmbedText,
    LoadSettings,
    ModelInfo,
    Request,
    Similarity,
    SimilarityScale,
)
from evalsuite.content import Content
from evalsuite_audio.models.clap_features import ClapFeatures, Heard, crop_of
from evalsuite_audio.models.clap_gradients import similarity_view
from evalsuite_transformers.checkpoint import Checkpoint, fingerprint
from evalsuite_transformers.dual_encoder import DualEncoderKind
from evalsuite_transformers.lengths import batches_by_length, distinct
from evalsuite_transformers.torch_model import TorchModel, count_parameters
from evalsuite_transformers.vectors import mean_direction, unit_rows

KIND = DualEncoderKind("audio", options=frozenset({"crop"}))
LONG_CLIPS = {
    "hash": "a crop of {}, its place drawn from the clip's own samples",
    "center": "a crop of {} in the middle",
    "windows": "all windows of {}, their vectors averaged",
}
FUSED = {
    "hash": "a shrunk view and three crops of {}, their places drawn from the clip's own samples",
    "center": "a shrunk view and the middle crops of {} of each third",
}
# Spectrograms of one pass of the audio tower.
_TOGETHER = 32


class Loader:
    """The loader behind ``hf/audio-text-dual-encoder:``.

    The model option ``crop`` says what is heard of a clip that is longer than the model hears at
    once (10 s of the published checkpoints): ``hash`` (the default; the published figures come
    from crops at random places), ``center``, or ``windows`` (all of it).
    """

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        info = KIND.describe(reference, settings)
        crop_of(settings.options.get("crop", "hash"))
        return info

    def load(self, reference: str, settings: LoadSettings) -> AudioTextDualEncoder:
        """Load weights and processor."""
        model: AudioTextDualEncoder = KIND.load(reference, settings, AudioTextDualEncoder)
        return model


class AudioTextDualEncoder(TorchModel):
    """A ClapModel."""

    def __init__(self, reference: str, checkpoint: Checkpoint, module: Any, processor: Any) -> None:
        """Take the sample rate and the kind of features from the feature extractor."""
        self.processor = processor
        self.extractor = processor.feature_extractor
        self.sample_rate_hz = int(self.extractor.sampling_rate)
        crop = crop_of(checkpoint.settings.options.get("crop", "hash"))
        # Four crops at once crash a model without fusion, whatever its extractor was saved with.
        is_fused = bool(getattr(checkpoint.config.audio_config, "enable_fusion", False))
        truncation = str(self.extractor.truncation) if is_fused else "rand_trunc"
        # Spectra are taken in float64, which Apple's GPU does not have.
        place = module.device if module.device.type == "cuda" else "cpu"
        self.features = ClapFeatures(self.extractor, truncation, crop, place)
        # RoBERTa-like towers number positions from the padding index on.
        text_config = checkpoint.config.text_config
        self.max_text_length = int(text_config.max_position_embeddings) - 2
        heard = FUSED.get(crop) if truncation == "fusion" else None
        seconds = f"{self.features.longest / self.sample_rate_hz:g} s"
        info = KIND.info(
            reference,
            checkpoint,
            n_parameters=count_parameters(module),
            sample_rate_hz=self.sample_rate_hz,
            details={
                "class": type(module).__name__,
                "feature extractor": type(self.extractor).__name__,
                "long clips": (heard or LONG_CLIPS[crop]).format(seconds),
            },
        )
        mark = fingerprint(
            checkpoint.reference,
            checkpoint.revision,
            module.dtype,
            crop,
            version=evalsuite.__version__,
        )
        super().__init__(info, mark, module)

    def cost(self, request: Request) -> int:
        """A clip is fixed-size spectrograms; a text counts its tokens, estimated."""
        if isinstance(request, EmbedText):
            return min(self.max_text_length, 2 + len(request.text) // 3)
        if isinstance(request, EmbedAudio) and self.features.crop == "windows":
            return 64 * self.features.n_pieces(request.audio.n_samples(self.sample_rate_hz))
        if isinstance(request, Attribute):
            return 64 * 32  # as often as the usual explainer runs and remembers the tower
        return 64

    def embed_audio(self, requests: Sequence[EmbedAudio]) -> list[Embedding]:
        """Unit vectors of clips; of several windows, the direction of their mean."""
        heard = [
            self.features.hear(request.audio.load(self.sample_rate_hz)[0]) for request in requests
        ]
        lengths = [len(one.features) for one in heard]
        # Brought over at once, not clip by clip.
        rows = torch.cat(self._vectors(heard)).float().cpu().split(lengths)
        return [mean_direction(part) for part in rows]

    def _vectors(self, heard: Sequence[Heard]) -> list[torch.Tensor]:
        """Features of the audio tower, one row for each piece, in parts of a bounded size."""
        features = torch.cat([one.features for one in heard])
        flags = torch.tensor([[one.is_longer] for one in heard for _ in one.features])
        found = []
        for part, is_longer in zip(features.split(_TOGETHER), flags.split(_TOGETHER)):
            with torch.inference_mode():
                output = self.module.get_audio_features(
                    input_features=part.to(self.device, self.dtype),
                    is_longer=is_longer.to(self.device),
                )
            found.append(getattr(output, "pooler_output", output))
        return found

    def embed_text(self, requests: Sequence[EmbedText]) -> list[Embedding]:
        """Unit vectors of texts, those of like length together."""
        encoded = self._ids([request.text for request in requests])
        firsts, which = distinct(encoded["input_ids"])
        lengths = encoded["attention_mask"][firsts].sum(-1)
        answers: dict[int, Embedding] = {}
        for rows in batches_by_length(lengths, self.device):
            inputs = self._ids([requests[firsts[i]].text for i in rows.tolist()]).to(self.device)
            with torch.inference_mode():
                output = self.module.get_text_features(
                    input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]
                )
            answers |= dict(zip(rows.tolist(), unit_rows(output), strict=True))
        return [answers[place] for place in which]

    def _ids(self, texts: Sequence[str]) -> Any:
        return self.processor.tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=self.max_text_length,
            return_attention_mask=True,
            return_tensors="pt",
        )

    def similarity_scale(self, requests: Sequence[SimilarityScale]) -> list[Similarity]:
        """The learned temperature of the audio side."""
        scale = float(self.module.logit_scale_a.detach().float().exp())
        return [Similarity(scale)] * len(requests)

    def differentiable_view(
        self,
        content: Content,
        target: str,
        *,
        medium: str = "text",
        grid: tuple[int, int] = (0, 0),
        against: tuple[tuple[str, ...], ...] = (),
    ) -> DifferentiableView:
        """One side of a clip and a text; the output is their scaled similarity."""
        return similarity_view(self, content, target, medium, grid, against)
