"""Read speech with transcripts: LibriSpeech, Common Voice, FLEURS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from evalsuite import DataError
from evalsuite_sources.files import require_file, require_folder
from evalsuite_sources.sounds.annotated import AnnotatedClips, Clip, number, table

_SEXES = {"F": "female", "M": "male"}


@dataclass(frozen=True)
class LibriSpeech(AnnotatedClips):
    """LibriSpeech's tree: SPLIT/SPEAKER/CHAPTER/*.flac with a *.trans.txt in each chapter.

    Fields: audio, text, speaker, chapter, gender (by ``SPEAKERS.TXT`` where that lies in the
    folder; None for speakers that it does not list).

    Attributes:
        path: The folder of the splits.
        split: Which one, e.g. ``test-clean``.
    """

    path: str
    split: str = "test-clean"

    def _clips(self) -> Iterator[Clip]:
        sexes = dict(self._sexes())
        for transcripts in self._transcripts():
            for place, utterance, text in _utterances(transcripts):
                speaker, _, chapter = utterance.rpartition("-")[0].partition("-")
                if not chapter:
                    raise DataError(
                        f"{place}: {utterance!r} is not SPEAKER-CHAPTER-NUMBER, as LibriSpeech "
                        "calls its utterances."
                    )
                known = {"text": text, "speaker": speaker, "chapter": chapter}
                clip = transcripts.parent / f"{utterance}.flac"
                yield Clip(utterance, clip, {**known, "gender": sexes.get(speaker)})

    def _transcripts(self) -> list[Path]:
        folder = require_folder(Path(self.path) / self.split)
        return sorted(folder.glob("*/*/*.trans.txt"))

    def _files(self) -> Sequence[Path]:
        speakers = Path(self.path) / "SPEAKERS.TXT"
        return [*self._transcripts(), *([speakers] if speakers.is_file() else [])]

    def _place(self) -> str:
        return f"Data folder {Path(self.path) / self.split}"

    def _sexes(self) -> Iterator[tuple[str, str]]:
        """Speaker and sex: ``ID | SEX | SUBSET | MINUTES | NAME``, comments after semicolons."""
        path = Path(self.path) / "SPEAKERS.TXT"
        if not path.is_file():
            return
        for line_number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip() and not line.startswith(";"):
                speaker, *others = (value.strip() for value in line.split("|"))
                if not others or others[0] not in _SEXES:
                    raise DataError(f"{path}:{line_number}: not `ID | SEX | SUBSET | ...`.")
                yield speaker, _SEXES[others[0]]


def _utterances(path: Path) -> Iterator[tuple[str, str, str]]:
    """Place, id and text of each line."""
    for line_number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            utterance, _, text = line.strip().partition(" ")
            yield f"{path}:{line_number}", utterance, text


@dataclass(frozen=True)
class CommonVoice(AnnotatedClips):
    """Common Voice's release of one language: SPLIT.tsv and clips/.

    Fields: audio, text (``sentence``), speaker (``client_id``), accent (``accents``, in older
    releases ``accent``), and the table's other columns as they are: age, gender, locale, ...

    Attributes:
        path: The folder of the language.
        split: Which table: test, dev, train, validated, other.
    """

    path: str
    split: str = "test"

    def _clips(self) -> Iterator[Clip]:
        for line in table(self._files()[0], ("client_id", "path", "sentence"), delimiter="\t"):
            known: dict[str, Any] = dict(line.values)
            name = known.pop("path")
            known["text"] = known.pop("sentence")
            known["speaker"] = known.pop("client_id")
            known["accent"] = known.pop("accents", known.get("accent"))
            clip = Path(self.path) / "clips" / (name if Path(name).suffix else f"{name}.mp3")
            yield Clip(Path(name).stem, clip, known)

    def _files(self) -> Sequence[Path]:
        return [Path(self.path) / f"{self.split}.tsv"]


@dataclass(frozen=True)
class Fleurs(AnnotatedClips):
    """FLEURS' release of one language: SPLIT.tsv without a header, audio/SPLIT/*.wav.

    Clips directly in ``audio/`` or beside the table are found too. Fields: audio, text (the
    transcription asked for), raw_transcription, transcription, sentence (the id of what was read,
    by several speakers), gender (male, female, other). FLEURS does not tell speakers apart.

    Attributes:
        path: The folder of the language, e.g. ``en_us``.
        split: Which one: test, dev, train.
        text: ``raw_transcription`` as written, or ``transcription`` in lower case without marks.
    """

    path: str
    split: str = "test"
    text: Literal["raw_transcription", "transcription"] = "raw_transcription"

    def _clips(self) -> Iterator[Clip]:
        columns = ("id", "file_name", "raw_transcription", "transcription", "words")
        folder = self._folder()
        for line in table(
            self._files()[0], (), (*columns, "num_samples", "gender"), delimiter="\t"
        ):
            number(line, "num_samples")
            told = line.values
            known = {name: told[name] for name in ("raw_transcription", "transcription")}
            known |= {"sentence": told["id"], "gender": told["gender"].lower()}
            clip = folder / told["file_name"]
            yield Clip(clip.stem, clip, {"text": told[self.text], **known})

    def _folder(self) -> Path:
        root = Path(self.path)
        within = (root / "audio" / self.split, root / "audio", root / self.split)
        return next((folder for folder in within if folder.is_dir()), root)

    def _files(self) -> Sequence[Path]:
        return [require_file(Path(self.path) / f"{self.split}.tsv")]
