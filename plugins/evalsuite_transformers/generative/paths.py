"""The ways to run a generative model of text and media, and the check that they say the same."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from evalsuite import ContinuationScore, Failure, TokenEntropyTable
from evalsuite.content import as_content
from evalsuite_transformers.generative.embedded import EmbeddedModel
from evalsuite_transformers.generative.features import MediaEncoder
from evalsuite_transformers.generative.medium import Part
from evalsuite_transformers.generative.plain import PlainModel
from evalsuite_transformers.generative.prompt import Prompt, PromptWriter
from evalsuite_transformers.generative.reading import Reader

Tail = tuple[int, ...]
SHARED, SEPARATE = "shared beginnings", "separate rows"
KEPT, PLAIN = "kept prompts", "plain"
PLAIN_PATHS = (KEPT, PLAIN)
TOLERANCE = 1e-3
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
        reason: Why the media features of each prompt are computed anew, if they are.
    """

    def __init__(self, module: Any, writer: PromptWriter, pad_id: int) -> None:
        """Compare the paths on synthetic prompts and choose."""
        self.writer = writer
        self.media = writer.media
        self.plain = PlainModel(module, writer.processor, self.media, pad_id)
        self.reason = ""
        self.embedded: Any = None
        self.encoder: Any = None
        try:
            limit = writer.options.cache_mib * 2**20
            self.encoder = MediaEncoder(module, self.media, limit)
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
        return {"scoring path": self.name} | {medium.plural: kept for medium in self.media}

    @property
    def shares(self) -> bool:
        """Whether what prompts have in common is read once."""
        return self.name == SHARED

    @property
    def n_encoded(self) -> int:
        """Images and clips that went through the encoder by themselves."""
        return int(self.encoder.n_encoded) if self.encoder is not None else 0

    def media_length(self, part: Part) -> int:
        """Tokens of an image or clip: counted where it is at hand, else by the synthetic one's."""
        known = self.encoder.known(part) if self.encoder is not None else None
        if known is not None:
            return len(known.ids)
        medium = next((medium for medium in self.media if isinstance(part, medium.part)), None)
        return round(medium.tokens_per_unit * medium.units(part)) if medium is not None else 0

    def lengths(self, prompts: Sequence[Prompt]) -> list[int]:
        """Tokens of each prompt, those of its media included."""
        if self.name in PLAIN_PATHS:
            known = {prompt: self.plain.n_tokens(prompt) for prompt in dict.fromkeys(prompts)}
            return [known[prompt] for prompt in prompts]
        found = self.encoder.encode([part for prompt in prompts for part in prompt.media])
        return [
            len(self.writer.ids(prompt.text))
            + sum(len(found[part.digest].ids) - 1 for part in prompt.media)
            for prompt in prompts
        ]

    def score(self, rows: Sequence[tuple[Prompt, Tail]]) -> list[ContinuationScore]:
        """Log P(tail | prompt) for each row, by the path that was chosen."""
        return self._score_by(self.name, rows)

    def entropies(
        self, rows: Sequence[tuple[Prompt, Tail]], orders: Sequence[float], *, with_media: bool
    ) -> list[TokenEntropyTable]:
        """Doubt before each token of each tail, and at the media, by the path that was chosen."""
        if self.name in PLAIN_PATHS:
            return self.plain.entropies(rows, orders, with_media=with_media)
        self.embedded.shares = self.shares
        tables: list[TokenEntropyTable] = self.embedded.entropies(
            rows, orders, with_media=with_media
        )
        return tables

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
        if plain.logprobs is None:  # perhaps it reads one image or clip at most
            rows = [row for row in rows if len(row[0].media) == 1]
            plain = self._trial(PLAIN, [[row] for row in rows])
        if plain.logprobs is None or not len(plain.logprobs):
            self.reason = plain.reason or "no prompt with an image or clip can be written"
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
                    self._count_tokens([part for prompt, _ in rows for part in prompt.media])
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

    def _count_tokens(self, parts: Sequence[Part]) -> None:
        """Learn how many tokens a unit of each medium comes to."""
        for medium in self.media:
            own = [part for part in parts if isinstance(part, medium.part)]
            if own:
                medium.tokens_per_unit = self.media_length(own[0]) / medium.units(own[0])

    def _synthetic_rows(self) -> list[tuple[Prompt, Tail]]:
        """Prompts with one of a medium, two and none; continuations of several lengths."""
        short, long = " yes", " no, not at all"
        asked: list[tuple[Any, tuple[str, ...]]] = [(("what is it",), (long,))]
        for medium in self.media:
            one, other = medium.synthetic()
            asked.append(((one, "what is it"), (short, long)))
            asked.append((("first", one, "second", other, "which"), (long,)))
        if len(self.media) > 1:
            mixed = [medium.synthetic()[0] for medium in self.media]
            asked.append((("here", *mixed, "what is it"), (long,)))
        rows = []
        for content, continuations in asked:
            prompt = self.writer.write(as_content(content))
            if isinstance(prompt, Failure):
                continue
            for continuation in continuations:
                text, tail = self.writer.joint(prompt.text, continuation)
                rows.append((Prompt(text, prompt.media), tail))
        return rows


def _brief(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:120]
