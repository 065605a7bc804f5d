"""A name in a clip: when it is spoken, the clip with noise instead, and what is written then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from evalsuite import Audio, TimedWord
from evalsuite.derived import DerivedAudio
from evalsuite.transcripts import BASIC, align

Words = tuple[str, ...]


def words_of(text: str) -> Words:
    """The words of a text as they are compared: without case and marks."""
    return tuple(BASIC(text).split())


def place_of(name: Words, words: Words) -> int | None:
    """Where a name stands first among words; None where it does not."""
    n = len(name)
    places = range(len(words) - n + 1) if n else ()
    return next((i for i in places if words[i : i + n] == name), None)


@dataclass(frozen=True)
class Said:
    """A sentence with a name in it.

    Attributes:
        words: All of them.
        name: Those of the name.
        place: Index of the name's first word.
    """

    words: Words
    name: Words
    place: int

    @classmethod
    def of(cls, text: str, name: str) -> Said | None:
        """The sentence of a transcript; None where it does not hold the name."""
        words, wanted = words_of(text), words_of(name)
        place = place_of(wanted, words)
        return None if place is None else cls(words, wanted, place)

    @property
    def context(self) -> Words:
        """The words around the name."""
        return self.words[: self.place] + self.words[self.place + len(self.name) :]

    def is_heard_in(self, transcript: Words) -> bool:
        """Whether a transcript has the name where it is said."""
        return self._heard_at(transcript) is not None

    def times_in(self, spoken: Sequence[TimedWord], end_s: float) -> tuple[float, float] | None:
        """From the end of the word before the name to the start of the one after it, in seconds.

        Recognisers place words inside their true bounds as often as around them; all that lies
        between the neighbours is the name or a pause.

        Args:
            spoken: Words of a transcript with their times.
            end_s: Length of the clip.

        Returns:
            None where the transcript does not have the name.
        """
        pieces = [(word, timed) for timed in spoken for word in words_of(timed.text)]
        first = self._heard_at(tuple(word for word, _ in pieces))
        if first is None:
            return None
        after = first + len(self.name)
        start = pieces[first - 1][1].end_s if first else 0.0
        end = pieces[after][1].start_s if after < len(pieces) else end_s
        return min(start, pieces[first][1].start_s), max(end, pieces[after - 1][1].end_s)

    def _heard_at(self, transcript: Words) -> int | None:
        """Index of the transcript's word that is the name's first; None unless all are there."""
        said = heard = 0
        wanted = range(self.place, self.place + len(self.name))
        found: dict[int, int] = {}
        for step in align(self.words, transcript).steps:
            if step.operation == "equal":
                found |= {said + i: heard + i for i in range(len(step.reference))}
            said, heard = said + len(step.reference), heard + len(step.hypothesis)
        places = [found.get(index) for index in wanted]
        first = places[0]
        is_whole = first is not None and places == list(range(first, first + len(places)))
        return first if is_whole else None


def written_beside(context: Words, transcript: Words) -> list[Words]:
    """Stretches of a transcript that the context does not explain."""

    def stretches() -> Iterator[Words]:
        steps = align(context, transcript).steps
        for is_same, group in groupby(steps, lambda step: step.operation == "equal"):
            if not is_same:
                yield tuple(word for step in group for word in step.hypothesis)

    return [stretch for stretch in stretches() if stretch]


def names_among(names: Iterable[Words], written: Sequence[Words]) -> list[Words]:
    """Those of the names that stand in one of the stretches, in alphabetical order."""
    return sorted(
        name for name in names if any(place_of(name, part) is not None for part in written)
    )


def is_among(names: Iterable[Words], written: Sequence[Words]) -> bool:
    """Whether any of the names stands in one of the stretches."""
    return bool(names_among(names, written))


def masked(
    audio: Audio, start_s: float, end_s: float, *, noise: str, snr_db: float, seed: int
) -> Audio:
    """The clip with a stretch replaced by white noise, or by silence.

    The noise has the power of the rest of the clip, lowered by the ratio in decibels. It is drawn
    from the clip's own hash. A stretch beyond an end is cut there.

    Args:
        audio: The clip.
        start_s: Where the stretch begins, in seconds.
        end_s: Where it ends, in seconds.
        noise: ``white`` or ``silence``.
        snr_db: Power of the rest over that of the noise, in decibels.
        seed: Another number draws other noise.
    """

    def change(
        waveform: npt.NDArray[np.float32], sample_rate_hz: int, rng: np.random.Generator
    ) -> npt.NDArray[np.float32]:
        first = max(0, round(start_s * sample_rate_hz))
        last = min(len(waveform), round(end_s * sample_rate_hz))
        changed = np.array(waveform)
        changed[first:last] = 0
        if noise == "silence" or last <= first:
            return changed
        n_left = max(1, len(changed) - (last - first))
        power = float(np.square(changed, dtype=np.float64).sum()) / n_left
        level = np.sqrt(power / 10 ** (snr_db / 10))
        changed[first:last] = level * rng.standard_normal(last - first)
        return changed

    recipe = f"noise masking {noise} {snr_db:g} dB {start_s:.4f} s to {end_s:.4f} s seed {seed}"
    return DerivedAudio(original=audio, recipe=recipe, change=change)
