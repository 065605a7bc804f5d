"""From the parts of a prompt to the text that a processor reads, with placeholders for images.

With a chat template the parts are turns; without one they are joined, and each image stands where
it was put. Texts are encoded bare: a start token is put in front where the tokenizer itself would
write one, never twice, and nothing is put at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError

from evalsuite import Failure, Image, UsageError
from evalsuite.content import Audio, Content, Text, turns_of
from evalsuite_vision.models.generative_options import Options

_PROBE = "evalsuite asks"
_REMEMBERED_TEXTS = 16_384


@dataclass(frozen=True)
class Prompt:
    """A text with one placeholder for each image, start token included, and the images."""

    text: str
    images: tuple[Image, ...] = ()


class PromptWriter:
    """Writes prompts for one processor.

    Attributes:
        template: The chat template in use, or None.
        placeholder: The token that stands for an image.
    """

    def __init__(self, reference: str, processor: Any, config: Any, options: Options) -> None:
        """Find the chat template and the placeholder.

        Raises:
            UsageError: A template is asked for, and there is none.
        """
        self.processor, self.tokenizer, self.options = processor, processor.tokenizer, options
        own = processor.chat_template or getattr(self.tokenizer, "chat_template", None)
        if not own and (options.chat_template or options.system_prompt):
            raise UsageError(
                f"Model {reference!r} has no chat template, which chat_template and system_prompt "
                "need. Leave these options out, or use the instruction-tuned checkpoint."
            )
        self.template: Any = None if options.chat_template is False else own
        self.placeholder = str(getattr(processor, "image_token", None) or "<image>")
        self._around = _around_images(config, self.tokenizer)
        start = self.tokenizer.bos_token_id
        written = self.tokenizer("a")["input_ids"]
        self.adds_start = start is not None and bool(written) and written[0] == start
        self._takes_items = self.template is None or self._shows_items_well()
        self.ids = lru_cache(maxsize=_REMEMBERED_TEXTS)(self._ids)

    def _shows_items_well(self) -> bool:
        """Whether the template understands content as a list of items, not only as a text."""
        try:
            shown = self._rendered(
                [{"role": "user", "content": [{"type": "text", "text": _PROBE}]}]
            )
        except (TemplateError, AttributeError, KeyError, TypeError, ValueError):
            return False
        return _PROBE in shown and "'type'" not in shown

    def _rendered(self, messages: list[dict[str, Any]]) -> str:
        return str(
            self.processor.apply_chat_template(
                messages, chat_template=self.template, add_generation_prompt=True, tokenize=False
            )
        )

    def _ids(self, text: str) -> tuple[int, ...]:
        """Token ids of a text as it stands; a placeholder is one token."""
        return tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def write(self, content: Content) -> Prompt | Failure:
        """The prompt of a request; a Failure where a part has no place in it."""
        if any(isinstance(part, Audio) for part in content):
            return Failure("unsupported part", "the prompt holds sound; this model reads images")
        images = tuple(part for part in content if isinstance(part, Image))
        text = self._joined(content) if self.template is None else self._chat(content)
        found = text.count(self.placeholder)
        if found != len(images):
            return Failure(
                "misplaced image",
                f"the prompt has {len(images)} images, but its text has the placeholder "
                f"{self.placeholder!r} {found} times: a text holds it, or the chat template "
                "leaves images of this role out",
            )
        return Prompt(self._started(text), images)

    def _joined(self, content: Content) -> str:
        pieces = [
            part.text if isinstance(part, Text) else self._around.format(self.placeholder)
            for part in content
            if isinstance(part, Text | Image)
        ]
        return "".join(pieces)

    def _chat(self, content: Content) -> str:
        messages = [
            {"role": turn.role, "content": self._items(turn.parts)} for turn in turns_of(content)
        ]
        system = self.options.system_prompt
        if system and not any(message["role"] == "system" for message in messages):
            messages.insert(0, {"role": "system", "content": self._items((Text(system),))})
        return self._rendered(messages)

    def _items(self, parts: Content) -> Any:
        if not self._takes_items:
            return self._joined(parts)
        return [
            {"type": "text", "text": part.text} if isinstance(part, Text) else {"type": "image"}
            for part in parts
        ]

    def _started(self, text: str) -> str:
        """The text after its start token; before an empty one stands the start or end token."""
        start, end = self.tokenizer.bos_token, self.tokenizer.eos_token
        if not text:
            return str(start or end or "")
        return f"{start}{text}" if self.adds_start and not text.startswith(start) else text

    def joint(self, text: str, continuation: str) -> tuple[str, tuple[int, ...]]:
        """Where a prompt ends, and the continuation's tokens after it.

        The whole is encoded in one piece, so that a continuation has the tokens that it has in
        running text. Where white space at the end of the prompt melts into it, that white space
        counts to the continuation, which is lm-evaluation-harness's rule.
        """
        before, whole = self.ids(text), self._ids(text + continuation)
        if whole[: len(before)] == before:
            return text, whole[len(before) :]
        bare = text.rstrip()
        return bare, whole[len(self.ids(bare)) :]


def _around_images(config: Any, tokenizer: Any) -> str:
    """What the configuration says must stand around an image, as a format with one place."""
    ends = [getattr(config, f"vision_{side}_token_id", None) for side in ("start", "end")]
    if any(end is None for end in ends):
        return "{}"
    first, last = tokenizer.convert_ids_to_tokens(ends)
    return f"{first}{{}}{last}" if first and last else "{}"
