"""Sequence-to-sequence models opened up: a continuation, given the encoder's token embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from evalsuite import DifferentiableView, Failure, LogLikelihood, RequestFailed
from evalsuite.content import Content, text_of
from evalsuite_text.models.special_tokens import frame
from evalsuite_transformers.differentiable.encoder_decoder import Writing, Written
from evalsuite_transformers.differentiable.layers import output_replaced, spread_tokens
from evalsuite_transformers.differentiable.similarity import need_offsets
from evalsuite_transformers.differentiable.stretches import NO_SPAN, Span, covered, stretches_of
from evalsuite_transformers.differentiable.views import absent_id

if TYPE_CHECKING:
    from evalsuite_text.models.seq2seq import SequenceToSequenceModel


def written_view(
    model: SequenceToSequenceModel, content: Content, target: str, within: Span | None
) -> DifferentiableView:
    """The context's embeddings; the output is log P(target | context) in nats.

    That is the score of a LogLikelihood. The prefix of the model's options and special tokens are
    no features.

    Raises:
        ValueError: There is no text to attribute to.
        RequestFailed: Nothing can be scored, or the tokenizer knows no places.
    """
    need_offsets(model.tokenizer)
    row = model._row(LogLikelihood(content, target))
    if isinstance(row, Failure):
        raise RequestFailed(row)
    spans = _source_spans(model, content, within, len(row.source.ids))
    ids = torch.tensor([row.source.ids], device=model.device)
    is_word = torch.tensor([span != NO_SPAN for span in spans], device=model.device)
    encoder = model.module.get_encoder()
    layer = encoder.get_input_embeddings()
    with torch.no_grad():
        blank = absent_id(model.tokenizer, model.pad_id)
        inputs = layer(ids).float()
        baseline = layer(torch.where(is_word, blank, ids)).float()
    mask = torch.ones_like(ids)

    def encode(embeddings: torch.Tensor, **asked: Any) -> Any:
        n_rows = len(embeddings)
        with output_replaced(layer, embeddings):
            return encoder(
                input_ids=ids.expand(n_rows, -1), attention_mask=mask.expand(n_rows, -1), **asked
            )

    writing = Writing(row.decoder, row.start, row.targets)
    written = Written(model.module, encode, writing, {"attention_mask": mask})
    spread = spread_tokens(inputs)
    return DifferentiableView(
        inputs,
        baseline,
        written.output,
        spans,
        module=model.module,
        trace=lambda: written.trace(inputs, spread),
    )


def _source_spans(
    model: SequenceToSequenceModel, content: Content, within: Span | None, n_read: int
) -> tuple[Span, ...]:
    """For each token that the encoder reads the characters of the explained text."""

    def write(shown: Content) -> str:
        return model.options.prefix + text_of(shown)

    text = write(content)
    stretches = stretches_of(write, content, within)
    encoded: Any = model.tokenizer(
        text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )
    found = frame(model.tokenizer, text)
    room = n_read - len(found.before) - len(found.after)
    own = [covered(stretches, int(a), int(b)) for a, b in encoded["offset_mapping"][:room]]
    return (*[NO_SPAN] * len(found.before), *own, *[NO_SPAN] * len(found.after))
