"""A generative model opened up for gradient explainers: an answer, given words, pixels or sounds.

What is explained is the model's own reading of the prompt (the plain way), with its pixels, its
spectrogram or its token embeddings in the explainer's hand.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from evalsuite import Audio, DifferentiableView, Failure, ForwardTrace, Image, RequestFailed
from evalsuite.content import Content
from evalsuite_transformers.differentiable.cells import cell_sums
from evalsuite_transformers.differentiable.joined import joined
from evalsuite_transformers.differentiable.layers import (
    eager_attention,
    output_replaced,
    spread_tokens,
)
from evalsuite_transformers.differentiable.pictures import mean_colour, picture_cells, solid
from evalsuite_transformers.differentiable.spectrograms import mean_level, mel_cells
from evalsuite_transformers.differentiable.stretches import NO_SPAN, Span
from evalsuite_transformers.differentiable.views import absent_id
from evalsuite_transformers.generative.explained_words import word_spans
from evalsuite_transformers.generative.medium import Medium, Tensors
from evalsuite_transformers.generative.plain import extended
from evalsuite_transformers.generative.prompt import Prompt

_KINDS = {"image": Image, "audio": Audio}
# What the log-probability may differ by when embeddings are put in by hand.
TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Answer:
    """The log-probability of an answer after a prompt, as a function of what the prompt holds.

    Attributes:
        model: A GenerativeModel.
        prompt: With its media.
        whole: The model's inputs, those of the answer's tokens but the last among them.
        tail: The answer's tokens.
    """

    model: Any
    prompt: Prompt
    whole: Tensors
    tail: tuple[int, ...]

    @property
    def n_read(self) -> int:
        """Tokens of the prompt, those of media included."""
        return int(self.whole["input_ids"].shape[1]) - len(self.tail) + 1

    @property
    def layer(self) -> Any:
        """The embedding of tokens."""
        return self.model.module.get_input_embeddings()

    def embeddings(self, ids: torch.Tensor) -> torch.Tensor:
        """Vectors of tokens [1, tokens, width]; those of media may be none of the vocabulary."""
        with torch.no_grad():
            rows: torch.Tensor = self.layer(ids.clamp(max=len(self.layer.weight) - 1))
        return rows.float()

    def score(self, media: Tensors, embeddings: torch.Tensor | None = None) -> torch.Tensor:
        """Log P(answer | prompt) in nats, a scalar.

        Args:
            media: Tensors in the place of those of the whole.
            embeddings: Of the prompt's tokens [tokens, width].
        """
        replaced: Any = nullcontext()
        if embeddings is not None:
            rest = self.embeddings(self.whole["input_ids"][:, self.n_read :])
            replaced = output_replaced(self.layer, torch.cat([embeddings[None], rest], dim=1))
        given = {name: value.to(self.model.dtype) for name, value in media.items()}
        with replaced:
            found = self.model.module(**(self.whole | given), use_cache=False)
        return self.total(found.logits)

    def total(self, logits: torch.Tensor) -> torch.Tensor:
        """The sum of the answer's scores under logits [1, tokens, vocabulary]."""
        targets = torch.tensor(self.tail, device=logits.device)
        scores = logits[0, -len(self.tail) :].float().log_softmax(-1)
        return scores.gather(-1, targets[:, None]).sum()


