"""One clip alone under Whisper: longer than a window, or written in several tries.

Each window begins where the decoder said that the words of the last one ended (sequential decoding,
Radford et al. 2022, section 3.8); what it must try again is drawn from the clip's own hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from evalsuite import TimedWord, Transcribe, Transcript

if TYPE_CHECKING:
    from evalsuite_audio.models.whisper import WhisperTranscriber


def write_alone(model: WhisperTranscriber, request: Transcribe, clip: Any) -> Transcript:
    """A transcript by the library's sequential decoding, with the guards that are asked for."""
    is_long = len(clip) > model.window
    features = model.features.whole(clip)
    first = model.states_of(features[..., : model.extractor.nb_max_frames])
    (language,) = model.languages_of([request.language], first)
    told: dict[str, Any] = {}
    if language is not None:
        told = {"language": f"<|{language}|>", "task": request.task}
    with torch.inference_mode(), _seeded(clip):
        found = model.module.generate(
            features.to(model.device, model.dtype),
            return_timestamps=is_long,
            return_segments=True,
            **told,
            **model.options.arguments,
        )
    segments = found["segments"][0]
    tokens = [model.words_only(segment["tokens"].tolist()) for segment in segments]
    words: list[TimedWord] = []
    if request.word_times:
        opening = model.speech.opening(language, request.task)
        for segment, own in zip(segments, tokens, strict=True):
            words += _timed_segment(model, segment, own, features, opening)
    text = model.text_of([token for own in tokens for token in own])
    return Transcript(text, tuple(words))


def _timed_segment(
    model: WhisperTranscriber,
    segment: Any,
    tokens: Sequence[int],
    features: torch.Tensor,
    opening: Sequence[int],
) -> list[TimedWord]:
    """Words of a segment that the decoder itself gave a start and an end."""
    if not tokens:
        return []
    hop_s = model.extractor.hop_length / model.sample_rate_hz
    start_s = float(segment["start"])
    end_s = min(float(segment["end"]), features.shape[-1] * hop_s)
    window = features[..., round(start_s / hop_s) :][..., : model.extractor.nb_max_frames]
    missing = model.extractor.nb_max_frames - window.shape[-1]
    states = model.states_of(torch.nn.functional.pad(window, (0, missing)))
    return model.timed(states, opening, tokens, start_s, max(start_s, end_s))


@contextmanager
def _seeded(clip: Any) -> Iterator[None]:
    """Random numbers drawn from the clip's own samples; the caller's go on as before."""
    digest = hashlib.sha256(np.ascontiguousarray(clip).tobytes()).digest()
    with torch.random.fork_rng():
        torch.manual_seed(int.from_bytes(digest[:4], "little"))
        yield
