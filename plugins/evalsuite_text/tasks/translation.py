"""Translation: generated text against references, scored as a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsuite import (
    Card,
    DataError,
    Generate,
    Generation,
    Metric,
    Null,
    Probe,
    Proportion,
    Ratio,
    Sample,
)
from evalsuite.text_lists import written
from evalsuite_text.metrics.corpus import TOKENIZERS, CorpusBleu, CorpusChrf, CorpusTer

EMPTY = Proportion("is_empty", name="empty", direction="lower is better")
CUT = Proportion("is_cut", name="cut at the limit", direction="lower is better")
LENGTH = Ratio(
    "length",
    "reference_length",
    name="length ratio",
    null=Null(1.0, margin=0.1, why="as long as the references"),
    direction="closer to null is better",
)


@dataclass(frozen=True)
class Translation(Probe):
    """Generate from ``source`` and compare with ``target``, a text or a list of them.

    Args:
        source_prefix: Put before every source, e.g. ``translate English to German: ``.
        max_tokens: Most tokens to generate.
        stop: Strings that end a translation, for models that go on writing.
        tokenize: Tokens of BLEU: 13a, zh (Chinese), char, intl or none. With zh, TER counts
            characters too.
        lowercase: Whether BLEU, chrF and TER ignore case.
    """

    source_prefix: str = ""
    max_tokens: int = 256
    stop: tuple[str, ...] = ()
    tokenize: str = "13a"
    lowercase: bool = False

    name: ClassVar[str] = "text/translation"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (Generate,)
    fields: ClassVar[Any] = ("source", "target")
    card: ClassVar[Card] = Card(
        measures="Overlap of translations with reference translations over the whole corpus: in "
        "words (BLEU), characters (chrF) and edits (TER), each beside what the same translations "
        "get against other sentences' references.",
        does_not_measure="Adequacy or fluency as people judge them; a good translation in other "
        "words scores low.",
        reference="Papineni et al. 2002; Popović 2015; Snover et al. 2006; Post 2018 (signatures)",
        critique="BLEU agrees with people less well than trained metrics do, above all among "
        "strong systems (Mathur et al. 2020, ACL).",
    )

    def __post_init__(self) -> None:
        """Refuse a tokeniser that is not known."""
        if self.tokenize not in TOKENIZERS:
            raise ValueError(
                f"tokenize must be one of {', '.join(TOKENIZERS)} (got {self.tokenize!r})"
            )

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """BLEU first, then chrF and TER, and what would explain a low score."""
        return (
            CorpusBleu(tokenize=self.tokenize, lowercase=self.lowercase, primary=True),
            CorpusChrf(lowercase=self.lowercase),
            CorpusTer(asian=self.tokenize == "zh", lowercase=self.lowercase),
            EMPTY,
            CUT,
            LENGTH,
        )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Translate one source."""
        references = reference_texts(sample["target"], "target")
        prompt = self.source_prefix + str(sample["source"])
        found = yield Generate(prompt, max_tokens=self.max_tokens, stop=self.stop)
        return generated_record(found, references)


def generated_record(found: Generation, references: Sequence[str]) -> dict[str, Any]:
    """What is recorded of any text compared with references; lengths are in characters."""
    text = found.text.strip()
    return {
        "prediction": text,
        "references": written(references),
        "is_empty": float(not text),
        "is_cut": float(found.finish_reason == "length"),
        "length": len(text),
        "reference_length": sum(map(len, references)) / len(references),
        "n_tokens": found.n_tokens,
    }


def reference_texts(value: Any, field: str) -> list[str]:
    """One reference or a list of them, as a list.

    Raises:
        DataError: There is none, or it is no text.
    """
    texts = [value] if isinstance(value, str) else value
    is_listed = isinstance(texts, list | tuple) and all(isinstance(item, str) for item in texts)
    if not is_listed or not texts:
        raise DataError(f"{field} must be a text or a list of at least one (got {value!r})")
    return list(texts)
