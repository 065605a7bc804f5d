"""Clips of sound in prompts: what the language model is given for them, caught on its way there.

Libraries name and shape the features of sounds differently in each family, and some give no access
to them. They all hand their language model one vector for each token; so a clip by itself goes
through the model, up to the language model's door.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from evalsuite import Audio, Failure
from evalsuite_transformers.generative.medium import Medium, Prepared, Tensors, placed

# Families whose reading of sounds has been looked into: what they do with long clips, and with
# several in one prompt. Others are not served, lest something is cut in silence, or a clip changes
# with the one beside it (Qwen3-Omni pads the shorter clip of a prompt, and hears the padding).
FAMILIES = frozenset({"qwen2_audio", "audioflamingo3", "glmasr", "qwen2_5_omni_thinker"})
# Their processors take one clip for each text.
_ONE_CLIP = frozenset({"audioflamingo3", "glmasr"})
# Below this a clip may come to no token at all.
_SURELY_HEARD_S = 0.2
_ERRORS = (IndexError, RuntimeError, TypeError, ValueError, ZeroDivisionError)


class AudioMedium(Medium):
    """Mono waveforms at the rate of the feature extractor.

    Attributes:
        sample_rate_hz: The rate that clips are resampled to.
        longest_s: Seconds that the model hears of one clip, in its own windows where it has them.
    """

    name, plural, part, type_id = "audio", "clips", Audio, 3
    tensor = "input_features"
    tokens_per_unit = 25.0

    def __init__(self, processor: Any, config: Any) -> None:
        """Find the placeholder, the rate and the longest clip."""
        bos, eos = (str(getattr(processor, f"audio_{x}_token", None) or "") for x in ("bos", "eos"))
        around = f"{bos}{{}}{eos}"
        super().__init__(processor, str(processor.audio_token), int(config.audio_token_id), around)
        self.extractor = processor.feature_extractor
        self.sample_rate_hz = int(self.extractor.sampling_rate)
        self.longest_s = _longest_s(processor, self.extractor.n_samples / self.sample_rate_hz)
        self.at_most = 1 if config.model_type in _ONE_CLIP else None

    @property
    def details(self) -> dict[str, str]:
        """The class that makes spectrograms, and how much of a clip it takes."""
        return {
            "feature extractor": type(self.extractor).__name__,
            "longest clip": f"{self.longest_s:g} s",
        }

    def arguments(self, parts: Sequence[Audio]) -> dict[str, Any]:
        """Decoded waveforms [samples], as copies: what the harness keeps cannot be written to."""
        waveforms = [clip.load(self.sample_rate_hz)[0].copy() for clip in parts]
        return {"audio": waveforms, "sampling_rate": self.sample_rate_hz}

    def features(self, module: Any, media: Sequence[Prepared]) -> list[torch.Tensor]:
        """The vectors in a clip's places; clips are heard one by one."""
        found = []
        for one in media:
            ids = torch.tensor([one.ids], device=module.device)
            inputs = placed(one.tensors, module) | {
                "input_ids": ids,
                "attention_mask": torch.ones_like(ids),
            }
            found.append(_at_the_door(module, inputs)[0, ids[0] == self.token_id])
        return found

    def facts(self, tensors: Tensors) -> Tensors:
        """The number of frames, which Qwen-Omni counts positions by."""
        mask = tensors.get("feature_attention_mask")
        return {"audio_seqlens": mask.sum(-1)} if mask is not None else {}

    def synthetic(self) -> tuple[Audio, Audio]:
        """Two clips of noise, of different lengths."""
        draw = np.random.default_rng(0)
        first, second = (
            draw.normal(0, 0.1, int(seconds * self.sample_rate_hz)).astype(np.float32)
            for seconds in (0.7, 0.4)
        )
        return (
            Audio.from_array(first, self.sample_rate_hz),
            Audio.from_array(second, self.sample_rate_hz),
        )

    def units(self, part: Audio) -> float:
        """Seconds."""
        return len(part.load(self.sample_rate_hz)[0]) / self.sample_rate_hz

    def refusal(self, part: Audio) -> Failure | None:
        """A clip of which something would be cut, or that comes to no token."""
        seconds = self.units(part)
        if seconds > self.longest_s:
            return Failure(
                "clip too long",
                f"it has {seconds:.2f} s; this model hears {self.longest_s:g} s of a clip",
            )
        if seconds < _SURELY_HEARD_S and not self._is_heard(part):
            return Failure("clip too short", f"{seconds:.4f} s come to no token of this model")
        return None

    def _is_heard(self, part: Audio) -> bool:
        try:
            return self.token_id in self.prepared(part).ids
        except _ERRORS:
            return False


def _longest_s(processor: Any, window_s: float) -> float:
    """Seconds before the processor begins to cut, in silence or with a warning.

    One window of the feature extractor, or as many whole ones as the processor allows.
    """
    most_s = getattr(processor, "max_audio_len", None)
    return window_s * (most_s // window_s) if most_s else window_s


class _Arrived(Exception):  # noqa: N818  (nothing went wrong)
    """Carries the vectors back from the language model's door."""

    def __init__(self, vectors: torch.Tensor) -> None:
        super().__init__()
        self.vectors = vectors


def _at_the_door(module: Any, inputs: Tensors) -> torch.Tensor:
    """The ``inputs_embeds`` [rows, tokens, width] that inputs become, without reading them."""

    def turn_back(_: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        del arguments
        raise _Arrived(named["inputs_embeds"])

    hook = module.get_decoder().register_forward_pre_hook(turn_back, with_kwargs=True)
    try:
        getattr(module, module.base_model_prefix)(**inputs, use_cache=False)
    except _Arrived as arrived:
        return arrived.vectors
    finally:
        hook.remove()
    raise ValueError("the language model was not reached")
