"""The ways to run a generative image-text model, and the check that they say the same."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from evalsuite import ContinuationScore, Failure, Image
from evalsuite.content import as_content
from evalsuite_vision.models.embedded import EmbeddedModel
from evalsuite_vision.models.image_features import ImageEncoder
from evalsuite_vision.models.plain import PlainModel
from evalsuite_vision.models.prompt import Prompt, PromptWriter
from evalsuite_vision.models.reading import Reader

Tail = tuple[int, ...]
SHARED, SEPARATE = "shared beginnings", "separate rows"
KEPT, PLAIN = "kept prompts", "plain"
PLAIN_PATHS = (KEPT, PLAIN)
TOLERANCE = 1e-3
# Of an image whose tokens nobody has counted yet.
_TOKENS_PER_IMAGE = 256
_ERRORS = (AttributeError, IndexError, KeyError, RuntimeError, StopIteration, TypeError, ValueError)


@dataclass(frozen=True)
class _Trial:
    """Log-probabilities by one path, or why there are none."""

    logprobs: torch.Tensor | None
    reason: str = ""


class Paths:
    """One model, run by the fastest path that is exact.

    Attributes:
        name: ``shared beginnings``, ``separate rows``, ``kept prompts`` or ``plain``.
        reason: Why the image features of each prompt are computed anew, if they are.
    """

    def __init__(self, module: Any, writer: PromptWriter, pad_id: int) -> None:
        """Compare the paths on synthetic prompts and choose."""
        self.writer = writer
        self.plain = PlainModel(module, writer.processor, pad_id)
        self.reason = ""
        self.embedded: Any = None
        self.encoder: Any = None
        self._image_length = 0
        try:
            limit = writer.options.image_cache_mib * 2**20
            self.encoder = ImageEncoder(module, writer.processor, limit)
            self.embedded = EmbeddedModel(module, Reader(module, writer, self.encoder), pad_id)
        except _ERRORS as error:
            self.reason = _brief(error)
        self.name = PLAIN
        self.name = self._exact_path(module)
        if self.encoder is not None:
            self.encoder.forget()
            self.encoder.n_encoded = 0
        if self.embedded is not None:
            self.embedded.n_read = 0
        self.plain.n_prompts_read = 0

    @property
    def details(self) -> dict[str, str]:
        """How it is run, for a report."""
        kept = "encoded once each"
        if self.name in PLAIN_PATHS:
            kept = f"encoded for each prompt ({self.reason})"
        return {"scoring path": self.name, "images": kept}

    @property
    def shares(self) -> bool:
        """Whether what prompts have in common is read once."""
        return self.name == SHARED

    @property
    def n_images_encoded(self) -> int:
        """Images that went through the encoder by itself."""
        return int(self.encoder.n_encoded) if self.encoder is not None else 0

    def image_length(self, image: Image) -> int:
        """Tokens of an image: counted where it is at hand, else those of a synthetic one."""
        known = self.encoder.known(image) if self.encoder is not None else None
        return len(known.ids) if known is not None else self._image_length or _TOKENS_PER_IMAGE

    def lengths(self, prompts: Sequence[Prompt]) -> list[int]:
        """Tokens of each prompt, those of its images included."""
        if self.name in PLAIN_PATHS:
            known = {prompt: self.plain.n_tokens(prompt) for prompt in dict.fromkeys(prompts)}
            return [known[prompt] for prompt in prompts]
        found = self.encoder.encode([image for prompt in prompts for image in prompt.images])
        return [
            len(self.writer.ids(prompt.text))
            + sum(len(found[image.sha256].ids) - 1 for image in prompt.images)
            for prompt in prompts
        ]

    def score(self, rows: Sequence[tuple[Prompt, Tail]]) -> list[ContinuationScore]:
        """Log P(tail | prompt) for each row, by the path that was chosen."""
        return self._score_by(self.name, rows)

    def _score_by(self, path: str, rows: Sequence[tuple[Prompt, Tail]]) -> list[ContinuationScore]:
        if path in PLAIN_PATHS:
            self.plain.keeps_prompts = path == KEPT
            return self.plain.score(rows)
        self.embedded.shares = path == SHARED
        scores: list[ContinuationScore] = self.embedded.score(rows)
        return scores

    def _exact_path(self, module: Any) -> str:
        """The first path whose log-probabilities are those of the plain one, up to TOLERANCE."""
        rows = self._synthetic_rows()
        plain = self._trial(PLAIN, [[row] for row in rows])
        if plain.logprobs is None:  # perhaps it reads one image at most
            rows = [row for row in rows if len(row[0].images) == 1]
            plain = self._trial(PLAIN, [[row] for row in rows])
        if plain.logprobs is None or not len(plain.logprobs):
            self.reason = plain.reason or "no prompt with an image can be written"
            return PLAIN
        # In half precision a path may also differ by the last digit of the plain one's logits.
        tolerance = TOLERANCE + torch.finfo(module.dtype).eps * float(plain.logprobs.abs().max())
        candidates = (SHARED, SEPARATE, KEPT) if self.embedded is not None else (KEPT,)
        for path in candidates:
            tried = self._trial(path, [rows])
            difference = float("inf")
            if tried.logprobs is not None:
                difference = float((tried.logprobs - plain.logprobs).abs().max())
            if difference <= tolerance:
                if path != KEPT:
                    shown = [image for prompt, _ in rows for image in prompt.images]
                    self._image_length = self.image_length(shown[0]) if shown else 0
                return path
            if path in (SHARED, SEPARATE):
                self.reason = tried.reason or f"else scores differ by {difference:.2g}"
        return PLAIN

    def _trial(self, path: str, batches: Sequence[Sequence[tuple[Prompt, Tail]]]) -> _Trial:
        """All log-probabilities by one path, batch by batch."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                scores = [score for batch in batches for score in self._score_by(path, batch)]
        except _ERRORS as error:
            return _Trial(None, _brief(error))
        logprobs = torch.tensor([x for score in scores for x in score.token_logprobs])
        if not logprobs.isfinite().all():
            return _Trial(None, "scores are not finite")
        return _Trial(logprobs)

    def _synthetic_rows(self) -> list[tuple[Prompt, Tail]]:
        """Prompts with one image, two and none; continuations of several lengths."""
        draw = np.random.default_rng(0)
        images = [
            Image.from_array(draw.integers(0, 255, (*size, 3), np.uint8))
            for size in ((96, 64), (64, 64))
        ]
        short, long = " yes", " no, not at all"
        asked = (
            ((images[0], "what is it"), (short, long)),
            (("first", images[0], "second", images[1], "which"), (long,)),
            (("what is it",), (long,)),
        )
        rows = []
        for content, continuations in asked:
            prompt = self.writer.write(as_content(content))
            if isinstance(prompt, Failure):
                continue
            for continuation in continuations:
                text, tail = self.writer.joint(prompt.text, continuation)
                rows.append((Prompt(text, prompt.images), tail))
        return rows


def _brief(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:120]
