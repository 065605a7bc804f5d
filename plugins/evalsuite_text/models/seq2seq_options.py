"""The model options of a sequence-to-sequence model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evalsuite import UsageError
from evalsuite_text.models.text_encoder import whole_number
from evalsuite_transformers.checkpoint import Checkpoint


@dataclass(frozen=True)
class Options:
    """How inputs are written and answers searched for.

    Args:
        prefix: A text before every input: T5's ``"summarize: "``, Marian's ``">>fra<< "``.
        source_language: The tokenizer's code of the inputs' language (``en_XX``, ``eng_Latn``).
        target_language: The code of the language to write.
        num_beams: Beams of greedy requests; 1 is greedy search.
        score_end: Whether the log-likelihood of a continuation includes that it ends there.
        max_length: Read at most so many tokens; more than the default only where positions are
            relative (T5).
    """

    prefix: str = ""
    source_language: str = ""
    target_language: str = ""
    num_beams: int = 1
    score_end: bool = False
    max_length: int | None = None

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Options:
        """The options of a checkpoint's settings; raises UsageError for unknown or wrong ones."""
        options, given = checkpoint.options_of(cls), checkpoint.settings.options
        whole_number(given, "num_beams", 1, 1)
        whole_number(given, "max_length", None, 4)
        if not isinstance(options.score_end, bool):
            raise UsageError(
                f"Model option score_end must be true or false (got {options.score_end!r})."
            )
        for name in ("prefix", "source_language", "target_language"):
            if not isinstance(getattr(options, name), str):
                raise UsageError(f"Model option {name} must be a text.")
        return options

    @property
    def details(self) -> dict[str, str]:
        """What is not as by default, for a report."""
        found = {"search": f"{self.num_beams} beams" if self.num_beams > 1 else "greedy"}
        if self.prefix:
            found["prefix"] = repr(self.prefix)
        if self.source_language or self.target_language:
            found["languages"] = f"{self.source_language or '?'} to {self.target_language or '?'}"
        if self.score_end:
            found["end token"] = "scored"
        return found


def set_languages(reference: str, tokenizer: Any, options: Options) -> None:
    """Tell a multilingual tokenizer its languages.

    Raises:
        UsageError: The tokenizer has no languages, or not this one.
    """
    wanted = (("src_lang", options.source_language), ("tgt_lang", options.target_language))
    for attribute, code in wanted:
        if not code:
            continue
        if not hasattr(tokenizer, attribute):
            raise UsageError(
                f"Model {reference!r} has a tokenizer without languages "
                f"({type(tokenizer).__name__}), so {code!r} means nothing to it. Say the "
                "language in the option prefix if the model was trained to read it there."
            )
        known = language_codes(tokenizer)
        if known and code not in known:
            shown = ", ".join(known[:12]) + (
                f" and {len(known) - 12} more" if len(known) > 12 else ""
            )
            raise UsageError(
                f"Model {reference!r} does not know the language {code!r}; it knows {shown}."
            )
        setattr(tokenizer, attribute, code)


def language_codes(tokenizer: Any) -> list[str]:
    """The language codes of a tokenizer, sorted; none where it does not list them."""
    for attribute in ("lang_code_to_token", "lang_code_to_id"):
        found = getattr(tokenizer, attribute, None)
        if found:
            return sorted(found)
    return []
