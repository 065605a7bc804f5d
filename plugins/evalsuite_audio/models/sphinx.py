"""pocketsphinx: a small English recogniser whose acoustic model comes with its package."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

import evalsuite
from evalsuite import (
    Failure,
    LoadSettings,
    ModelError,
    ModelInfo,
    Request,
    TimedWord,
    Transcribe,
    Transcript,
    UsageError,
)
from evalsuite.content import sha256_of
from evalsuite_audio.models.asked import refusal

SAMPLE_RATE_HZ = 16_000
NAMES = ("en-us",)
SHORTEST = 410  # samples of one window of 25.6 ms
FRAMES_PER_SECOND = 100
_FILLERS = ("<", "[", "+")
# The dictionary's second pronunciation of "a" is "a(2)".
_VARIANT = re.compile(r"\(\d+\)$")


class Loader:
    """The loader behind ``pocketsphinx:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """Check the name and that the package is installed."""
        if reference not in NAMES:
            raise ModelError(
                f"pocketsphinx has no model {reference!r}; it comes with: {', '.join(NAMES)}."
            )
        if settings.options:
            names = ", ".join(map(repr, settings.options))
            raise UsageError(f"pocketsphinx models have no options (got {names}).")
        if find_spec("pocketsphinx") is None:
            raise ModelError(
                "pocketsphinx is not installed; install it with: pip install 'evalsuite[sphinx]'."
            )
        return ModelInfo(
            name=f"pocketsphinx:{reference}",
            kind="HMM transcriber",
            modalities=frozenset({"audio"}),
            methods=frozenset({"transcribe"}),
            sample_rate_hz=SAMPLE_RATE_HZ,
            details={"decoder": f"pocketsphinx {version('pocketsphinx')}", "language": "English"},
        )

    def load(self, reference: str, settings: LoadSettings) -> Sphinx:
        """Load the acoustic and the language model."""
        return Sphinx(self.describe(reference, settings))


class Sphinx:
    """A recogniser that starts afresh with every clip."""

    def __init__(self, info: ModelInfo) -> None:
        """Load the models once."""
        from pocketsphinx import Decoder

        self.info = info
        self.fingerprint = sha256_of(
            f"{info.name} {info.details['decoder']} {evalsuite.__version__}".encode()
        )
        self._decoder: Any = Decoder(samprate=SAMPLE_RATE_HZ, loglevel="FATAL")

    def cost(self, request: Request) -> int:
        """Hundredths of a second."""
        if isinstance(request, Transcribe):
            return 1 + request.audio.n_samples(SAMPLE_RATE_HZ) // 160
        return 1

    def transcribe(self, requests: Sequence[Transcribe]) -> list[Transcript | Failure]:
        """Transcripts, one clip after another; a clip without a frame, or not in English, fails."""
        return [self._transcribe(request) for request in requests]

    def _transcribe(self, request: Transcribe) -> Transcript | Failure:
        """One clip, with a front end that has heard nothing yet.

        Setting back the cepstral mean is not enough: the features of a clip would still depend on
        the one before it.
        """
        refused = refusal(request, "en")
        if refused is not None:
            return refused
        waveform, _ = request.audio.load(SAMPLE_RATE_HZ)
        if len(waveform) < SHORTEST:
            return Failure("too short", f"{len(waveform)} samples make no frame of this model")
        samples = (np.clip(waveform, -1, 1) * 32767).astype(np.int16)
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), full_utt=True)
        self._decoder.end_utt()
        hypothesis = self._decoder.hyp()
        if hypothesis is None:
            return Transcript("")
        words = _timed(self._decoder.seg()) if request.word_times else ()
        return Transcript(hypothesis.hypstr, words)

    def close(self) -> None:
        """Free the models."""
        self._decoder = None


def _timed(segments: Iterable[Any]) -> tuple[TimedWord, ...]:
    """The words among segments, without silence, noise and the numbers of pronunciations.

    Confidence is the word's posterior probability among the paths of the decoder's lattice.
    """
    return tuple(
        TimedWord(
            _VARIANT.sub("", segment.word),
            segment.start_frame / FRAMES_PER_SECOND,
            (segment.end_frame + 1) / FRAMES_PER_SECOND,
            min(1.0, max(0.0, float(segment.prob))),
        )
        for segment in segments
        if not segment.word.startswith(_FILLERS)
    )
