"""A clip with its pitch moved, its length kept."""

from __future__ import annotations

from evalsuite import Audio
from evalsuite.derived import DerivedAudio
from evalsuite.vocoder import pitched


def shifted(audio: Audio, semitones: float) -> Audio:
    """The clip with every frequency multiplied by 2^(semitones / 12), lazily.

    Formants move along with the pitch, so the voice sounds like that of a smaller or larger
    speaker, and not only higher or lower; a natural voice of another speaker also differs in much
    else.
    """
    if semitones == 0:
        return audio
    return DerivedAudio(
        original=audio,
        recipe=f"pitch {semitones:+g} semitones",
        change=lambda waveform, rate, rng: pitched(waveform, semitones, rate),
    )
