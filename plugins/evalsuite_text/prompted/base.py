"""What every prompted probe does: build the prompt, and ask it in several wordings."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from evalsuite import Metric, Probe, Sample, template
from evalsuite.content import Content
from evalsuite.wordings import Wordings
from evalsuite_text.prompted.examples import Examples
from evalsuite_text.prompted.prompt import Solved, compose


@dataclass(frozen=True)
class Prompted(Probe):
    """Options of all prompted probes.

    Args:
        prompt: Jinja template of a question over the sample's fields.
        other_prompts: Further wordings of the same question; with them, every sample is asked in
            each, and the spread over wordings is measured. The first prompt is the headline.
        delimiter: What stands between question and answer.
        system: What the system says before everything.
        description: Instructions before the examples.
        shots: Solved examples before each question, from ``examples``, else from the data.
        examples: Fields of fixed examples, as mappings.
        pick: ``first`` takes the same first samples as examples for all questions, ``drawn``
            draws others for each question; a sample is never its own example.
        shot_delimiter: What stands after an example.
        seed: Of drawn examples.
        cluster_by: Column of the sample whose values are resampled whole.
    """

    prompt: str = "{{ question }}"
    other_prompts: tuple[str, ...] = ()
    delimiter: str = " "
    system: str = ""
    description: str = ""
    shots: int = 0
    examples: tuple[Mapping[str, Any], ...] = ()
    pick: Literal["first", "drawn"] = "first"
    shot_delimiter: str = "\n\n"
    seed: int = 0
    cluster_by: str = ""

    family: ClassVar[Any] = "task"
    headline: ClassVar[str] = "correct"

    def __post_init__(self) -> None:
        """Refuse what cannot be a template, and more shots than fixed examples."""
        for text in (self.prompt, *self.other_prompts):
            template.check(text, "prompt")
        if self.shots < 0:
            raise ValueError(f"shots must be 0 or more (got {self.shots})")
        if self.examples and self.shots > len(self.examples):
            raise ValueError(f"shots is {self.shots}, but there are {len(self.examples)} examples")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """The form's own, and with several wordings what they change."""
        wordings = 1 + len(self.other_prompts)
        spread = [Wordings(wordings, clusters=self.clusters)] if wordings > 1 else []
        return (*self.own_metrics, *spread)

    @property
    def own_metrics(self) -> Sequence[Metric]:
        """Metrics of the records of one wording."""
        raise TypeError(f"{type(self).__name__} has no metrics")

    @property
    def clusters(self) -> str | None:
        """The column of the resampling unit."""
        return self.cluster_by or None

    def prepare(self, samples: Sequence[Sample]) -> Any:
        """Keep the samples that may serve as examples."""
        good = tuple(sample for sample in samples if sample.broken is None)
        pool = good if self.shots and not self.examples else ()
        return Examples(self.examples, pool, self.shots, self.pick, self.seed)
        yield  # asks nothing

    def ask(self, sample: Sample, context: Any) -> Any:
        """Ask in every wording; the record is the first one's, with the others' outcomes."""
        record = yield from self.ask_once(sample, self.prompt, context)
        record = dict(record)
        if self.cluster_by:
            record[self.cluster_by] = sample[self.cluster_by]
        for index, wording in enumerate(self.other_prompts, start=1):
            other = yield from self.ask_once(sample, wording, context)
            record[f"{Wordings.column}{index}"] = other[self.headline]
        if self.other_prompts:
            record[f"{Wordings.column}0"] = record[self.headline]
        return record

    def ask_once(self, sample: Sample, prompt: str, examples: Examples) -> Generator[Any, Any, Any]:
        """Ask about a sample in one wording; returns its record."""
        raise TypeError(f"{type(self).__name__} does not implement ask_once()")

    def content(self, sample: Sample, question: str, prompt: str, examples: Examples) -> Content:
        """A question of a sample, as text, with the examples before it."""
        solved = [self.solved(fields, prompt) for fields in examples.before(sample)]
        return compose(self.system, self.description, solved, question, self.shot_delimiter)

    def solved(self, fields: Mapping[str, Any], prompt: str) -> Solved:
        """An example: its question and its right answer."""
        return Solved(self.question_of(fields, prompt), self.delimiter + self.answer_of(fields))

    def question_of(self, fields: Mapping[str, Any], prompt: str) -> str:
        """The question as text."""
        return template.render(prompt, fields)

    def answer_of(self, fields: Mapping[str, Any]) -> str:
        """The right answer of an example as text, without the delimiter."""
        raise TypeError(f"{type(self).__name__} does not say what an example's answer is")
