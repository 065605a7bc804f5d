"""Registers the audio models and the audio tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1

# As published before a head is trained: an encoder beside what only its training needed.
PRETRAINED = tuple(
    f"architecture:{family}ForPreTraining"
    for family in ("Wav2Vec2", "Wav2Vec2Conformer", "UniSpeech", "UniSpeechSat")
)
# The first two are run; the loader says why the others are not. By class, since Whisper is also
# saved as a classifier or an encoder.
SPEECH_SEQ2SEQ = tuple(
    f"architecture:{family}"
    for family in (
        *("WhisperForConditionalGeneration", "MoonshineForConditionalGeneration"),
        *("CanaryForConditionalGeneration", "CohereAsrForConditionalGeneration"),
        *("MoonshineStreamingForConditionalGeneration", "SpeechEncoderDecoderModel"),
        *("Speech2TextForConditionalGeneration", "SpeechT5ForSpeechToText"),
    )
)

# Name, factory, summary, and the configurations that it takes.
_MODELS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (
        "hf/audio-text-dual-encoder",
        "dual_encoder:Loader",
        "embeds sounds and texts in one space (CLAP)",
        ("model_type:clap",),
    ),
    (
        "hf/audio-text-to-text",
        "audio_text_to_text:Loader",
        "writes and scores text about sounds (Qwen2-Audio, Audio Flamingo 3, GLM-ASR)",
        (
            "model_type:qwen2_audio",
            "model_type:audioflamingo3",
            "model_type:glmasr",
        ),
    ),
    (
        "hf/ctc-transcriber",
        "ctc:Loader",
        "writes down and aligns speech frame by frame (wav2vec 2.0, HuBERT, MMS)",
        ("mapping:CTC",),
    ),
    (
        "hf/audio-classifier",
        "classifier:Loader",
        "gives labels to clips (wav2vec 2.0, HuBERT, WavLM, AST, Whisper with such a head)",
        ("head:AUDIO_CLASSIFICATION",),
    ),
    (
        "hf/speaker-encoder",
        "encoder:SpeakerLoader",
        "embeds voices (x-vector heads of WavLM, UniSpeech-SAT, wav2vec 2.0)",
        ("head:AUDIO_XVECTOR",),
    ),
    (
        "hf/audio-encoder",
        "encoder:Loader",
        "embeds clips (bare wav2vec 2.0, HuBERT, WavLM, AST, ...)",
        (
            "base-of:AUDIO_CLASSIFICATION",
            *PRETRAINED,
        ),
    ),
    (
        "hf/speech-seq2seq",
        "speech_seq2seq:Loader",
        "writes down, translates and scores speech (Whisper, Moonshine)",
        (*SPEECH_SEQ2SEQ,),
    ),
    (
        "torchaudio",
        "torchaudio_bundle:Loader",
        "torchaudio:WAV2VEC2_ASR_BASE_960H and the other CTC pipelines, torchaudio:MMS_FA",
        (),
    ),
    (
        "pocketsphinx",
        "sphinx:Loader",
        "pocketsphinx:en-us, the English model that comes with the package",
        (),
    ),
)


@hookimpl
def evalsuite_register_models(registry: Catalogue) -> None:
    """Declare the kinds that ``hf:`` finds from a configuration, torchaudio's and pocketsphinx."""
    for name, factory, summary, takes in _MODELS:
        registry.add(
            name,
            factory=f"evalsuite_audio.models.{factory}",
            summary=summary,
            tags=("audio", *takes),
        )


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Declare the audio tasks."""
    for name, factory, summary in (
        ("zero-shot", "zero_shot:ZeroShotClassification", "classes named in words"),
        ("zero-shot-labels", "zero_shot_labels:ZeroShotLabels", "several labels at once"),
        ("retrieval", "retrieval:Retrieval", "captions of clips, clips of captions"),
        ("captioning", "captioning:Captioning", "captions against references"),
        ("caption-scores", "caption_scores:ClapScore", "given captions against clips: CLAPScore"),
        (
            "question-answering",
            "question_answering:QuestionAnswering",
            "written answers against people's, yes/no apart",
        ),
        (
            "multiple-choice",
            "multiple_choice:MultipleChoice",
            "choices by likelihood or written, also in every rotation",
        ),
        (
            "classification",
            "classification:Classification",
            "labels of a classifier: keywords, emotions, languages, sounds",
        ),
        (
            "speaker-verification",
            "speaker_verification:SpeakerVerification",
            "same speaker or not: EER, minDCF",
        ),
        ("transcription", "transcription:Transcription", "word and character error rates"),
        ("hallucination", "hallucination:Hallucination", "words written where nobody speaks"),
        ("keyword", "keyword:Keyword", "spoken words out of a known set, by transcript"),
    ):
        registry.add(
            f"audio/{name}",
            factory=f"evalsuite_audio.tasks.{factory}",
            summary=summary,
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
