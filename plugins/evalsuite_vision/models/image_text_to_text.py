"""Generative image-text models: text given images, scored and written.

Before a model is used, synthetic prompts with images go through the ways that are faster and
through the plain one, and the model is run by the first way that says the same:

- ``shared beginnings``: images encoded once each, everything that prompts have in common (an image,
  a question with its options) read once;
- ``separate rows``: images encoded once each, each prompt and continuation read by itself;
- ``kept prompts``: the model's own reading of a prompt's images, all continuations from there;
- ``plain``: the model's own reading of each prompt with each continuation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from transformers import AutoModelForImageTextToText

import evalsuite
from evalsuite import (
    ContinuationScore,
    Failure,
    Generate,
    Generation,
    Image,
    LoadSettings,
    LogLikelihood,
    ModelInfo,
    Request,
)
from evalsuite.content import Content, Text
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    fingerprint,
    load_processor,
    load_weights,
    open_checkpoint,
)
from evalsuite_transformers.torch_model import TorchModel, count_parameters
from evalsuite_transformers.written_text import neutral_settings
from evalsuite_vision.models.decoding import write
from evalsuite_vision.models.generative_options import Options
from evalsuite_vision.models.paths import PLAIN_PATHS, Paths, Tail
from evalsuite_vision.models.prompt import Prompt, PromptWriter
from evalsuite_vision.models.sampling import Choice
from evalsuite_vision.models.writing import Row, Scribe

METHODS = frozenset({"loglikelihood", "generate"})
# More requests than this are not lost at once, however small they are.
_MAX_REQUESTS = 512


class Loader:
    """The loader behind ``hf/image-text-to-text:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        checkpoint = open_checkpoint(reference, settings)
        Options.of(checkpoint)
        return _info(reference, checkpoint)

    def load(self, reference: str, settings: LoadSettings) -> ImageTextToText:
        """Load weights and processor."""
        checkpoint = open_checkpoint(reference, settings)
        options = Options.of(checkpoint)
        processor = load_processor(checkpoint)
        writer = PromptWriter(reference, processor, checkpoint.config, options)
        module = load_weights(AutoModelForImageTextToText, checkpoint)
        return ImageTextToText(reference, checkpoint, module, writer)


def _info(reference: str, checkpoint: Checkpoint, **facts: Any) -> ModelInfo:
    return ModelInfo(
        name=f"hf:{reference}",
        kind="generative image-text model",
        modalities=frozenset({"image", "text"}),
        methods=METHODS,
        revision=checkpoint.revision,
        **facts,
    )


