"""Where the words that are explained stand among the tokens that a model reads for a prompt.

Processors stretch a placeholder to all the tokens of its picture or clip, which the prompt's text
does not show.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evalsuite import Failure, RequestFailed
from evalsuite.content import Content
from evalsuite_transformers.differentiable.similarity import need_offsets
from evalsuite_transformers.differentiable.stretches import NO_SPAN, Span, covered, stretches_of
from evalsuite_transformers.generative.prompt import Prompt, PromptWriter


def word_spans(
    writer: PromptWriter, prompt: Prompt, content: Content, within: Span | None, ids: Sequence[int]
) -> tuple[Span, ...]:
    """For each token of a prompt the characters of the explained text that it covers.

    Args:
        writer: Of the prompt.
        prompt: As it is read; white space at its end may be gone.
        content: What it was written from.
        within: The characters of the content's text that are explained; None is all of it.
        ids: What the model reads for the prompt, a medium's tokens among them.

    Raises:
        ValueError: There is no text to attribute to.
        RequestFailed: The words have no known place.
    """
    need_offsets(writer.tokenizer)

    def write(shown: Content) -> str:
        found = writer.write(shown)
        if isinstance(found, Failure):
            raise RequestFailed(found)
        return found.text

    stretches = stretches_of(write, content, within)
    tokens = list(_tokens(writer, prompt))
    if [token for token, _ in tokens] != list(ids):
        told = "the processor writes more than the prompt says, so its words have no known place"
        raise RequestFailed(Failure("words not open", f"{told}. Use occlusion."))
    return tuple(covered(stretches, *span) for _, span in tokens)


def _tokens(writer: PromptWriter, prompt: Prompt) -> Iterator[tuple[int, Span]]:
    """Each token that is read, with its characters of the prompt; those of media have none."""
    encoded: Any = writer.tokenizer(
        prompt.text, add_special_tokens=False, return_offsets_mapping=True
    )
    media = {writer.tokenizer.convert_tokens_to_ids(one.placeholder): one for one in writer.media}
    left = {token: iter(prompt.of(medium)) for token, medium in media.items()}
    for token, (begin, end) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True):
        if token not in media:
            yield int(token), (int(begin), int(end))
            continue
        for own in media[token].prepared(next(left[token])).ids:
            yield own, NO_SPAN
