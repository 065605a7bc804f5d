"""Question answering in the formats of its benchmarks: SQuAD, ARC, HellaSwag, TruthfulQA."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsuite import DataError, Sample
from evalsuite_sources.files import fingerprint_of, read_json, require_file
from evalsuite_sources.tables import JsonLines


@dataclass(frozen=True)
class _QuestionFile:
    """One file of questions."""

    path: str

    def rows(self) -> Iterator[Sample]:
        """The questions in file order."""
        raise TypeError(f"{type(self).__name__} reads no rows")

    def check(self) -> None:
        """Refuse a missing file, one of another format, and one without questions."""
        require_file(Path(self.path))
        if next(self.rows(), None) is None:
            raise DataError(f"Data file {self.path} has no questions.")

    def count(self) -> int | None:
        """The number of questions."""
        return sum(1 for _ in self.rows())

    def fingerprint(self) -> str:
        """Sha256 of the file."""
        return fingerprint_of([Path(self.path)])


@dataclass(frozen=True)
class Squad(_QuestionFile):
    """SQuAD's nested JSON, as XQuAD and CMRC 2018 write it too.

    Fields: question, context, title, answers (distinct texts), answer_starts, is_impossible.
    """

    def rows(self) -> Iterator[Sample]:
        """Every question of every paragraph."""
        document = read_json(Path(self.path))
        try:
            for article in document["data"]:
                for paragraph in article["paragraphs"]:
                    for question in paragraph["qas"]:
                        yield self._sample(question, paragraph["context"], article.get("title", ""))
        except (KeyError, TypeError) as error:
            raise DataError(
                f"Data file {self.path} is not in SQuAD's format (data > paragraphs > context and "
                f"qas): {type(error).__name__} {error}."
            ) from error

    @staticmethod
    def _sample(question: Mapping[str, Any], context: str, title: str) -> Sample:
        pairs = [(answer["text"], answer.get("answer_start")) for answer in question["answers"]]
        fields = squad_fields(question["question"], context, title, pairs)
        fields["is_impossible"] = bool(question.get("is_impossible", not pairs))
        return Sample(str(question["id"]), fields)


def squad_fields(
    question: str, context: str, title: str, answers: Sequence[tuple[str, int | None]]
) -> dict[str, Any]:
    """One question with its (answer, start) pairs, as the fields of Squad."""
    starts = dict(answers)
    return {
        "question": question,
        "context": context,
        "title": title,
        "answers": list(starts),
        "answer_starts": list(starts.values()),
        "is_impossible": not starts,
    }


@dataclass(frozen=True)
class Arc(JsonLines):
    """ARC's questions: upstream's nested form, the hub's, or flat options.

    Fields: question, choices, labels, answer (the right one's index).
    """

    def rows(self) -> Iterator[Sample]:
        """Every question; one whose key names none of its options is broken."""
        for number, row in enumerate(self._records()):
            sample_id = str(row.get("id", number))
            try:
                yield Sample(sample_id, arc_fields(row))
            except (KeyError, TypeError, ValueError) as error:
                yield Sample(sample_id, broken=f"not one of ARC's forms: {error}")


def arc_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """A question in any of ARC's forms, as the fields of Arc."""
    question = row["question"]
    stem = question["stem"] if isinstance(question, Mapping) else str(question)
    options = question["choices"] if isinstance(question, Mapping) else None
    options = options or row.get("options") or row["choices"]
    if isinstance(options, Mapping):  # the hub's: two parallel lists
        options = [
            {"text": text, "label": label}
            for text, label in zip(options["text"], options["label"], strict=True)
        ]
    labels = [str(option["label"]) for option in options]
    key = str(row.get("answerKey", row.get("answer")))
    return {
        "question": stem,
        "choices": [str(option["text"]) for option in options],
        "labels": labels,
        "answer": labels.index(key),
    }


@dataclass(frozen=True)
class HellaSwagText(_QuestionFile):
    """HellaSwag as text, six lines a task: the context, the right ending's number, four endings.

    Fields: question (the context), activity, choices, answer.
    """

    def rows(self) -> Iterator[Sample]:
        """Every task."""
        lines = require_file(Path(self.path)).read_text(encoding="utf-8").splitlines()
        while lines and not lines[-1].strip():
            lines.pop()
        if len(lines) % 6:
            raise DataError(
                f"Data file {self.path} has {len(lines)} lines; a task takes six, so the file is "
                "cut or of another format."
            )
        for number, begin in enumerate(range(0, len(lines), 6)):
            context, key, *endings = lines[begin : begin + 6]
            if key.strip() not in ("0", "1", "2", "3"):
                raise DataError(
                    f"{self.path}:{begin + 2}: expected the right ending's number, 0 to 3 "
                    f"(got {key!r})."
                )
            activity = context.partition(":")[0]
            yield Sample(
                str(number),
                {
                    "question": context,
                    "activity": activity,
                    "choices": endings,
                    "answer": int(key),
                },
            )


@dataclass(frozen=True)
class TruthfulQa(_QuestionFile):
    """TruthfulQA's CSV.

    Fields: question, category, best, correct, incorrect (lists), choices (the best answer, then
    the incorrect ones), answer (0), and all_choices with all_labels (1 for correct ones).
    """

    def rows(self) -> Iterator[Sample]:
        """Every question."""
        path = require_file(Path(self.path))
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            needed = ("Category", "Question", "Best Answer", "Correct Answers", "Incorrect Answers")
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(
                    f"Data file {path} has no column {missing[0]!r}; TruthfulQA's columns are: "
                    f"{', '.join(needed)}."
                )
            for number, row in enumerate(reader):
                right, wrong = _split(row["Correct Answers"]), _split(row["Incorrect Answers"])
                best = row["Best Answer"]
                yield Sample(
                    str(number),
                    truthful_fields(row["Question"], row["Category"], best, right, wrong),
                )


def truthful_fields(
    question: str, category: str, best: str, right: Sequence[str], wrong: Sequence[str]
) -> dict[str, Any]:
    """One question with its answers, as the fields of TruthfulQa; repetitions are left out."""
    best = best.strip()
    correct = list(dict.fromkeys([best, *(text.strip() for text in right if text.strip())]))
    incorrect = list(dict.fromkeys(text.strip() for text in wrong if text.strip()))
    return {
        "question": question.strip(),
        "category": category,
        "best": best,
        "correct": correct,
        "incorrect": incorrect,
        "choices": [best, *incorrect],
        "answer": 0,
        "all_choices": [*correct, *incorrect],
        "all_labels": [1] * len(correct) + [0] * len(incorrect),
    }


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]
