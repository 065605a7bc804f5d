"""torchaudio's CTC pipelines: ``torchaudio:WAV2VEC2_ASR_BASE_960H``, ``torchaudio:MMS_FA``, ...

Their weights lie in torch.hub's cache once they have been fetched, or where the option ``weights``
says. The base models normalise over time, and the large ones over the whole batch, so that padding
would change what is heard: clips are heard one at a time.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import prod
from pathlib import Path
from typing import Any

import torch
from torchaudio import pipelines

import evalsuite
from evalsuite import LoadSettings, ModelError, ModelInfo, UsageError
from evalsuite.content import sha256_of
from evalsuite_audio.models.ctc_beam import collapsed
from evalsuite_audio.models.ctc_labels import Labels
from evalsuite_audio.models.ctc_model import CtcModel, Decoding
from evalsuite_transformers.allocator import keep_freed_memory
from evalsuite_transformers.checkpoint import file_sha256
from evalsuite_transformers.device import apply_settings, resolve_device, resolve_dtype
from evalsuite_transformers.torch_model import count_parameters

BLANK, SEPARATOR = "-", "|"
# The other pipelines were trained on English audio books.
_VOXPOPULI = "VOXPOPULI_ASR_BASE_10K_"


@dataclass(frozen=True)
class Options(Decoding):
    """How labels become words, and where the weights are.

    Args:
        weights: The file of weights, where it is not in torch.hub's cache.
    """

    weights: str = ""

    @classmethod
    def of(cls, settings: LoadSettings) -> Options:
        """The options of a suite; raises UsageError for unknown or wrong ones."""
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(settings.options) - set(known))
        if unknown:
            raise UsageError(
                f"torchaudio models have no option {', '.join(map(repr, unknown))}; their options "
                f"are {', '.join(known)}."
            )
        return cls(**settings.options)


class Loader:
    """The loader behind ``torchaudio:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What torchaudio knows of a pipeline."""
        Options.of(settings)
        return _info(reference, _bundle(reference))

    def load(self, reference: str, settings: LoadSettings) -> BundleTranscriber:
        """Load the weights, fetched by torchaudio where they are not at hand."""
        options, bundle = Options.of(settings), _bundle(reference)
        device = resolve_device(settings)
        module = _module(reference, bundle, options.weights)
        module = module.to(device, resolve_dtype(settings, device)).eval()
        apply_settings(settings, count_parameters(module))
        if device.type == "cpu":
            keep_freed_memory()
        return BundleTranscriber(reference, bundle, options, module)


def _bundle(name: str) -> Any:
    """A pipeline by name; raises ModelError with the names that there are."""
    found = getattr(pipelines, name, None)
    if not isinstance(found, pipelines.Wav2Vec2ASRBundle):
        known = sorted(
            key
            for key, value in vars(pipelines).items()
            if isinstance(value, pipelines.Wav2Vec2ASRBundle)
        )
        raise ModelError(
            f"torchaudio has no recogniser {name!r}; its recognisers are {', '.join(known)}."
        )
    return found


def _aligns_only(bundle: Any) -> bool:
    """Whether a pipeline was made to align romanised text, and does not set words apart."""
    return isinstance(bundle, pipelines.Wav2Vec2FABundle)


def weights_file(bundle: Any, weights: str) -> Path:
    """Where a pipeline's weights are, or would be."""
    if weights:
        return Path(weights).expanduser()
    return Path(torch.hub.get_dir()) / "checkpoints" / os.path.basename(bundle._path)


