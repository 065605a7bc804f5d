"""Samples that stand in the page for readers without scripts, and on paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalsuite.report.compared import MarkedWords, has_errors, marked_words

MAX_ROWS_WITHOUT_SCRIPTS = 12
MAX_ASKED = 160


@dataclass(frozen=True)
class Listed:
    """One sample as it stands in the page for readers without scripts.

    Attributes:
        label: Of the probe.
        id: Of the sample.
        asked: The first words of what was asked, where it was asked in words.
        answers: What each model said.
        compared: The same beside its reference, by model, where there is an alignment.
    """

    label: str
    id: str
    asked: str
    answers: tuple[tuple[str, str], ...]
    compared: Mapping[str, tuple[MarkedWords, ...]] = field(default_factory=dict)


def listed(
    probes: Sequence[Mapping[str, Any]],
    samples: Sequence[Sequence[Mapping[str, Any]]],
    kind: str,
) -> list[Listed]:
    """The first samples of every probe that are of a kind; see Explorer.listed."""
    found = [
        Listed(
            probe["label"],
            sample["id"],
            _asked(sample),
            tuple(_answers(probe, sample)),
            _compared(sample),
        )
        for probe, own in zip(probes, samples, strict=True)
        for sample in [s for s in own if _is_of(kind, s)][:MAX_ROWS_WITHOUT_SCRIPTS]
        if not (probe["sensitive"] and kind != "failed")
    ]
    return found[: 4 * MAX_ROWS_WITHOUT_SCRIPTS]


def _is_of(kind: str, sample: Mapping[str, Any]) -> bool:
    """Whether a sample belongs under a kind; those of kinds before it are not repeated."""
    if kind == "erring":
        is_new = not (sample["flagged"] or sample["differs"])
        return is_new and any(has_errors(entry["record"]) for entry in sample["models"].values())
    before = {"refused": ("failed",), "flagged": ("failed", "refused")}.get(kind, ())
    return bool(sample[kind]) and not any(sample[earlier] for earlier in before)


def _asked(sample: Mapping[str, Any]) -> str:
    """What was asked in words; without its continuation where there were several of one text."""
    if not sample["questions"]:
        return ""
    first, *others = sample["questions"]
    text = _text(first)
    if text not in map(_text, others):
        text += str(first["detail"].get("continuation", ""))
    text = " ".join(text.split())
    return text if len(text) <= MAX_ASKED else f"{text[:MAX_ASKED]} …"


def _text(question: Mapping[str, Any]) -> str:
    texts = [str(part.get("text", "")) for part in question["parts"]]
    return "".join(texts) + str(question["detail"].get("text", ""))


def _compared(sample: Mapping[str, Any]) -> dict[str, tuple[MarkedWords, ...]]:
    found = {name: marked_words(entry["record"]) for name, entry in sample["models"].items()}
    return {name: words for name, words in found.items() if words}


def _answers(probe: Mapping[str, Any], sample: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, entry in sample["models"].items():
        if entry["status"] == "failed":
            reason = "the reason is folded away" if probe["sensitive"] else entry["reason"]
            yield name, f"failed: {reason}"
        else:
            yield name, str(entry["record"].get(probe["headline"], ""))
