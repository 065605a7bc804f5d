"""From the parts of a prompt to the text that a processor reads, with placeholders for media.

With a chat template the parts are turns; without one they are joined, and each image or clip stands
where it was put. Texts are encoded bare: a start token is put in front where the tokenizer itself
would write one, never twice, and nothing is put at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError

from evalsuite import Failure, UsageError
from evalsuite.content import Content, Role, Text, Turn, chat_of
from evalsuite_transformers.generative.medium import Medium, Part
from evalsuite_transformers.generative.options import Options

_PROBE = "evalsuite asks"
_REMEMBERED_TEXTS = 16_384


@dataclass(frozen=True)
class Prompt:
    """A text with one placeholder for each image or clip, start token included, and the media."""

    text: str
    media: tuple[Part, ...] = ()

    def of(self, medium: Medium) -> list[Part]:
        """The images, or the clips, in their order."""
        return [part for part in self.media if isinstance(part, medium.part)]


class PromptWriter:
    """Writes prompts for one processor.

    Attributes:
        media: What prompts may hold besides text.
        template: The chat template in use, or None.
    """

    def __init__(
        self, reference: str, processor: Any, media: Sequence[Medium], options: Options
    ) -> None:
        """Find the chat template.

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
        self.media = tuple(media)
        start = self.tokenizer.bos_token_id
        written = self.tokenizer("a")["input_ids"]
        self.adds_start = start is not None and bool(written) and written[0] == start
        self._takes_items = self.template is None or self._shows_items_well()
        self.ids = lru_cache(maxsize=_REMEMBERED_TEXTS)(self._ids)

    @property
    def placeholder(self) -> str:
        """The token that stands for one of the first medium."""
        return self.media[0].placeholder

    def placeholder_in(self, text: str) -> Medium | None:
        """The medium whose placeholder a text holds, or None."""
        return next((medium for medium in self.media if medium.placeholder in text), None)

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
        parts = tuple(part for part in content if not isinstance(part, Text | Role))
        for part in parts:
            refusal = self._refusal(part)
            if refusal is not None:
                return refusal
        text = self._joined(content) if self.template is None else self._chat(content)
        prompt = Prompt(self._started(text), parts)
        return next(filter(None, (self._misfit(prompt, m) for m in self.media)), prompt)

    def _refusal(self, part: Part) -> Failure | None:
        medium = self._medium_of(part)
        if medium is not None:
            return medium.refusal(part)
        what = {"Image": "images", "Audio": "sound"}[type(part).__name__]
        read = " and ".join(medium.plural for medium in self.media)
        return Failure("unsupported part", f"the prompt holds {what}; this model reads {read}")

    def _medium_of(self, part: object) -> Medium | None:
        return next((medium for medium in self.media if isinstance(part, medium.part)), None)

    def _misfit(self, prompt: Prompt, medium: Medium) -> Failure | None:
        """Why a text does not fit its images, or its clips."""
        n, found = len(prompt.of(medium)), prompt.text.count(medium.placeholder)
        if found != n:
            return Failure(
                f"misplaced {medium.name}",
                f"the prompt has {n} {medium.plural}, but its text has the placeholder "
                f"{medium.placeholder!r} {found} times: a text holds it, or the chat template "
                f"leaves {medium.plural} of this role out",
            )
        if medium.at_most is not None and n > medium.at_most:
            return Failure(
                f"too many {medium.plural}",
                f"the prompt has {n} {medium.plural}; this model takes {medium.at_most}",
            )
        return None

    def _joined(self, content: Content) -> str:
        pieces = []
        for part in content:
            medium = self._medium_of(part)
            if isinstance(part, Text):
                pieces.append(part.text)
            elif medium is not None:
                pieces.append(medium.around.format(medium.placeholder))
        return "".join(pieces)

    def _chat(self, content: Content) -> str:
        return chat_of(content, self._turns)

    def _turns(self, turns: Sequence[Turn]) -> str:
        messages = [{"role": turn.role, "content": self._items(turn.parts)} for turn in turns]
        system = self.options.system_prompt
        if system and not any(message["role"] == "system" for message in messages):
            messages.insert(0, {"role": "system", "content": self._items((Text(system),))})
        return self._rendered(messages) if messages else ""

    def _items(self, parts: Content) -> Any:
        if not self._takes_items:
            return self._joined(parts)
        return [self._item(part) for part in parts]

    def _item(self, part: object) -> dict[str, str]:
        if isinstance(part, Text):
            return {"type": "text", "text": part.text}
        medium = self._medium_of(part)
        assert medium is not None
        return {"type": medium.name}

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
