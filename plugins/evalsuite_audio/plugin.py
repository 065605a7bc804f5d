"""Registers the audio models and the audio tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1

# The first two are run; the loader says why the others are not.
SPEECH_SEQ2SEQ = (
    *("whisper", "moonshine", "canary", "cohere_asr", "moonshine_streaming"),
    *("speech-encoder-decoder", "speech_to_text", "speecht5"),
)


@hookimpl
def evalsuite_register_models(registry: Catalogue) -> None:
    """Declare the kinds that ``hf:`` finds from a configuration, torchaudio's and pocketsphinx."""
    registry.add(
        "hf/audio-text-dual-encoder",
        factory="evalsuite_audio.models.dual_encoder:Loader",
        summary="embeds sounds and texts in one space (CLAP)",
        tags=("audio", "model_type:clap"),
    )
    registry.add(
        "hf/ctc-transcriber",
        factory="evalsuite_audio.models.ctc:Loader",
        summary="writes down and aligns speech frame by frame (wav2vec 2.0, HuBERT, MMS)",
        tags=("audio", "mapping:CTC"),
    )
    registry.add(
        "hf/speech-seq2seq",
        factory="evalsuite_audio.models.speech_seq2seq:Loader",
        summary="writes down, translates and scores speech (Whisper, Moonshine)",
        tags=("audio", *(f"model_type:{name}" for name in SPEECH_SEQ2SEQ)),
    )
    registry.add(
        "torchaudio",
        factory="evalsuite_audio.models.torchaudio_bundle:Loader",
        summary="torchaudio:WAV2VEC2_ASR_BASE_960H and the other CTC pipelines, torchaudio:MMS_FA",
        tags=("audio",),
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
