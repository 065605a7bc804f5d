"""Sounds and words with a class: ESC-50, Speech Commands, the Free Spoken Digit Dataset."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from evalsuite import DataError
from evalsuite_sources.files import read_json, require_file, require_folder
from evalsuite_sources.sounds.annotated import AnnotatedClips, Clip, number, table


@dataclass(frozen=True)
class Esc50(AnnotatedClips):
    """ESC-50's release: meta/esc50.csv and audio/.

    Fields: audio, label (the category, spaces for underscores), fold (1 to 5), is_esc10 (of the
    ten easier categories), recording (the clips of one are related: all are in one fold), take.

    Attributes:
        path: The folder that holds ``meta`` and ``audio``.
        folds: Which folds; all without it.
        esc10_only: Whether to keep the ten categories of ESC-10 only.
    """

    path: str
    folds: tuple[int, ...] = ()
    esc10_only: bool = False

    def _clips(self) -> Iterator[Clip]:
        columns = ("filename", "fold", "category", "esc10", "src_file", "take")
        for line in table(self._files()[0], columns):
            told = line.values
            fold, is_esc10 = number(line, "fold"), told["esc10"].strip().lower() == "true"
            if (self.folds and fold not in self.folds) or (self.esc10_only and not is_esc10):
                continue
            known = {"label": told["category"].replace("_", " "), "fold": fold}
            known |= {"is_esc10": is_esc10, "recording": told["src_file"], "take": told["take"]}
            clip = Path(self.path) / "audio" / told["filename"]
            yield Clip(clip.stem, clip, known)

    def _files(self) -> Sequence[Path]:
        return [Path(self.path) / "meta" / "esc50.csv"]


@dataclass(frozen=True)
class SpeechCommands(AnnotatedClips):
    """Speech Commands: a folder for each word, and lists that name the clips of two splits.

    Fields: audio, label and text (the word), speaker (by the clip's name), take. The recordings
    of background noise are left out.

    Attributes:
        path: The folder that holds the words' folders and the lists.
        split: test, validation, train (what neither list names), or all.
    """

    path: str
    split: Literal["test", "validation", "train", "all"] = "test"

    def _clips(self) -> Iterator[Clip]:
        for name in self._names():
            clip = Path(self.path) / name
            word = clip.parent.name
            speaker, _, take = clip.stem.partition("_nohash_")
            known = {"label": word, "text": word, "speaker": speaker, "take": take}
            yield Clip(name, clip, known)

    def _names(self) -> Sequence[str]:
        """The clips' paths within the folder, sorted."""
        if self.split in ("test", "validation"):
            return sorted(_lines(self._files()[0]))
        root = require_folder(Path(self.path))
        named = {name for path in self._files() for name in _lines(path)}
        return sorted(
            name
            for clip in root.glob("*/*.wav")
            if not clip.parent.name.startswith("_")
            and (name := clip.relative_to(root).as_posix()) not in named
        )

    def fingerprint(self) -> str:
        """Sha256 of the clips' names; the clips are identified sample by sample."""
        return hashlib.sha256("\n".join(self._names()).encode()).hexdigest()

    def _files(self) -> Sequence[Path]:
        lists = {"train": ("testing", "validation"), "test": ("testing",), "all": ()}
        chosen = lists.get(self.split, (self.split,))
        return [require_file(Path(self.path) / f"{name}_list.txt") for name in chosen]

    def _place(self) -> str:
        return f"Data folder {self.path} (split {self.split})"


def _lines(path: Path) -> Sequence[str]:
    return path.read_text(encoding="utf-8").split()


DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>.+)_(?P<index>\d+)")


@dataclass(frozen=True)
class Fsdd(AnnotatedClips):
    """The Free Spoken Digit Dataset: DIGIT_SPEAKER_INDEX.wav in one folder.

    Fields: audio, label and text (the digit as a word), digit, speaker, index, and what
    ``speakers_path`` knows of the speaker, e.g. accent and gender.

    Attributes:
        path: The folder of the clips.
        split: ``test`` is what upstream calls so, indices 0 to 4; ``train`` is the rest.
        names: The words for 0 to 9, in the language that was spoken.
        speakers_path: A JSON object from speaker to what is known of each.
    """

    path: str
    split: Literal["test", "train", "all"] = "all"
    names: tuple[str, ...] = DIGITS
    speakers_path: str | None = None

    def __post_init__(self) -> None:
        """Refuse other than ten words."""
        if len(self.names) != len(DIGITS):
            raise ValueError(f"names must be the ten words for 0 to 9 (got {len(self.names)})")

    def _clips(self) -> Iterator[Clip]:
        speakers = self._speakers()
        for clip in self._paths():
            found = _NAME.fullmatch(clip.stem)
            if found is None:
                yield Clip(clip.stem, clip, broken=f"{clip} is not named DIGIT_SPEAKER_INDEX")
                continue
            index, word = int(found["index"]), self.names[int(found["digit"])]
            if self.split != "all" and (self.split == "test") != (index < 5):
                continue
            known = {"label": word, "text": word, "digit": int(found["digit"]), "index": index}
            about = speakers.get(found["speaker"], {})
            yield Clip(clip.stem, clip, {**known, **about, "speaker": found["speaker"]})

    def _paths(self) -> list[Path]:
        return sorted(require_folder(Path(self.path)).glob("*.wav"))

    def _speakers(self) -> Mapping[str, Mapping[str, Any]]:
        if self.speakers_path is None:
            return {}
        found = read_json(Path(self.speakers_path))
        if not isinstance(found, dict) or not all(isinstance(v, dict) for v in found.values()):
            raise DataError(
                f"{self.speakers_path}:1:1: must be a JSON object from speaker to an object, e.g. "
                '{"jackson": {"accent": "USA/neutral"}}.'
            )
        return found

    def _files(self) -> Sequence[Path]:
        speakers = [Path(self.speakers_path)] if self.speakers_path else []
        return [*self._paths(), *speakers]

    def _place(self) -> str:
        return f"Data folder {self.path}"
