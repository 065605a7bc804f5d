"""Registers the robustness probes and the ways to make any probe's data harder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1

# Variant: where it is, and what it does.
_VARIANTS = (
    ("image/gaussian-noise", "images.noise:GaussianNoise", "normal noise"),
    ("image/shot-noise", "images.noise:ShotNoise", "Poisson noise"),
    ("image/impulse-noise", "images.noise:ImpulseNoise", "salt and pepper"),
    ("image/defocus-blur", "images.blur:DefocusBlur", "out of focus"),
    ("image/motion-blur", "images.blur:MotionBlur", "a moving camera"),
    ("image/zoom-blur", "images.blur:ZoomBlur", "a camera that comes nearer"),
    ("image/contrast", "images.digital:Contrast", "less contrast"),
    ("image/brightness", "images.digital:Brightness", "overexposure"),
    ("image/fog", "images.digital:Fog", "clouds mixed in"),
    ("image/jpeg", "images.digital:Jpeg", "strong compression"),
    ("image/pixelate", "images.digital:Pixelate", "fewer pixels"),
    ("image/rotation", "images.geometric:Rotation", "tilted"),
    ("image/shift", "images.geometric:Shift", "out of the middle"),
    ("image/elastic", "images.geometric:Elastic", "a rubber sheet"),
    ("image/occlusion", "images.geometric:Occlusion", "a square in the way"),
    ("image/blank", "missing:BlankImage", "the mean colour only"),
    ("image/missing-patches", "missing:MissingPatches", "a share of the patches covered"),
    ("image/permuted", "missing:PermutedImages", "another sample's picture"),
    ("image/absent", "missing:AbsentImage", "the text alone"),
    ("audio/white-noise", "sounds.noise:WhiteNoise", "white noise at a ratio"),
    ("audio/pink-noise", "sounds.noise:PinkNoise", "pink noise at a ratio"),
    ("audio/babble", "sounds.babble:Babble", "other clips talking, at a ratio"),
    ("audio/noise-files", "sounds.files:NoiseFiles", "recorded noise at a ratio"),
    ("audio/reverberation", "sounds.rooms:Reverberation", "a room with echoes"),
    ("audio/impulse-responses", "sounds.rooms:ImpulseResponses", "measured rooms"),
    ("audio/speed", "sounds.tempo:Speed", "faster and higher, or slower and lower"),
    ("audio/tempo", "sounds.tempo:Tempo", "faster or slower at the same pitch"),
    ("audio/pitch", "sounds.tempo:Pitch", "higher or lower at the same tempo"),
    ("audio/gain", "sounds.damage:Gain", "too soft or too loud"),
    ("audio/clipping", "sounds.damage:Clipping", "an overdriven microphone"),
    ("audio/band-limit", "sounds.damage:BandLimit", "no high frequencies"),
    ("audio/packet-loss", "sounds.damage:PacketLoss", "gaps of lost packets"),
    ("audio/masking", "sounds.damage:Masking", "one stretch silent"),
    ("audio/mp3", "sounds.codecs:Mp3", "MP3 at a bit rate"),
    ("audio/opus", "sounds.codecs:Opus", "Opus at a bit rate"),
    ("audio/vorbis", "sounds.codecs:Vorbis", "Ogg Vorbis at a quality"),
    ("audio/mu-law", "sounds.codecs:MuLaw", "a landline telephone"),
    ("audio/gsm", "sounds.codecs:Gsm", "an early mobile telephone"),
    ("audio/ffmpeg-codec", "sounds.ffmpeg_codecs:FfmpegCodec", "AAC, AMR, Speex, Codec 2"),
    ("audio/silence", "missing:SilentAudio", "silence of the same length"),
    ("audio/missing-moments", "missing:MissingMoments", "a share of the moments silent"),
    ("audio/permuted", "missing:PermutedAudio", "another sample's clip"),
    ("text/typos", "texts.typos:Typos", "slips of the keyboard"),
    ("text/upper-case", "texts.surface:UpperCase", "capitals only"),
    ("text/lower-case", "texts.surface:LowerCase", "no capitals"),
    ("text/mixed-case", "texts.surface:MixedCase", "the other case here and there"),
    ("text/extra-spaces", "texts.surface:ExtraSpaces", "doubled spaces"),
    ("text/missing-punctuation", "texts.surface:MissingMarks", "marks left out"),
    ("text/number-format", "texts.numbers:NumberFormat", "numbers in words, digits, groups"),
    ("text/wording", "texts.wording:Wording", "neutral words around the question"),
    ("text/template", "texts.wording:Template", "words of your own around the question"),
    ("text/dialect", "texts.dialect:Dialect", "grammar of other Englishes, by rules"),
    ("text/option-order", "texts.options:OptionOrder", "choices in another order"),
    ("text/negation", "texts.contrast:Negation", "statements negated, labels with them"),
    ("text/contrast-pair", "texts.contrast:ContrastPair", "the edited partner in the data"),
    ("control/unchanged", "controls:Unchanged", "nothing; costs exactly nothing"),
    ("control/permuted-labels", "controls:PermutedLabels", "answers of other samples"),
    ("text/missing-words", "texts.missing_words:MissingWords", "a share of the words left out"),
)


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Declare the robustness probes."""
    registry.add(
        "robustness/audio-noise",
        factory="evalsuite_robustness.audio_noise:AudioNoise",
        summary="what white noise costs a zero-shot sound classifier",
        tags=("robustness", "audio"),
    )
    sure = "is {} as often right as it is sure?"
    for name, factory, who, medium in (
        ("text-classification", "classified:TextClassifierCalibration", "a classifier", "text"),
        ("audio-classification", "classified:AudioClassifierCalibration", "a classifier", "audio"),
        ("image-zero-shot", "classified:ImageZeroShotCalibration", "a dual encoder", "image"),
        ("audio-zero-shot", "classified:AudioZeroShotCalibration", "a dual encoder", "audio"),
        ("multiple-choice", "chosen:ChoiceCalibration", "a language model", "text"),
        ("image-multiple-choice", "chosen:ImageChoiceCalibration", "a language model", "image"),
        ("audio-multiple-choice", "chosen:AudioChoiceCalibration", "a language model", "audio"),
        ("transcribed-words", "words:WordCalibration", "a transcriber's word", "audio"),
        ("verbalized", "verbalized:VerbalizedConfidence", "what a model writes", "text"),
        ("image-verbalized", "verbalized:VerbalizedConfidenceImage", "what it writes", "image"),
        ("audio-verbalized", "verbalized:VerbalizedConfidenceAudio", "what it writes", "audio"),
    ):
        registry.add(
            f"calibration/{name}",
            factory=f"evalsuite_robustness.calibration.{factory}",
            summary=sure.format(who),
            tags=("robustness", medium),
        )


@hookimpl
def evalsuite_register_variants(registry: Catalogue) -> None:
    """Declare the variants."""
    for name, factory, summary in _VARIANTS:
        registry.add(
            name,
            factory=f"evalsuite_robustness.{factory}",
            summary=summary,
            tags=(name.partition("/")[0],),
        )


@hookimpl
def evalsuite_register_report_sections(registry: Catalogue) -> None:
    """Declare the reliability diagrams and risk-coverage curves."""
    registry.add(
        "robustness/calibration", factory="evalsuite_robustness.calibration.section:diagrams"
    )
