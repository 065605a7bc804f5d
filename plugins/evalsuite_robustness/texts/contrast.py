"""Inputs whose right answer changes: negation by rule, and contrast sets in the data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from evalsuite import DataError, Sample
from evalsuite.variant import Variant

Answers: TypeAlias = Literal["kept", "changed", "gone"]
GARDNER = "Gardner et al. 2020, arXiv:2004.02709"
_VERB = r"(is|are|am|was|were|do|does|did|has|have|had|can|could|will|would)"
_NOT = re.compile(rf"\b{_VERB} not\b", re.IGNORECASE)
_SHORT = re.compile(r"\b(is|are|was|were|do|does|did|has|have|had|could|would)n't\b", re.IGNORECASE)
_CANNOT = re.compile(r"\b(ca)(?:nnot|n't)\b", re.IGNORECASE)
_WONT = re.compile(r"\b(w)on't\b", re.IGNORECASE)
_PLAIN = re.compile(r"\b(is|are|am|was|were|can|will)\b", re.IGNORECASE)
# A second verb or clause, a word of quantity, a negation: a "not" at the verb would not be about
# all that is said ("each box is not blue" is more than the opposite of "each box is blue").
_MORE = re.compile(
    r"\b(all|each|every\w*|both|some\w*|any\w*|most|many|several|few|only|least|either|neither|no"
    r"|nobody|none|nothing|never|always|and|or|but|who|whom|whose|which|that|while|when|where|if"
    r"|because|although|though|unless|until|must|may|might|shall|should)\b|[,;:]|[.!?]\s+\S",
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"(?:an?|the|there|this|these|those|that|it|he|she|we|they|you|my|your|his|her|its|our|their|all"
    r"|each|every|both|some|any|most|many|several|few|only|no|nobody|nothing|at|in|on|one|two|three"
    r"|four|five|exactly)\b",
    re.IGNORECASE,
)
_SENTENCES = re.compile(r"[.!?]\s+\S")
_STATED = re.compile(
    rf"\b(?:{_VERB}|must|may|might|shall|should)(?:n't)?\b|\b(?:cannot|can't|won't)\b",
    re.IGNORECASE,
)


def negated(text: str) -> str | None:
    """A statement that is true where the given one is false; None where there is no telling.

    With one plain verb it has "not", or loses it. Else, as in "each box is blue", that would say
    something else than the opposite, and the whole is denied: "It is not true that ...".
    """
    if not _STATED.search(text) or _SENTENCES.search(text) or text.rstrip().endswith("?"):
        return None
    if _MORE.search(text) or len(_STATED.findall(text)) != 1:
        return denied(text)
    for pattern, instead in ((_NOT, r"\1"), (_SHORT, r"\1"), (_CANNOT, r"\1n"), (_WONT, r"\1ill")):
        if pattern.search(text):
            return pattern.sub(instead, text)
    if _PLAIN.search(text) and not re.search(r"\bnot\b", text, re.IGNORECASE):
        return _PLAIN.sub(r"\1 not", text).replace("can not", "cannot")
    return denied(text)


def denied(text: str) -> str:
    """The statement after "It is not true that"; a first word that may be a name stays as is."""
    first = _OPENING.match(text)
    is_small = first is not None and (len(first[0]) == 1 or not first[0].isupper())
    return f"It is not true that {text[:1].lower() + text[1:] if is_small else text}"


@dataclass(frozen=True)
class Negation(Variant):
    """Statements negated, and their labels exchanged for the opposite; others stay as they are.

    For single statements: several sentences, questions, and statements without an auxiliary verb
    stay as they are.

    Args:
        opposites: {label: the right one after negation}; true and false need no mention. A sample
            with another label stays as it is.
        text: Field of the statement.
        label: Field of the right answer.
    """

    opposites: Mapping[str, str] = field(default_factory=dict)
    text: str = "text"
    label: str = "label"

    name: ClassVar[str] = "text/negation"
    answers: ClassVar[Answers] = "changed"
    about: ClassVar[str] = (
        f"Statements negated and their labels with them, as contrast sets are ({GARDNER}); what is "
        "a negation's opposite is said by `opposites`."
    )

    def changed(
        self, sample: Sample, samples: Sequence[Sample], index: int, seed: int
    ) -> Mapping[str, Any]:
        """The opposite statement with the opposite label."""
        text, label = sample.get(self.text), self._opposite(sample.get(self.label))
        after = negated(text) if isinstance(text, str) else None
        if after is None or label is None:
            return sample.fields
        return {**sample.fields, self.text: after, self.label: label}

    def check(self, samples: Sequence[Sample]) -> None:
        """Raise DataError when the samples lack a field; the first may hold nothing to negate."""
        for sample in samples:
            if sample.broken is None:
                for name in (self.text, self.label):
                    sample[name]

    def _opposite(self, label: Any) -> Any:
        return not label if isinstance(label, bool) else self.opposites.get(str(label))


@dataclass(frozen=True)
class ContrastPair(Variant):
    """Each sample replaced by another of its contrast set: the next one with the same ``pair``.

    So every sample is asked about as often as before, and the loss is zero but for samples without
    a partner; what tells is the worst case: how often a whole pair is right.

    Args:
        pair: Column that the samples of one set share, e.g. ``batch_id``.
    """

    pair: str = "pair"

    name: ClassVar[str] = "text/contrast-pair"
    answers: ClassVar[Answers] = "changed"
    about: ClassVar[str] = (
        f"Minimally edited partners with other answers, from the data themselves ({GARDNER}; "
        "Kaushik et al. 2020, ICLR); the worst case is the contrast consistency."
    )

    def samples(self, samples: Sequence[Sample], seed: int) -> list[Sample]:
        """The fields of the next sample of the same set, under the sample's own id."""
        sets: dict[str, list[int]] = {}
        for index, sample in enumerate(samples):
            if sample.broken is None:
                sets.setdefault(str(sample[self.pair]), []).append(index)
        after = list(samples)
        for own in sets.values():
            for place, index in enumerate(own):
                partner = samples[own[(place + 1) % len(own)]]
                after[index] = Sample(samples[index].id, partner.fields)
        return after

    def check(self, samples: Sequence[Sample]) -> None:
        """Raise DataError when the samples have no such column."""
        for sample in samples:
            if sample.broken is None and sample.get(self.pair) is None:
                raise DataError(
                    f"The variant {self.name!r} needs the column that samples of one set share; "
                    f"{self.pair!r} is not among {', '.join(sorted(sample.fields)) or 'none'}. "
                    "Name it with the option `pair`."
                )
