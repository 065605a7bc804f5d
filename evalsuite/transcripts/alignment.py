"""A transcript beside its reference: which words are the same, wrong, missing, or too many."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import jiwer

from evalsuite.transcripts.rules import Rule

Operation = Literal["equal", "substitute", "delete", "insert"]
_MARKS: Mapping[Operation, str] = {"equal": "=", "substitute": "S", "delete": "D", "insert": "I"}


@dataclass(frozen=True)
class Step:
    """A stretch of the alignment: words of the reference and what stands for them."""

    operation: Operation
    reference: tuple[str, ...]
    hypothesis: tuple[str, ...]


@dataclass(frozen=True)
class Alignment:
    """The cheapest way from a reference to a transcript, every edit costing 1.

    Of several cheapest ways it is the one that jiwer (rapidfuzz) finds; their number of errors is
    the same. Reference: Levenshtein 1966; as in NIST's sclite, but with equal costs.
    """

    steps: tuple[Step, ...]

    def count(self, operation: Operation) -> int:
        """How many words are the same, wrong, missing, or too many."""
        return sum(
            max(len(step.reference), len(step.hypothesis))
            for step in self.steps
            if step.operation == operation
        )

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return sum(self.count(operation) for operation in _MARKS if operation != "equal")

    @property
    def marked(self) -> str:
        """JSON for the report: ["=", words], ["S", reference, hypothesis], ["D", ...], ["I", ...].

        What is missing from a reference stands as ["D", words, ""], what is too many as
        ["I", "", words].
        """
        return json.dumps([_marked(step) for step in self.steps], ensure_ascii=False)


def _marked(step: Step) -> list[str]:
    mark, reference = _MARKS[step.operation], " ".join(step.reference)
    return [mark, reference] + ([" ".join(step.hypothesis)] if mark != "=" else [])


def align(reference: Iterable[str], hypothesis: Iterable[str]) -> Alignment:
    """Align two sequences of words; a word may hold anything but white space.

    An empty hypothesis deletes every word; with an empty reference every word is an insertion.
    """
    said, heard = tuple(reference), tuple(hypothesis)
    if not said or not heard:
        steps = ([Step("delete", said, ())] if said else []) + (
            [Step("insert", (), heard)] if heard else []
        )
        return Alignment(tuple(steps))
    found = jiwer.process_words(" ".join(said), " ".join(heard))
    return Alignment(
        tuple(
            Step(
                cast("Operation", chunk.type),
                said[chunk.ref_start_idx : chunk.ref_end_idx],
                heard[chunk.hyp_start_idx : chunk.hyp_end_idx],
            )
            for chunk in found.alignments[0]
        )
    )


def character_errors(reference: str, hypothesis: str) -> int:
    """Substituted, deleted and inserted characters, spaces between words included."""
    if not reference or not hypothesis:
        return max(len(reference), len(hypothesis))
    found = jiwer.process_characters(reference, hypothesis)
    return int(found.substitutions + found.deletions + found.insertions)


def utterance_record(
    reference: str, hypothesis: str, rule: Rule, others: Iterable[Rule] = ()
) -> Mapping[str, Any]:
    """Everything that error rates are made of, for one utterance.

    Args:
        reference: What was said, as written.
        hypothesis: The transcript, as written.
        rule: What both are compared under.
        others: Rules under which word errors are counted besides; for each, the columns
            ``errors_NAME`` and ``reference_words_NAME``.
    """
    said, heard = rule(reference), rule(hypothesis)
    found = align(said.split(), heard.split())
    n_words, n_heard = len(said.split()), len(heard.split())
    letters, heard_letters = said.replace(" ", ""), heard.replace(" ", "")
    record: dict[str, Any] = {
        "errors": found.errors,
        "reference_words": n_words,
        "hypothesis_words": n_heard,
        "hits": found.count("equal"),
        "substitutions": found.count("substitute"),
        "deletions": found.count("delete"),
        "insertions": found.count("insert"),
        "errors_where_words_were_said": found.errors if n_words else None,
        "character_errors": character_errors(said, heard),
        "reference_characters": len(said),
        "letter_errors": character_errors(letters, heard_letters),
        "reference_letters": len(letters),
        "utterance_wer": found.errors / n_words if n_words else None,
        "has_error": found.errors > 0,
        "is_empty": n_heard == 0,
        "reference": said,
        "hypothesis": heard,
        "reference_as_written": reference,
        "hypothesis_as_written": hypothesis,
        "word_alignment": found.marked,
    }
    for other in others:
        words = other(reference).split()
        record[f"errors_{other.name}"] = align(words, other(hypothesis).split()).errors
        record[f"reference_words_{other.name}"] = len(words)
    return record