def _module(name: str, bundle: Any, weights: str) -> Any:
    """The network with its weights; raises ModelError where there are none to be had."""
    file = weights_file(bundle, weights)
    if weights and not file.is_file():
        raise ModelError(f"Model torchaudio:{name}: there is no file of weights {weights!r}.")
    arguments = {"model_dir": str(file.parent), "file_name": file.name, "weights_only": True}
    star = {"with_star": False} if _aligns_only(bundle) else {}
    try:
        return bundle.get_model(dl_kwargs={**arguments, "map_location": "cpu"}, **star)
    except OSError as error:
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"The weights of torchaudio:{name} are not at hand, and could not be fetched "
            f"({first_line}). Put the file {file.name} of torchaudio's pipelines into "
            f"{file.parent}, or name it with the model option weights=PATH."
        ) from error
    except (RuntimeError, KeyError, pickle.UnpicklingError) as error:
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"The file {file} does not hold the weights of torchaudio:{name}: {first_line}"
        ) from error


def _info(name: str, bundle: Any, **facts: Any) -> ModelInfo:
    methods = {"align"} if _aligns_only(bundle) else {"transcribe", "align"}
    return ModelInfo(
        name=f"torchaudio:{name}",
        kind="CTC aligner" if _aligns_only(bundle) else "CTC transcriber",
        modalities=frozenset({"audio"}),
        methods=frozenset(methods),
        sample_rate_hz=int(bundle.sample_rate),
        **facts,
    )


def labels_of(bundle: Any) -> Labels:
    """The letters of a pipeline; the first label is the blank."""
    star = {"star": None} if _aligns_only(bundle) else {}
    letters = bundle.get_labels(blank=BLANK, **star)
    index = {letter: label for label, letter in enumerate(letters)}

    def write(path: Sequence[int]) -> str:
        text = "".join(letters[label] for label in collapsed(list(path), 0))
        return " ".join(text.replace(SEPARATOR, " ").split())

    def spell(word: str) -> tuple[int, ...] | None:
        found = tuple(index.get(letter, 0) for letter in word)
        return found if found and not {0, index.get(SEPARATOR)} & set(found) else None

    return Labels(0, index.get(SEPARATOR), frozenset(), write, spell)


class BundleTranscriber(CtcModel):
    """A Wav2Vec2Model of torchaudio."""

    can_pad = False

    def __init__(self, name: str, bundle: Any, options: Options, module: Any) -> None:
        """Read letters, rate and strides from the pipeline."""
        self.decoding = options
        self.labels = labels_of(bundle)
        self.sample_rate_hz = int(bundle.sample_rate)
        self.convolutions = bundle._params["extractor_conv_layer_config"]
        own = name.removeprefix(_VOXPOPULI).lower() if name.startswith(_VOXPOPULI) else "en"
        self.language = options.language or own
        details = {
            "class": type(module).__name__,
            "decoding": options.description,
            "language": self.language,
            "batches": "one clip at a time",
        }
        if _aligns_only(bundle):
            details |= {"language": "any, romanised"}
        info = _info(name, bundle, n_parameters=count_parameters(module), details=details)
        dtype = next(module.parameters()).dtype
        digest = file_sha256(weights_file(bundle, options.weights))
        facts = (name, digest, dtype, options.decoding, options.beam_width, self.language)
        mark = sha256_of(repr((*facts, evalsuite.__version__)).encode())
        super().__init__(info, mark, module)

    @property
    def writes(self) -> str | None:
        """The language of the training data."""
        return self.language

    def n_frames(self, n_samples: int) -> int:
        """Frames of a clip, through one convolution after another."""
        for _, kernel, stride in self.convolutions:
            n_samples = (n_samples - kernel) // stride + 1
        return max(0, n_samples)

    def seconds_per_frame(self, n_samples: int, n_frames: int) -> float:
        """From the strides of the convolutions."""
        return prod(stride for _, _, stride in self.convolutions) / self.sample_rate_hz

    def logits(self, waveforms: Sequence[Any]) -> list[torch.Tensor]:
        """Float32 scores [frames, labels] of each clip, heard alone."""
        found = []
        for waveform in waveforms:
            samples = torch.tensor(waveform, dtype=self.dtype, device=self.device)
            with torch.inference_mode():
                emissions, _ = self.module(samples[None])
            found.append(emissions[0].float())
        return found
