"""The model options of an n-gram model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalsuite import LoadSettings, UsageError


@dataclass(frozen=True)
class Options:
    """The model options of an n-gram model.

    Args:
        order: Tokens of an n-gram, the predicted one included.
        tokens: ``word`` (words and signs) or ``character``.
        minimum_count: Tokens seen less often in the training text are unknown.
        lower_case: Whether texts are read in lower case.
        spell_unknown: Whether unknown tokens are spelt out (see ``ngram``).
    """

    order: int = 5
    tokens: Literal["word", "character"] = "word"
    minimum_count: int = 2
    lower_case: bool = False
    spell_unknown: bool = True

    def __post_init__(self) -> None:
        """Refuse what is no legal value."""
        for name in ("order", "minimum_count"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise UsageError(f"Model option {name} must be an integer from 1 (got {value!r}).")
        if self.tokens not in ("word", "character"):
            raise UsageError(
                f"Model option tokens must be word or character (got {self.tokens!r})."
            )
        for name in ("lower_case", "spell_unknown"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(
                    f"Model option {name} must be true or false (got {getattr(self, name)!r})."
                )

    @classmethod
    def of(cls, reference: str, settings: LoadSettings) -> Options:
        """The options of some settings; raises UsageError for unknown ones."""
        unknown = sorted(set(settings.options) - set(cls.__dataclass_fields__))
        if unknown:
            raise UsageError(
                f"Model 'ngram:{reference}' has no option {', '.join(map(repr, unknown))}; "
                f"its options are {', '.join(sorted(cls.__dataclass_fields__))}."
            )
        return cls(**settings.options)
