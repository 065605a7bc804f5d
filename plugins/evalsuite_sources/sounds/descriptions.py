"""Sounds described and asked about: Clotho, AudioCaps, Clotho-AQA."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalsuite import DataError
from evalsuite_sources.sounds.annotated import AnnotatedClips, Clip, Line, table


@dataclass(frozen=True)
class _DescribedClips(AnnotatedClips):
    """A CSV file and a folder of clips.

    Attributes:
        path: The CSV file.
        media_path: Folder of the clips; the file's own folder without it.
    """

    path: str
    media_path: str | None = None

    def _clip(self, name: str) -> Path:
        return (Path(self.media_path) if self.media_path else Path(self.path).parent) / name

    def _files(self) -> Sequence[Path]:
        return [Path(self.path)]


@dataclass(frozen=True)
class ClothoCaptions(_DescribedClips):
    """Clotho's captions: a clip and ``caption_1`` to ``caption_5`` a line.

    Fields: audio, captions (a list), file_name.
    """

    def _clips(self) -> Iterator[Clip]:
        columns = [f"caption_{number}" for number in range(1, 6)]
        for line in table(Path(self.path), ("file_name", *columns)):
            name = line.values["file_name"]
            captions = [text for column in columns if (text := line.values[column].strip())]
            if not captions:
                raise DataError(f"{line.place}: {name!r} has no caption.")
            yield Clip(name, self._clip(name), {"captions": captions, "file_name": name})


@dataclass(frozen=True)
class AudioCaps(_DescribedClips):
    """AudioCaps: a caption a line, several lines a clip (five in its test split).

    Fields: audio, captions (a list), youtube_id, start_time. AudioCaps publishes no clips, and
    everyone names them otherwise.

    Attributes:
        names: How the clips are called, of the columns audiocap_id (that of the first caption),
            youtube_id and start_time: ``Y{youtube_id}.wav``, ``{audiocap_id}.wav``, ...
    """

    names: str = "{youtube_id}.wav"

    def __post_init__(self) -> None:
        """Refuse names of other columns."""
        try:
            self.names.format(audiocap_id="", youtube_id="", start_time="")
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(
                f"names may hold {{audiocap_id}}, {{youtube_id}} and {{start_time}} only "
                f"(got {self.names!r})"
            ) from error

    def _clips(self) -> Iterator[Clip]:
        clips: dict[tuple[str, str], list[Line]] = {}
        columns = ("audiocap_id", "youtube_id", "start_time", "caption")
        for line in table(Path(self.path), columns):
            told = line.values
            clips.setdefault((told["youtube_id"], told["start_time"]), []).append(line)
        for (video, start), lines in clips.items():
            known = {"youtube_id": video, "start_time": start}
            captions = [line.values["caption"].strip() for line in lines]
            clip = self._clip(self.names.format(**lines[0].values))
            yield Clip(f"{video}_{start}", clip, {"captions": captions, **known})


@dataclass(frozen=True)
class ClothoAqa(_DescribedClips):
    """Clotho-AQA: a question about a clip and one person's answer a line.

    Fields: audio, question, answers (of all people), confidences, file_name.

    Attributes:
        yes_no_only: Whether to keep only questions that everyone answered by yes or no.
        unanimous_only: Whether to keep only questions that everyone answered alike.
    """

    yes_no_only: bool = False
    unanimous_only: bool = False

    def _clips(self) -> Iterator[Clip]:
        asked: dict[tuple[str, str], list[Line]] = {}
        for line in table(Path(self.path), ("file_name", "QuestionText", "answer", "confidence")):
            question = line.values["QuestionText"].strip()
            asked.setdefault((line.values["file_name"], question), []).append(line)
        for number, ((name, question), lines) in enumerate(asked.items()):
            answers = [line.values["answer"].strip() for line in lines]
            said = {answer.lower() for answer in answers}
            if (self.yes_no_only and not said <= {"yes", "no"}) or (
                self.unanimous_only and len(said) > 1
            ):
                continue
            known = {"question": question, "answers": answers, "file_name": name}
            known["confidences"] = [line.values["confidence"] for line in lines]
            yield Clip(str(number), self._clip(name), known)
