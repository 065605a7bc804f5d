"""Registers the audio models and the audio tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1


@hookimpl
def evalsuite_register_models(registry: Catalogue) -> None:
    """Declare the kinds that ``hf:`` finds from a configuration, and pocketsphinx."""
    registry.add(
        "hf/audio-text-dual-encoder",
        factory="evalsuite_audio.models.dual_encoder:Loader",
        summary="embeds sounds and texts in one space (CLAP)",
        tags=("audio", "model_type:clap"),
    )
    registry.add(
        "hf/ctc-transcriber",
        factory="evalsuite_audio.models.ctc:Loader",
        summary="writes down speech frame by frame (wav2vec 2.0, HuBERT, MMS)",
        tags=("audio", "mapping:CTC"),
    )
    registry.add(
        "pocketsphinx",
        factory="evalsuite_audio.models.sphinx:Loader",
        summary="pocketsphinx:en-us, the English model that comes with the package",
        tags=("audio",),
    )


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Declare the audio tasks."""
    registry.add(
        "audio/zero-shot",
        factory="evalsuite_audio.tasks.zero_shot:ZeroShotClassification",
        summary="classes named in words",
        tags=("task", "audio"),
    )
    registry.add(
        "audio/transcription",
        factory="evalsuite_audio.tasks.transcription:Transcription",
        summary="word and character error rates",
        tags=("task", "audio"),
    )
    registry.add(
        "audio/hallucination",
        factory="evalsuite_audio.tasks.hallucination:Hallucination",
        summary="words written where nobody speaks",
        tags=("task", "audio"),
    )
    registry.add(
        "audio/keyword",
        factory="evalsuite_audio.tasks.keyword:Keyword",
        summary="spoken words out of a known set, by transcript",
        tags=("task", "audio"),
    )


@hookimpl
def evalsuite_register_sources(registry: Catalogue) -> None:
    """Declare the generated clips."""
    registry.add(
        "audio/silence-and-noise",
        factory="evalsuite_audio.silence_and_noise:SilenceAndNoise",
        summary="clips in which nobody speaks, for audio/hallucination",
    )
