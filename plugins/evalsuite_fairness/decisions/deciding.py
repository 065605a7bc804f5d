"""What every probe that makes a model decide has: what it is asked, and how it decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from evalsuite import Audio, DataError, Image, Probe, Request, Sample, template
from evalsuite.content import Content, as_content
from evalsuite_fairness.decisions.ways import (
    AsClassifier,
    ByLikelihood,
    ByNearness,
    InWriting,
    Way,
)

How: TypeAlias = Literal["classifier", "likelihood", "writing", "nearness"]
Words: TypeAlias = str | tuple[str, ...]
Medium: TypeAlias = Literal["text", "image", "audio"]
_MEDIA: dict[str, tuple[Medium, ...]] = {
    "text": ("text",),
    "image": ("image",),
    "audio": ("audio",),
}


@dataclass(frozen=True, kw_only=True)
class DecidingProbe(Probe):
    """Base of probes that ask a model for decisions between a positive answer and the others.

    Args:
        by: How the model decides. ``classifier``: by its own labels. ``likelihood``: by log P of
            the options after the prompt. ``writing``: by what it writes, read strictly.
            ``nearness``: by the closest description, as dual encoders classify.
        positive: The label, option or description of the positive decision, or several.
        negative: The others; a classifier needs none.
        prompt: Jinja template over the sample's fields; a row of a table becomes sentences here.
            Without it the field ``text`` is asked about as it is.
        medium: Field of an image or a clip that stands before the prompt.
        threshold: P(positive) from which on the decision is positive.
        delimiter: What stands between the prompt and an option.
        max_tokens: Longest written reply.
    """

    by: How = "classifier"
    positive: Words = "positive"
    negative: Words = ()
    prompt: str = ""
    medium: str = ""
    threshold: float = 0.5
    delimiter: str = " "
    max_tokens: int = 16

    family: ClassVar[Any] = "fairness"

    def __post_init__(self) -> None:
        """Refuse options that leave nothing to decide."""
        template.check(self.prompt, "prompt")
        if not words(self.positive):
            raise ValueError("positive must name at least one label, option or description")
        both = sorted(set(words(self.positive)) & set(words(self.negative)))
        if both:
            raise ValueError(f"{both[0]!r} is among both positive and negative")
        if not words(self.negative) and self.by in self.needing_negative:
            raise ValueError(f"by: {self.by} needs the options in `negative` as well")
        if self.by == "nearness" and self.medium and not self.kind_of_medium:
            raise ValueError(
                "for nearness the name of the medium's field must begin with image or audio "
                f"(got {self.medium!r}); map it with `fields` under the source"
            )
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold must lie between 0 and 1 (got {self.threshold})")

    @property
    def needing_negative(self) -> tuple[str, ...]:
        """The ways that decide nothing without a negative option."""
        return ("likelihood", "writing", "nearness")

    @property
    def way(self) -> Way:
        """How the model decides."""
        yes, no = words(self.positive), words(self.negative)
        ways: dict[str, Way] = {
            "classifier": AsClassifier(yes, self.threshold),
            "likelihood": ByLikelihood(yes, no, self.delimiter, self.threshold),
            "writing": InWriting(yes, no, self.max_tokens),
            "nearness": ByNearness(yes, no, self.kind_of_medium, self.threshold),
        }
        return ways[self.by]

    @property
    def kind_of_medium(self) -> str:
        """``image`` or ``audio`` by the field's name, for ways that must know beforehand."""
        return next((kind for kind in ("image", "audio") if self.medium.startswith(kind)), "")

    @property
    def needs(self) -> tuple[type[Request], ...]:  # type: ignore[override]
        """What is asked of the model."""
        return self.way.needs

    @property
    def media(self) -> tuple[Medium, ...]:  # type: ignore[override]
        """The medium, where its field's name tells it; a text where there is none."""
        return _MEDIA.get(self.kind_of_medium if self.medium else "text", ())

    def prepare(self, samples: Sequence[Sample]) -> Any:
        """Ask what all inputs share."""
        del samples
        requests = self.way.shared()
        return (yield requests) if requests else ()

    def content(self, sample: Sample) -> Content:
        """The medium and the filled prompt; either alone where the other is not asked for."""
        text = self.asked(sample.fields)
        return with_medium(sample[self.medium], text) if self.medium else as_content(text)

    def asked(self, fields: Mapping[str, Any]) -> str:
        """The filled prompt; nothing where a medium comes without a prompt and without a text."""
        if not self.prompt and self.medium and "text" not in fields:
            return ""
        return template.render(self.prompt or "{{ text }}", fields)


def with_medium(medium: Any, text: str) -> Content:
    """An image or a clip, and the text after it; raises DataError where it is neither."""
    if not isinstance(medium, Image | Audio):
        raise DataError(f"the medium must be an image or a clip (got a {type(medium).__name__})")
    return as_content((medium, text) if text else medium)


def words(value: Words) -> tuple[str, ...]:
    """One or several texts as several; an empty text is none."""
    return ((value,) if value else ()) if isinstance(value, str) else tuple(value)
