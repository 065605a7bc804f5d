"""Speaker verification: pairs of clips that are of one speaker or of two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evalsuite import Audio, DataError, Sample
from evalsuite_sources.files import fingerprint_of, require_file, require_folder

_LABELS = {"1": True, "0": False, "target": True, "nontarget": False}


@dataclass(frozen=True)
class SpeakerTrials:
    """A list of trials as VoxCeleb's: ``1 SPEAKER/VIDEO/A.wav SPEAKER/VIDEO/B.wav`` a line.

    Fields: audio_a, audio_b, same (whether one speaker says both), and, where the paths have
    folders, speaker_a and speaker_b: the first folder of each.

    Attributes:
        path: The list; its labels are 1 and 0, or target and nontarget.
        media_path: Folder of the clips; the list's own folder without it.
    """

    path: str
    media_path: str | None = None

    def rows(self) -> Iterator[Sample]:
        """The trials in file order; one of which a clip is missing is a broken sample."""
        folder = self._folder()
        clips: dict[str, Audio] = {}  # a clip is in many trials, and should be hashed once
        for number, (same, *names) in enumerate(self._trials()):
            paths = [folder / name for name in names]
            missing = next((path for path in paths if not path.is_file()), None)
            if missing is not None:
                yield Sample(str(number), broken=f"{missing} does not exist")
                continue
            one, other = (
                clips.setdefault(name, Audio(path=path))
                for name, path in zip(names, paths, strict=True)
            )
            speakers = {
                f"speaker_{side}": name.split("/")[0]
                for side, name in zip("ab", names, strict=True)
                if "/" in name
            }
            yield Sample(str(number), {"audio_a": one, "audio_b": other, "same": same, **speakers})

    def check(self) -> None:
        """Refuse a missing file or folder, one of another format, and one without trials."""
        require_folder(self._folder())
        if next(self._trials(), None) is None:
            raise DataError(f"Data file {self.path} has no trials.")

    def count(self) -> int | None:
        """The number of trials."""
        return sum(1 for _ in self._trials())

    def fingerprint(self) -> str:
        """Sha256 of the list; clips are identified sample by sample."""
        return fingerprint_of([require_file(Path(self.path))])

    def _folder(self) -> Path:
        return Path(self.media_path) if self.media_path else Path(self.path).parent

    def _trials(self) -> Iterator[tuple[bool, str, str]]:
        with require_file(Path(self.path)).open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, 1):
                match line.split():
                    case []:
                        continue
                    case [label, one, other] if label in _LABELS:
                        yield _LABELS[label], one, other
                    case _:
                        raise DataError(
                            f"{self.path}:{number}: not a trial: a line is 1 or 0 (or target or "
                            f"nontarget) and two clips (got {line.strip()[:60]!r})."
                        )
