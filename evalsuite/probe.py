"""What a probe is: it maps samples to questions, and answers to one flat record each.

A probe never calls a model. ``ask`` is a generator: it yields one request, or a tuple of them,
and receives the response, or a tuple in the same order. The harness pools the requests of all
samples of all probes of a model, so asking again what another probe asked costs nothing.

Example:
    >>> @dataclass(frozen=True)
    ... class CapitalsAccuracy(Probe):
    ...     name = "example/capitals"
    ...     family = "task"
    ...     needs = (LogLikelihood,)
    ...     fields = ("question", "answer", "distractor")
    ...     metrics = (Proportion("correct", null=Null(0.5)),)
    ...
    ...     def ask(self, sample, context):
    ...         right, wrong = yield (
    ...             LogLikelihood(sample["question"], " " + sample["answer"]),
    ...             LogLikelihood(sample["question"], " " + sample["distractor"]),
    ...         )
    ...         return {"correct": right.total > wrong.total}
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from evalsuite.request import Request
from evalsuite.response import Response
from evalsuite.source import Sample

if TYPE_CHECKING:
    import numpy as np

    from evalsuite.metric import Metric

Family: TypeAlias = Literal[
    "task", "fairness", "privacy", "explainability", "robustness", "representation"
]
Question: TypeAlias = Request | tuple[Request, ...]
Record: TypeAlias = Mapping[str, Any]
Asking: TypeAlias = Generator[Question, Any, Record]
Preparing: TypeAlias = Generator[Question, Any, Any]

# What records call the answer that was taken from a model, the most telling first. Whether two
# models agree, and whether a harder input left an answer as it was, is seen by it.
ANSWERS = ("predicted", "hypothesis", "generated", "prediction", "caption", "answer")
# What records call an answer that refuses or says nothing, and one that has gone wrong in itself,
# whatever the right one was: true, or a share of several answers. The report lists these first.
REFUSALS = ("is_refusal", "is_declined", "is_empty", "is_unanswered")
FLAGS = (
    "is_unparsed",
    "is_looping",
    "is_cut",
    "is_mostly_wrong",
    "is_ever_toxic",
    "is_harmful",
    "is_flipped",
    "is_incomplete",
)


@dataclass(frozen=True)
class Card:
    """What the report prints about a probe, in whole sentences."""

    measures: str
    does_not_measure: str
    reference: str
    critique: str = ""


@dataclass(frozen=True)
class Probe:
    """Base of all probes; a subclass is a frozen dataclass whose fields are its options.

    Class attributes:
        name: ``owner/name``, unique.
        family: Which panel of the report it belongs to.
        needs: The kinds of request that it asks; a model that cannot answer one is not applicable.
        media: What it shows or plays; a model without that sense is not applicable, even one that
            would answer the text alone. Without it, log-likelihoods and written answers are taken
            to be asked about text, which a transcriber of speech does not read.
        fields: The fields that every sample must have.
        card: What it measures, and what not.
        metrics: What is computed from its records; may be a property that depends on options.
    """

    name: ClassVar[str]
    family: ClassVar[Family]
    needs: ClassVar[tuple[type[Request], ...]] = ()
    media: ClassVar[tuple[Literal["text", "image", "audio"], ...]] = ()
    fields: ClassVar[tuple[str, ...]] = ()
    card: ClassVar[Card]
    metrics: ClassVar[Sequence[Metric]] = ()

    def prepare(self, samples: Sequence[Sample]) -> Preparing:
        """Ask what all samples share (class prompts, a reference set) once; returns the context.

        ``samples`` are all samples of the job, without decoded media. The default asks nothing
        and returns None.
        """
        return None
        yield  # makes this a generator

    def ask(self, sample: Sample, context: Any) -> Asking:
        """Ask about one sample; returns its record: a flat mapping of scalars.

        The answer itself goes into one of the columns that ``ANSWERS`` lists.

        At a yield whose request failed, RequestFailed is thrown into the generator; left
        uncaught, the sample's record says failed, with the reason. Values may be numpy vectors
        where ``tabulate`` turns them into scalars; an entry whose name begins with an underscore
        may stay what it is: metrics see it, and it is not stored.
        """
        raise TypeError(f"{type(self).__name__} does not implement ask()")

    def secrets(self, sample: Sample) -> Sequence[str]:
        """The texts of a sample that nobody may read in a report: the value, not its neighbours.

        Reports, exports and the terminal hide them wherever they occur in the run, in prompts and
        answers of any probe. Must not raise. The default names none.
        """
        del sample
        return ()

    def advice(self, lacking: Sequence[str]) -> str:
        """What to set instead where a model does not answer these kinds of request, if anything.

        It is told behind the reason why the probe is not applicable. The default says nothing.
        """
        del lacking
        return ""

    def tabulate(
        self, records: Sequence[Record], context: Any, rng: np.random.Generator
    ) -> Sequence[Record]:
        """Turn the records of all answered samples into final ones (ranks, cross-validation).

        Receives and returns one record per answered sample, in order. The default returns them
        unchanged.
        """
        del context, rng
        return records


def answer_of(record: Record) -> Any:
    """What the model answered, as a probe recorded it; None where its records do not say."""
    return next((record[name] for name in ANSWERS if record.get(name) is not None), None)


def requests_in(question: Question) -> tuple[Request, ...]:
    """The requests of one yield, as a tuple."""
    return question if isinstance(question, tuple) else (question,)


def reply_to(question: Question, responses: Iterable[Response]) -> Any:
    """What to send back into the generator: the one response, or a tuple in order."""
    replies = tuple(responses)
    return replies if isinstance(question, tuple) else replies[0]