def answer_view(
    model: Any,
    content: Content,
    target: str,
    medium: str,
    grid: tuple[int, int],
    within: Span | None = None,
) -> DifferentiableView:
    """What a prompt holds of a medium; the output is log P(target | prompt) in nats.

    A picture is absent in its mean colour, a clip at its mean level, a word as the token that says
    nothing. ``joint`` opens the one picture or clip and the words together.

    Raises:
        ValueError: There is not one picture or clip where one is explained, or no answer.
        RequestFailed: The words have no known place.
    """
    answer = _answer(model, content, target)
    if medium == "text":
        return _words_view(answer, content, within)
    own = _one_medium(model, content, medium)
    view = _medium_view(answer, own, grid)
    if medium != "joint":
        return view

    def output(media: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
        points = zip(media, embeddings, strict=True)
        return torch.stack([answer.score({own.tensor: one}, rows) for one, rows in points])

    return joined(view, _words_view(answer, content, within), output)


def _answer(model: Any, content: Content, target: str) -> Answer:
    prompt = model.writer.write(content)
    if isinstance(prompt, Failure):
        raise RequestFailed(prompt)
    text, tail = model.writer.joint(prompt.text, target)
    if not tail:
        raise ValueError("the target is the answer whose log-probability is explained; it is empty")
    prompt = Prompt(text, prompt.media)
    plain = model.paths.plain
    return Answer(model, prompt, plain.on_device(extended(plain.prepare(prompt), tail[:-1])), tail)


def _one_medium(model: Any, content: Content, medium: str) -> Medium:
    """The kind of the one picture or clip that is explained."""
    kinds = (_KINDS[medium],) if medium in _KINDS else tuple(_KINDS.values())
    parts = [part for part in content if isinstance(part, kinds)]
    if len(parts) != 1:
        raise ValueError(f"one picture or clip is explained at a time (got {len(parts)})")
    own: Medium = next(one for one in model.writer.media if isinstance(parts[0], one.part))
    return own


def _medium_view(answer: Answer, medium: Medium, grid: tuple[int, int]) -> DifferentiableView:
    """The pixels or the spectrogram, as the processor makes them [1, ...]."""
    inputs = answer.whole[medium.tensor].float()[None]
    opened = _picture if medium.name == "image" else _clip
    (part,) = answer.prompt.of(medium)
    baseline, sums = opened(answer, medium, part, inputs, grid)
    return DifferentiableView(
        inputs,
        baseline,
        lambda rows: torch.stack([answer.score({medium.tensor: one}) for one in rows]),
        (),
        grid=grid,
        cell_sums=sums,
        module=answer.model.module,
        most_at_once=1,
    )


def _picture(
    answer: Answer, medium: Any, part: Any, pixels: torch.Tensor, grid: tuple[int, int]
) -> tuple[torch.Tensor, Callable[[Any], Any]]:
    """The absence of a picture, and the sums over its cells."""
    model = answer.model

    def prepare(pil: Any) -> torch.Tensor:
        given = model.processor(text=[answer.prompt.text], images=[pil], return_tensors="pt")
        prepared: torch.Tensor = given[medium.tensor]
        return prepared.to(model.device, torch.float32)

    picture = part.load()
    sums = picture_cells(prepare, picture.size, grid)
    if pixels.ndim == 5 and pixels.shape[1] == 1:  # rows and columns of pixels, no patches
        return mean_colour(pixels), sums
    return prepare(solid(picture))[None], sums


def _clip(
    answer: Answer, medium: Any, part: Any, features: torch.Tensor, grid: tuple[int, int]
) -> tuple[torch.Tensor, Callable[[Any], Any]]:
    """The absence of a clip, and the sums over its cells."""
    n_windows, n_bands, n_frames = features.shape[1:]
    cells = mel_cells(medium.extractor, (n_windows, n_bands, n_frames), part, grid)
    return mean_level(features, cells, grid[0]), cell_sums(cells, grid[0] * grid[1])


def _words_view(answer: Answer, content: Content, within: Span | None) -> DifferentiableView:
    """The embeddings of the prompt's tokens [1, tokens, width]."""
    model, n_read = answer.model, answer.n_read
    ids = answer.whole["input_ids"][:, :n_read]
    spans = word_spans(model.writer, answer.prompt, content, within, ids[0].tolist())
    is_word = torch.tensor([span != NO_SPAN for span in spans], device=ids.device)
    inputs = answer.embeddings(ids)
    blank = absent_id(model.tokenizer, int(model.tokenizer.eos_token_id or 0))
    with torch.no_grad():
        gap = float(abs(answer.score({}, inputs[0]) - answer.score({})))
    if not gap <= TOLERANCE:
        told = f"put in by hand, its own embeddings change the answer's score by {gap:.2g}"
        raise RequestFailed(Failure("words not open", f"{told}. Use occlusion."))
    return DifferentiableView(
        inputs,
        answer.embeddings(torch.where(is_word, blank, ids)),
        lambda rows: torch.stack([answer.score({}, one) for one in rows]),
        spans,
        module=model.module,
        trace=lambda: _trace(answer, inputs),
        most_at_once=1,
    )


def _trace(answer: Answer, inputs: torch.Tensor) -> ForwardTrace:
    """The prompt's tokens as seen from where the first token of the answer is written."""
    module, n_read = answer.model.module, answer.n_read
    with eager_attention(module):
        found = module(
            **answer.whole, use_cache=False, output_attentions=True, output_hidden_states=True
        )
    spread = spread_tokens(inputs)

    def spread_prompt(values: torch.Tensor) -> torch.Tensor:
        spreading: torch.Tensor = spread(values[:n_read])
        return spreading

    return ForwardTrace(
        output=answer.total(found.logits),
        attentions=tuple(found.attentions or ()),
        hidden=found.hidden_states[-2],
        readout=n_read - 1,
        spread=spread_prompt,
        spread_hidden=spread_prompt,
    )