class ImageTextToText(TorchModel):
    """A vision tower whose features stand among a language model's tokens.

    Attributes:
        paths: The ways to run it, and the one that is used.
    """

    def __init__(
        self, reference: str, checkpoint: Checkpoint, module: Any, writer: PromptWriter
    ) -> None:
        """Set the checkpoint's generation settings aside, and choose the path."""
        self.writer = writer
        self.processor, self.tokenizer = writer.processor, writer.tokenizer
        options = writer.options
        own_pad = getattr(module.generation_config, "pad_token_id", None)
        pad = own_pad if own_pad is not None else (self.tokenizer.eos_token_id or 0)
        module.generation_config, set_aside = neutral_settings(
            module.generation_config, self.tokenizer, pad
        )
        settings = module.generation_config
        self.scribe = Scribe(self.tokenizer, settings.eos_token_id or ())
        self.max_length = _context_length(checkpoint.config, options)
        self.paths: Any = Paths(module, writer, settings.pad_token_id)
        details = {
            "class": type(module).__name__,
            "image processor": type(self.processor.image_processor).__name__,
            **self.paths.details,
            "context length": str(self.max_length),
            "chat template": "on" if writer.template else "off",
            "dtype": str(module.dtype).removeprefix("torch."),
        }
        if set_aside:
            details["generation settings set aside"] = set_aside
        info = _info(reference, checkpoint, n_parameters=count_parameters(module), details=details)
        mark = fingerprint(
            checkpoint.reference,
            checkpoint.revision,
            module.dtype,
            details["image processor"],
            (options.chat_template, options.system_prompt, options.max_length),
            version=evalsuite.__version__,
        )
        super().__init__(info, mark, module)

    @property
    def n_images_encoded(self) -> int:
        """Images that went through the image encoder since loading, where they are kept."""
        return int(self.paths.n_images_encoded)

    def close(self) -> None:
        """Drop the weights, which the paths hold as well."""
        self.paths = None
        super().close()

    def cost(self, request: Request) -> int:
        """Tokens, estimated: those of each image and one for three characters."""
        parts = request.parts
        images = sum(self.paths.image_length(part) for part in parts if isinstance(part, Image))
        letters = sum(len(part.text) for part in parts if isinstance(part, Text))
        new = 8
        if isinstance(request, Generate):
            new = request.max_tokens
        elif isinstance(request, LogLikelihood):
            new = len(request.continuation) // 3 + 1
        return int(images) + letters // 3 + new

    def batches(self, requests: Sequence[Request], budget: int) -> Iterator[Sequence[Request]]:
        """Requests about the same images together; what they share counts once when scoring."""
        keys = [_likeness(request) for request in requests]
        shares = self.paths.shares and isinstance(requests[0], LogLikelihood)
        batch: list[Request] = []
        used = dearest = 0
        last: tuple[str, ...] | None = None
        for index in sorted(range(len(requests)), key=keys.__getitem__):
            request, images = requests[index], keys[index][1]
            cost = self.cost(request)
            if shares and batch and images and images == last:
                parts = [part for part in request.parts if isinstance(part, Image)]
                cost = max(1, cost - sum(self.paths.image_length(part) for part in parts))
            dearest = max(dearest, cost)
            load = used + cost if shares else (len(batch) + 1) * dearest
            if batch and (load > budget or len(batch) >= _MAX_REQUESTS):
                yield batch
                batch, used, dearest = [], 0, self.cost(request)
                cost = dearest
            batch.append(request)
            used += cost
            last = images
        if batch:
            yield batch

    def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[ContinuationScore | Failure]:
        """Log P(continuation | text and images), float32; equal rows are computed once."""
        answers: dict[int, ContinuationScore | Failure] = {}
        rows: dict[int, tuple[Prompt, Tail]] = {}
        written = self._written([request.context for request in requests])
        for index, (request, prompt) in enumerate(zip(requests, written, strict=True)):
            if isinstance(prompt, Failure):
                answers[index] = prompt
                continue
            text, tail = self.writer.joint(prompt.text, request.continuation)
            if self.writer.placeholder in request.continuation:
                answers[index] = Failure(
                    "misplaced image", "the continuation holds the placeholder of an image"
                )
            elif not text:
                answers[index] = Failure("empty context", "there is nothing to condition on")
            elif not tail:
                answers[index] = Failure("empty continuation", "it has no token to score")
            else:
                rows[index] = (Prompt(text, prompt.images), tail)
        fitting = {}
        lengths = self.paths.lengths([prompt for prompt, _ in rows.values()])
        for (index, (prompt, tail)), length in zip(rows.items(), lengths, strict=True):
            if length + len(tail) - 1 > self.max_length:
                answers[index] = self._too_long(length, "the continuation included")
            else:
                fitting[index] = (prompt, tail)
        scores = self.paths.score(list(fitting.values())) if fitting else []
        answers |= dict(zip(fitting, scores, strict=True))
        return [answers[index] for index in range(len(requests))]

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
            f"it has {length} tokens, those of its images included; the model reads "
            f"{self.max_length} at once, {what}",
        )


def _likeness(request: Any) -> tuple[int, tuple[str, ...], str]:
    """What batches are sorted by: the number of images, the images, the text."""
    images = tuple(part.digest for part in request.parts if isinstance(part, Image))
    text = "".join(part.text for part in request.parts if isinstance(part, Text))
    return -len(images), images, text


def _marks(prompt: Prompt) -> bytes:
    """Identifies a prompt, for the random numbers of its row."""
    names = [image.sha256 for image in prompt.images]
    return repr((prompt.text, names)).encode("utf-8", "surrogatepass")


def _context_length(config: Any, options: Options) -> int:
    """The longest input: the language model's positions, or less where that is asked for."""
    text = config.get_text_config()
    for name in ("max_position_embeddings", "n_positions", "max_seq_len"):
        value = getattr(text, name, None)
        if isinstance(value, int) and value > 0:
            return min(value, options.max_length or value)
    return options.max_length or 2048
