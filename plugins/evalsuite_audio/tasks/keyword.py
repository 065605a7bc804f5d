"""Spoken words out of a known set, found in what a transcriber writes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from evalsuite import Card, DataError, Metric, Probe, Proportion, Sample, Transcribe
from evalsuite.transcripts import Rule
from evalsuite.zero_shot import MeanPerClassRecall
from evalsuite_transformers.normalization import PlainRuleName, rule_named


@dataclass(frozen=True)
class Keyword(Probe):
    """Transcribe, and look which of the known words the transcript names.

    Args:
        classes: Names of all classes; without them, the labels that the data have.
        words: Other ways to say a class, {class: (wording, ...)}; its name always counts.
        normalization: As in ``audio/transcription``; ``english`` writes numbers in digits, so that
            a label ``3`` is named by "three".
        language: Passed to models that take one.
        by: Field whose values give accuracies of their own, e.g. ``speaker``.
        cluster_by: Field of the resampling unit, e.g. ``speaker``.
    """

    classes: tuple[str, ...] = ()
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    normalization: PlainRuleName = "english"
    language: str | None = None
    by: str = ""
    cluster_by: str = ""

    name: ClassVar[str] = "audio/keyword"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (Transcribe,)
    fields: ClassVar[Any] = ("audio", "label")
    card: ClassVar[Card] = Card(
        measures="How often a transcript names the word that was said and no other of the known "
        "words, whatever else it says.",
        does_not_measure="What the model could tell if it knew the words to choose from: a "
        "transcriber may write a word that sounds alike.",
        reference="Warden 2018, Speech Commands (the task); Jackson et al. 2018, Free Spoken Digit "
        "Dataset",
        critique="One short word gives a language model no context, so that large-vocabulary "
        "transcribers do worse here than on sentences.",
    )

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """Accuracy first; the rule is part of its name."""
        clusters = self.cluster_by or None
        return (
            Proportion(
                "correct",
                name=f"keyword accuracy ({rule_named(self.normalization).label})",
                by=self.by or None,
                clusters=clusters,
                chance="chance",
                direction="higher is better",
                primary=True,
            ),
            MeanPerClassRecall(),
            Proportion(
                "named_none",
                name="transcripts without a known word",
                by=self.by or None,
                clusters=clusters,
                direction="lower is better",
            ),
            Proportion(
                "named_several",
                name="transcripts with several known words",
                clusters=clusters,
                direction="lower is better",
            ),
        )

    def prepare(self, samples: Sequence[Sample]) -> Any:
        """Ask nothing; returns the class of every wording."""
        names = self.classes or tuple(sorted({str(sample["label"]) for sample in samples}))
        return class_of_wording(names, self.words, rule_named(self.normalization))
        yield

    def ask(self, sample: Sample, context: Mapping[str, str]) -> Any:
        """Transcribe and look."""
        label = str(sample["label"])
        if label not in context.values():
            known = ", ".join(dict.fromkeys(context.values()))
            raise ValueError(f"the label {label!r} is not among the classes: {known}")
        carried = {name: sample[name] for name in (self.by, self.cluster_by) if name}
        transcript = yield Transcribe(sample["audio"], self.language)
        written = rule_named(self.normalization)(transcript.text)
        named = classes_named(written, context)
        return {
            "correct": float(named == (label,)),
            "predicted": ", ".join(named),
            "target": label,
            "named_none": not named,
            "named_several": len(named) > 1,
            "chance": 1 / len(set(context.values())),
            "transcript": written,
            "transcript_as_written": transcript.text,
            "group": sample.get("group"),
            **carried,
        }


def class_of_wording(
    names: Sequence[str], words: Mapping[str, Sequence[str]], rule: Rule
) -> Mapping[str, str]:
    """From every wording, as the rule writes it, to its class.

    Raises:
        DataError: Two classes are worded alike, nothing is left of a name, or words are given for
            a class that is none.
    """
    unknown = sorted(set(words) - set(names))
    if unknown:
        raise DataError(
            f"`words` names {unknown[0]!r}, which is no class; they are {', '.join(names)}."
        )
    found: dict[str, str] = {}
    for name in names:
        for wording in (name.replace("_", " "), *words.get(name, ())):
            written = rule(wording)
            if not written or found.setdefault(written, name) != name:
                told = f"is {found[written]!r} as well" if written else "is empty"
                raise DataError(
                    f"The wording {wording!r} of the class {name!r} {told} under the rule "
                    f"{rule.label}; choose another with `normalization:` or `words:`."
                )
    return found


def classes_named(text: str, class_of: Mapping[str, str]) -> tuple[str, ...]:
    """The classes whose wording stands in a text as whole words, each once, in order.

    Where one wording is part of another, the longer one counts.
    """
    wordings = sorted(class_of, key=len, reverse=True)
    pattern = rf"(?<!\S)(?:{'|'.join(map(re.escape, wordings))})(?!\S)"
    return tuple(dict.fromkeys(class_of[found] for found in re.findall(pattern, text)))
