"""Registers the robustness probes and the ways to make any probe's data harder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Declare the robustness probes."""
    registry.add(
        "robustness/audio-noise",
        factory="evalsuite_robustness.audio_noise:AudioNoise",
        summary="what white noise costs a zero-shot sound classifier",
        tags=("robustness", "audio"),
    )


@hookimpl
def evalsuite_register_variants(registry: Catalogue) -> None:
    """Declare the variants."""
    for name, factory, summary in (
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
        ("image/permuted", "missing:PermutedImages", "another sample's picture"),
        ("image/absent", "missing:AbsentImage", "the text alone"),
        ("audio/white-noise", "sounds:WhiteNoise", "white noise at a ratio"),
        ("audio/clipping", "sounds:Clipping", "an overdriven microphone"),
        ("audio/band-limit", "sounds:BandLimit", "no high frequencies"),
        ("audio/silence", "missing:SilentAudio", "silence of the same length"),
        ("audio/permuted", "missing:PermutedAudio", "another sample's clip"),
        ("text/typos", "text_changes:Typos", "slips of the keyboard"),
        ("text/upper-case", "text_changes:UpperCase", "capitals only"),
        ("text/extra-spaces", "text_changes:ExtraSpaces", "doubled spaces"),
    ):
        registry.add(
            name,
            factory=f"evalsuite_robustness.{factory}",
            summary=summary,
            tags=(name.partition("/")[0],),
        )
