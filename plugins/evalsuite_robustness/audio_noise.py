"""How much accuracy does white noise cost a zero-shot sound classifier?"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evalsuite import (
    Audio,
    Card,
    EmbedAudio,
    EmbedText,
    Failure,
    Mean,
    MediaError,
    Metric,
    Null,
    Proportion,
    RequestFailed,
    Sample,
    SimilarityScale,
)
from evalsuite.zero_shot import Classes, ZeroShotProbe, class_index, predict
from evalsuite_robustness.sounds.mixing import at_ratio


@dataclass(frozen=True)
class AudioNoise(ZeroShotProbe):
    """Classify every clip twice, as it is and in white noise.

    Args:
        classes: Names of all classes; without them, the labels that the data have.
        templates: Prompts; ``{}`` or ``{c}`` is the class's name.
        snr_db: Signal-to-noise ratio in decibels, over the clip's own band.
        seed: Another number draws other noise.
    """

    templates: tuple[str, ...] = ("this is a sound of {}",)
    snr_db: float = 20.0
    seed: int = 0

    medium: ClassVar[str] = "audio"
    name: ClassVar[str] = "robustness/audio-noise"
    family: ClassVar[Any] = "robustness"
    needs: ClassVar[Any] = (EmbedAudio, EmbedText, SimilarityScale)
    fields: ClassVar[Any] = ("audio", "label")
    card: ClassVar[Card] = Card(
        measures="The share of clips that are recognised in quiet, minus the share in white noise "
        "of the given ratio; the same clips, so the difference is paired.",
        does_not_measure="Other noise: babble, reverberation and codecs spoil other things.",
        reference="The additive-noise protocol of speech robustness benchmarks, e.g. Shah et al. "
        "2024, Speech Robust Bench",
        critique="A model that recognises nothing loses nothing: read it beside the accuracy.",
    )
    metrics: ClassVar[Sequence[Metric]] = (
        Mean(
            "drop",
            name="accuracy lost to noise",
            null=Null(0.0, margin=0.02, side="above", why="noise costs nothing"),
            direction="lower is better",
            primary=True,
        ),
        Proportion(
            "correct_quiet", name="accuracy in quiet", chance="chance", direction="higher is better"
        ),
        Proportion(
            "correct_noisy", name="accuracy in noise", chance="chance", direction="higher is better"
        ),
    )

    def ask(self, sample: Sample, context: Classes) -> Any:
        """Embed the clip and its noisy copy."""
        target = class_index(str(sample["label"]), context.names)
        quiet, noisy = yield (
            EmbedAudio(sample["audio"]),
            EmbedAudio(in_noise(sample["audio"], self.snr_db, self.seed)),
        )
        before = predict(quiet.vector, context.vectors, context.similarity, target)
        after = predict(noisy.vector, context.vectors, context.similarity, target)
        return {
            "drop": before.credit - after.credit,
            "correct_quiet": before.credit,
            "correct_noisy": after.credit,
            "predicted_quiet": context.names[before.index],
            "predicted_noisy": context.names[after.index],
            "target": context.names[target],
            "chance": 1 / len(context.names),
        }


def in_noise(audio: Audio, snr_db: float, seed: int = 0) -> Audio:
    """The clip with white noise at exactly the given ratio, drawn from the clip's own hash.

    Power is taken over the whole clip at its own sample rate; sums beyond full scale are kept.

    Raises:
        RequestFailed: The clip is silent, so no ratio can be set.
    """
    waveform, rate = audio.load()
    digest = hashlib.sha256(f"{audio.sha256}:{float(snr_db)}".encode()).digest()
    start = int.from_bytes(digest[:8], "little") + seed
    noise = np.random.default_rng(start).standard_normal(len(waveform))
    try:
        mixed = at_ratio(waveform, noise, snr_db)
    except MediaError as error:
        raise RequestFailed(
            Failure("silent clip", "no signal-to-noise ratio can be set")
        ) from error
    return Audio.from_array(mixed.astype(np.float32), rate)
