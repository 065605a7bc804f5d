"""The model options of a generative image-text model."""

from __future__ import annotations

from dataclasses import dataclass

from evalsuite import UsageError
from evalsuite_transformers.checkpoint import Checkpoint


@dataclass(frozen=True)
class Options:
    """How prompts are written, and how much is remembered.

    Args:
        chat_template: Render prompts as turns of the checkpoint's chat template (one user turn,
            where a prompt marks no roles); by default wherever there is one.
        system_prompt: What the system says first, in a chat whose prompt has no system turn.
        image_cache_mib: Encoded images are kept up to so many MiB; 0 keeps those of the batch
            at hand only.
        max_length: Read at most so many tokens at once, less than the model could.
    """

    chat_template: bool | None = None
    system_prompt: str = ""
    image_cache_mib: int = 512
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
        _require_whole("image_cache_mib", self.image_cache_mib, 0)
        if self.max_length is not None:
            _require_whole("max_length", self.max_length, 2)

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Options:
        """The options of a checkpoint's settings; raises UsageError for unknown or wrong ones."""
        known = frozenset(cls.__dataclass_fields__)
        checkpoint.refuse_unknown_options(known)
        given = checkpoint.settings.options
        return cls(**{name: given[name] for name in known if name in given})


def _require_whole(name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UsageError(f"Model option {name} must be an integer from {least} (got {value!r}).")
