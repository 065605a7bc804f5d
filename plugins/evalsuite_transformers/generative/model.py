"""A loaded generative model of text and media: likelihoods, entropies and text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import evalsuite
from evalsuite import (
    ContinuationScore,
    DifferentiableView,
    Failure,
    Generate,
    Generation,
    LogLikelihood,
    ModelInfo,
    Request,
    TokenEntropies,
    TokenEntropyTable,
)
from evalsuite.content import Content, Role, Text
from evalsuite_transformers.checkpoint import Checkpoint, fingerprint
from evalsuite_transformers.generative.decoding import write
from evalsuite_transformers.generative.gradients import answer_view
from evalsuite_transformers.generative.media import unread
from evalsuite_transformers.generative.medium import Part
from evalsuite_transformers.generative.options import Options
from evalsuite_transformers.generative.paths import PLAIN_PATHS, Paths, Tail
from evalsuite_transformers.generative.prompt import Prompt, PromptWriter
from evalsuite_transformers.generative.sampling import Choice
from evalsuite_transformers.generative.writing import Row, Scribe
from evalsuite_transformers.reach import positions_of
from evalsuite_transformers.torch_model import TorchModel, count_parameters
from evalsuite_transformers.written_text import neutral_settings

# More requests than this are not lost at once, however small they are.
_MAX_REQUESTS = 512


class GenerativeModel(TorchModel):
    """An encoder of images or sounds whose features stand among a language model's tokens.

    Attributes:
        paths: The ways to run it, and the one that is used.
    """

    def __init__(
        self, info: ModelInfo, checkpoint: Checkpoint, module: Any, writer: PromptWriter
    ) -> None:
        """Set the checkpoint's generation settings aside, and choose the path."""
        self.writer = writer
        self.processor, self.tokenizer = writer.processor, writer.tokenizer
        own_pad = getattr(module.generation_config, "pad_token_id", None)
        pad = own_pad if own_pad is not None else (self.tokenizer.eos_token_id or 0)
        module.generation_config, set_aside = neutral_settings(
            module.generation_config, self.tokenizer, pad
        )
        settings = module.generation_config
        if settings.pad_token_id in {medium.token_id for medium in writer.media}:
            settings.pad_token_id = self.tokenizer.eos_token_id  # padding is no sound (GLM-ASR)
        self.scribe = Scribe(self.tokenizer, settings.eos_token_id or ())
        self.max_length = _context_length(checkpoint.config, writer.options)
        self.paths: Any = Paths(module, writer, settings.pad_token_id)
        readers = {k: v for medium in writer.media for k, v in medium.details.items()}
        details = {
            "class": type(module).__name__,
            **readers,
            **self.paths.details,
            **unread(self.processor, writer.media),
            "context length": str(self.max_length),
            "chat template": "on" if writer.template else "off",
            "dtype": str(module.dtype).removeprefix("torch."),
        }
        if set_aside:
            details["generation settings set aside"] = set_aside
        info = replace(info, n_parameters=count_parameters(module), details=details)
        mark = fingerprint(
            checkpoint.reference,
            checkpoint.revision,
            module.dtype,
            *readers.values(),
            writer.options.in_fingerprint,
            version=evalsuite.__version__,
        )
        super().__init__(info, mark, module)

    @property
    def n_encoded(self) -> int:
        """Images and clips that went through the encoder since loading, where they are kept."""
        return int(self.paths.n_encoded)

    def close(self) -> None:
        """Drop the weights, which the paths hold as well."""
        self.paths = None
        super().close()

    def cost(self, request: Request) -> int:
        """Tokens, estimated: those of each image or clip and one for three characters."""
        media = sum(map(self.paths.media_length, _media_of(request)))
        letters = sum(len(part.text) for part in request.parts if isinstance(part, Text))
        new = 8
        if isinstance(request, Generate):
            new = request.max_tokens
        elif isinstance(request, LogLikelihood | TokenEntropies):
            new = len(request.continuation) // 3 + 1
        return int(media) + letters // 3 + new

    def batches(self, requests: Sequence[Request], budget: int) -> Iterator[Sequence[Request]]:
        """Requests about the same media together; what they share counts once when scoring."""
        keys = [_likeness(request) for request in requests]
        is_read = isinstance(requests[0], LogLikelihood | TokenEntropies)
        shares = self.paths.shares and is_read
        batch: list[Request] = []
        used = dearest = 0
        last: tuple[str, ...] | None = None
        for index in sorted(range(len(requests)), key=keys.__getitem__):
            request, media = requests[index], keys[index][1]
            cost = self.cost(request)
            if shares and batch and media and media == last:
                cost = max(1, cost - sum(map(self.paths.media_length, _media_of(request))))
            dearest = max(dearest, cost)
            load = used + cost if shares else (len(batch) + 1) * dearest
            if batch and (load > budget or len(batch) >= _MAX_REQUESTS):
                yield batch
                batch, used, dearest = [], 0, self.cost(request)
                cost = dearest
            batch.append(request)
            used += cost
            last = media
        if batch:
            yield batch

    def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[ContinuationScore | Failure]:
        """Log P(continuation | text and media), float32; equal rows are computed once."""
        answers, rows = self._rows(requests)
        scores = self.paths.score(list(rows.values())) if rows else []
        answers |= dict(zip(rows, scores, strict=True))
        return [answers[index] for index in range(len(requests))]

    def token_entropies(
        self, requests: Sequence[TokenEntropies]
    ) -> list[TokenEntropyTable | Failure]:
        """Rényi entropies before each token of a continuation, and at the media of its context."""
        answers, rows = self._rows(requests)
        alike: dict[tuple[tuple[float, ...], bool], list[int]] = defaultdict(list)
        for index in rows:
            alike[requests[index].orders, requests[index].with_media].append(index)
        for (orders, with_media), own in alike.items():
            wanted = [rows[index] for index in own]
            found = self.paths.entropies(wanted, orders, with_media=with_media)
            answers |= dict(zip(own, found, strict=True))
        return [answers[index] for index in range(len(requests))]

    def differentiable_view(
        self,
        content: Content,
        target: str,
        *,
        medium: str = "text",
        grid: tuple[int, int] = (0, 0),
        within: tuple[int, int] | None = None,
    ) -> DifferentiableView:
        """The prompt's words, picture or clip; the output is log P(target | prompt), plainly."""
        return answer_view(self, content, target, medium, grid, within)

    def _rows(
        self, requests: Sequence[LogLikelihood] | Sequence[TokenEntropies]
    ) -> tuple[dict[int, Any], dict[int, tuple[Prompt, Tail]]]:
        """By index, why a request cannot be answered, and the others' prompts and tails."""
        answers: dict[int, Any] = {}
        rows: dict[int, tuple[Prompt, Tail]] = {}
        written = self._written([request.context for request in requests])
        for index, (request, prompt) in enumerate(zip(requests, written, strict=True)):
            if isinstance(prompt, Failure):
                answers[index] = prompt
                continue
            text, tail = self.writer.joint(prompt.text, request.continuation)
            held = self.writer.placeholder_in(request.continuation)
            if held is not None:
                answers[index] = Failure(
                    f"misplaced {held.name}",
                    f"the continuation holds the placeholder {held.placeholder!r}",
                )
            elif not text:
                answers[index] = Failure("empty context", "there is nothing to condition on")
            elif not tail:
                answers[index] = Failure("empty continuation", "it has no token to score")
            else:
                rows[index] = (Prompt(text, prompt.media), tail)
        lengths = self.paths.lengths([prompt for prompt, _ in rows.values()])
        for index, length in zip(list(rows), lengths, strict=True):
            if length + len(rows[index][1]) - 1 > self.max_length:
                answers[index] = self._too_long(length, "the continuation included")
                del rows[index]
        return answers, rows

    def generate(self, requests: Sequence[Generate]) -> list[Generation | Failure]:
        """Text after each prompt, each by its own limit, stop strings and random numbers."""
        answers: dict[int, Generation | Failure] = {}
        written = self._written([request.prompt for request in requests])
        prompts = {i: p for i, p in enumerate(written) if isinstance(p, Prompt) and p.text}
        rows: dict[int, Row] = {}
        lengths = self.paths.lengths(list(prompts.values()))
        for (index, prompt), length in zip(list(prompts.items()), lengths, strict=True):
            n_new = min(requests[index].max_tokens, self.max_length - length)
            if n_new < 1:
                answers[index] = self._too_long(length, "the answer included")
            else:
                rows[index] = Row(Choice(requests[index], _marks(prompt)), n_new)
        chosen = [prompts[index] for index in rows]
        if chosen and self.paths.name not in PLAIN_PATHS:
            write(self.paths.embedded, self.scribe, chosen, list(rows.values()))
        elif chosen:
            self.paths.plain.write(self.scribe, chosen, list(rows.values()))
        answers |= {index: self.scribe.answer(row) for index, row in rows.items()}
        empty = Failure("empty prompt", "there is nothing to go on from")
        for index, prompt in enumerate(written):
            if index not in answers:
                answers[index] = prompt if isinstance(prompt, Failure) else empty
        return [answers[index] for index in range(len(requests))]

    def _written(self, contents: Sequence[Content]) -> list[Prompt | Failure]:
        """The prompt of each content; the options of one question share theirs."""
        known: dict[Content, Prompt | Failure] = {}
        for content in contents:
            if content not in known:
                known[content] = self.writer.write(content)
        return [known[content] for content in contents]

    def _too_long(self, length: int, what: str) -> Failure:
        return Failure(
            "prompt too long",
            f"it has {length} tokens, those of its media included; the model reads "
            f"{self.max_length} at once, {what}",
        )


def _media_of(request: Request) -> list[Part]:
    """The images and clips of a request."""
    return [part for part in request.parts if not isinstance(part, Text | Role)]


def _likeness(request: Request) -> tuple[int, tuple[str, ...], str]:
    """What batches are sorted by: the number of images and clips, these, the text."""
    media = tuple(part.digest for part in _media_of(request))
    text = "".join(part.text for part in request.parts if isinstance(part, Text))
    return -len(media), media, text


def _marks(prompt: Prompt) -> bytes:
    """Identifies a prompt, for the random numbers of its row."""
    names = [part.sha256 for part in prompt.media]
    return repr((prompt.text, names)).encode("utf-8", "surrogatepass")


def _context_length(config: Any, options: Options) -> int:
    """The longest input: the language model's positions, or less where that is asked for."""
    positions = positions_of(config.get_text_config())
    if positions is None:
        return options.max_length or 2048
    return min(positions, options.max_length or positions)
