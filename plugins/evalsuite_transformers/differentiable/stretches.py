"""Where a text that is explained stands in the prompt that is made of it.

Chat templates put a text among others, trim it, and may repeat it. So the prompt is written a
second time with a mark in the text's place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evalsuite import Failure, RequestFailed, Text
from evalsuite.content import Content, text_of

Span = tuple[int, int]
Write = Callable[[Content], str]
NO_SPAN: Span = (0, 0)
# Private characters, which no template looks at.
_MARK = "\ue0e5\ue0f1\ue0e5"


@dataclass(frozen=True)
class Stretch:
    """Characters of a prompt, half open, and where the first stands in the explained text."""

    begin: int
    end: int
    offset: int

    def overlap(self, begin: int, end: int) -> Span:
        """What characters of the prompt have of it, as offsets into the explained text."""
        first, last = max(begin, self.begin), min(end, self.end)
        shift = self.offset - self.begin
        return (first + shift, last + shift) if first < last else NO_SPAN


def stretches_of(write: Write, content: Content, within: Span | None = None) -> list[Stretch]:
    """The explained text of each part of a content.

    Args:
        write: From a content to the prompt that a model reads.
        content: What is explained, and what stands around it.
        within: The characters of the content's text that are explained; None is all of it.

    Raises:
        ValueError: There is no text to attribute to.
        RequestFailed: The prompt has another text in its place.
    """
    first, last = within or (0, len(text_of(content)))
    found, done = [], 0
    for index, part in enumerate(content):
        if not isinstance(part, Text):
            continue
        begin, end = (min(max(at - done, 0), len(part.text)) for at in (first, last))
        if part.text[begin:end].strip():
            found.append(_stretch(write, content, index, (begin, end), done + begin - first))
        done += len(part.text)
    if not found:
        raise ValueError("there is no text to attribute to")
    return found


def _stretch(write: Write, content: Content, index: int, span: Span, offset: int) -> Stretch:
    text = text_of(content[index : index + 1])
    explained = text[span[0] : span[1]]
    marked = Text(text[: span[0]] + _MARK + text[span[1] :])
    whole = write(content)
    before, _, after = write((*content[:index], marked, *content[index + 1 :])).partition(_MARK)
    for form in (explained, explained.strip(), explained.lstrip(), explained.rstrip()):
        if whole == before + form + after:
            begin = len(before)
            return Stretch(begin, begin + len(form), offset + explained.index(form))
    told = "the chat template rewrites the text, so its words have no known place"
    raise RequestFailed(Failure("words not open", f"{told}. Use occlusion."))


def covered(stretches: Sequence[Stretch], begin: int, end: int) -> Span:
    """What characters of a prompt have of the explained text; the first stretch counts."""
    found = (stretch.overlap(begin, end) for stretch in stretches)
    return next((span for span in found if span != NO_SPAN), NO_SPAN)


def tokens_over(spans: Sequence[Span | None], stretch: Span) -> tuple[int, int] | None:
    """The first and the last token with a part in a stretch; None where not all of it is covered.

    Args:
        spans: Of each token, by characters; None of those that are not in the context.
        stretch: First and last character, half open; without white space at its ends.
    """
    begin, end = stretch
    over = [i for i, own in enumerate(spans) if own and own[0] < end and own[1] > begin]
    if not over:
        return None
    first, last = spans[over[0]], spans[over[-1]]
    assert first is not None
    assert last is not None
    return (over[0], over[-1]) if first[0] <= begin and last[1] >= end else None
