"""The model options of a generative model of text and media."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from evalsuite import UsageError
from evalsuite_transformers.checkpoint import Checkpoint


@dataclass(frozen=True)
class Options:
    """How prompts are written, and how much is remembered.

    Args:
        chat_template: Render prompts as turns of the checkpoint's chat template (one user turn,
            where a prompt marks no roles); by default wherever there is one.
        system_prompt: What the system says first, in a chat whose prompt has no system turn.
        cache_mib: Encoded media are kept up to so many MiB; 0 keeps those of the batch at hand
            only. Users know it as ``image_cache_mib`` or ``audio_cache_mib``.
        max_length: Read at most so many tokens at once, less than the model could.
    """

    chat_template: bool | None = None
    system_prompt: str = ""
    cache_mib: int = 512
    max_length: int | None = None

    def __post_init__(self) -> None:
        """Refuse values of another type: the text "false" would count as true."""
        if not isinstance(self.chat_template, bool | None):
            raise UsageError(
                f"Model option chat_template must be true or false (got {self.chat_template!r})."
            )
        if not isinstance(self.system_prompt, str):
            raise UsageError(
                f"Model option system_prompt must be a text (got {self.system_prompt!r})."
            )
        if self.system_prompt and self.chat_template is False:
            raise UsageError("Model option system_prompt needs a chat template.")
        if self.max_length is not None:
            _require_whole("max_length", self.max_length, 2)

    @property
    def further_methods(self) -> frozenset[str]:
        """What the model answers besides, by its options."""
        return frozenset()

    @property
    def in_fingerprint(self) -> tuple[object, ...]:
        """Those that change answers."""
        return self.chat_template, self.system_prompt, self.max_length

    @classmethod
    def of(cls, checkpoint: Checkpoint, medium: str) -> Self:
        """The options of a checkpoint's settings; raises UsageError for unknown or wrong ones."""
        cache = f"{medium}_cache_mib"
        own = {name if name != "cache_mib" else cache: name for name in cls.__dataclass_fields__}
        checkpoint.refuse_unknown_options(frozenset(own))
        given = checkpoint.settings.options
        _require_whole(cache, given.get(cache, 0), 0)
        return cls(**{name: given[asked] for asked, name in own.items() if asked in given})


def _require_whole(name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UsageError(f"Model option {name} must be an integer from {least} (got {value!r}).")
