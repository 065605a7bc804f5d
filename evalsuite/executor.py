"""Where batches run. The local executor runs them in this process, one after another.

Requests of one kind are ordered by cost, the dearest first, and packed into batches under a token
budget. A batch that does not fit in memory halves the budget, which is remembered on disk for the
model, so that the next run does not try again. A batch in which something fails is split until the
request at fault stands alone; that one becomes a Failure, its neighbours keep their answers. A GPU
that was lost by it would fail all of them: then the run ends, and can be resumed.

Pictures and clips are decoded with the batch that needs them, at the rate that the model hears, so
that the model finds them at hand: decoding all of them first would push out the first ones again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Protocol

from evalsuite.content import Audio, Image
from evalsuite.documents import write_json
from evalsuite.errors import (
    DeviceLostError,
    MediaError,
    OutOfMemory,
    StoreError,
    is_device_lost,
    is_out_of_memory,
)
from evalsuite.model import Model, answer_batch
from evalsuite.request import Request
from evalsuite.response import Answer, Failure, Transcript

DEFAULT_TOKEN_BUDGET = 16_384
DEFAULT_MAX_REQUESTS = 64
_SMALLEST_BUDGET = 1
# Requests whose content may be anything; the others name in their kind what they carry.
MIXED = frozenset({"loglikelihood", "generate", "classify", "differentiate"})

OnBatch = Callable[[Mapping[str, Answer]], None]


class Executor(Protocol):
    """Answers requests in batches and hands each finished batch over at once."""

    def answer(self, model: Model, requests: Sequence[Request], on_batch: OnBatch) -> None:
        """Call ``on_batch`` with {digest: answer} after every batch; an exception from it ends."""
        ...


def cache_directory() -> Path:
    """Where evalsuite remembers things between runs: EVALSUITE_CACHE, else the user's cache."""
    named = os.environ.get("EVALSUITE_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "evalsuite"


class LocalExecutor:
    """Runs batches in this process."""

    def __init__(
        self,
        token_budget: int = DEFAULT_TOKEN_BUDGET,
        max_requests: int = DEFAULT_MAX_REQUESTS,
        memory: BudgetMemory | None = None,
    ) -> None:
        """``token_budget`` bounds requests x longest cost of a batch, ``max_requests`` its rows."""
        self.token_budget = token_budget
        self.max_requests = max_requests
        self.memory = memory or BudgetMemory(cache_directory() / "budgets.json")

    def answer(self, model: Model, requests: Sequence[Request], on_batch: OnBatch) -> None:
        """Answer every request; see Executor."""
        ordered = sorted(requests, key=lambda request: request.method)
        for method, group in groupby(ordered, key=lambda request: request.method):
            self._answer_kind(model, method, list(group), on_batch)

    def _answer_kind(
        self, model: Model, method: str, requests: list[Request], on_batch: OnBatch
    ) -> None:
        """Answer requests of one kind, halving the budget when memory runs out."""
        key = f"{model.fingerprint}:{method}"
        budget = self.memory.get(key, self.token_budget)
        left = {request.digest: request for request in requests}
        while left:
            for batch in self._batches(model, list(left.values()), budget):
                try:
                    answers = _answers(model, batch)
                except OutOfMemory:
                    size = len(batch) * max(_cost(model, request) for request in batch)
                    budget = max(_SMALLEST_BUDGET, min(size, budget) // 2)
                    self.memory.put(key, budget)
                    break
                on_batch(answers)
                for request in batch:
                    del left[request.digest]

    def _batches(
        self, model: Model, requests: Sequence[Request], budget: int
    ) -> Iterable[Sequence[Request]]:
        """The model's own batches where it knows better, else the dearest requests first.

        A model that decodes media to make its batches may find one unreadable; then all of them
        are looked at, and those stand alone.
        """
        own = getattr(model, "batches", None)
        try:
            found = own(requests, budget) if own else None
            return list(found) if found is not None else self._by_cost(model, requests, budget)
        except MediaError:
            broken = [request for request in requests if _media_failure(model, request)]
            if not broken:
                raise
            digests = {request.digest for request in broken}
            whole = [request for request in requests if request.digest not in digests]
            return [broken, *(self._batches(model, whole, budget) if whole else ())]

    def _by_cost(
        self, model: Model, requests: Sequence[Request], budget: int
    ) -> Iterator[Sequence[Request]]:
        """Batches whose number times the cost of their dearest stays within the budget."""
        costed = sorted(
            ((_cost(model, request), request) for request in requests),
            key=lambda pair: (-pair[0], pair[1].digest),
        )
        position = 0
        while position < len(costed):
            size = max(1, min(budget // costed[position][0], self.max_requests))
            yield [request for _, request in costed[position : position + size]]
            position += size


def _cost(model: Model, request: Request) -> int:
    """The model's estimate, at least 1; that of unreadable media, which it will never see, is 1."""
    try:
        return max(1, model.cost(request))
    except MediaError:
        return 1


def _answers(model: Model, batch: Sequence[Request]) -> dict[str, Answer]:
    """The answers of a batch by digest; requests with unreadable media never reach the model.

    Raises:
        OutOfMemory: The batch has several requests and does not fit.
    """
    found: dict[str, Answer] = {}
    for request in batch:
        if (failure := _media_failure(model, request)) is not None:
            found[request.digest] = failure
    readable = [request for request in batch if request.digest not in found]
    if readable:
        started = time.perf_counter()
        answers = _answer_isolating(model, readable)
        seconds = time.perf_counter() - started
        if any(isinstance(answer, Transcript) for answer in answers):
            costs = [_cost(model, request) for request in readable]
            answers = _timed(answers, costs, seconds)
        digests = (request.digest for request in readable)
        found |= zip(digests, answers, strict=True)
    return found


def _media_failure(model: Model, request: Request) -> Failure | None:
    """The reason why a model cannot take an image or clip of a request, or it cannot be decoded.

    A model that passed over a part which it does not know would answer another question.
    """
    senses = model.info.modalities if request.method in MIXED else frozenset()
    for part in request.parts:
        if not isinstance(part, Image | Audio):
            continue
        name = "image" if isinstance(part, Image) else "audio"
        if senses and name not in senses:
            return Failure("unsupported part", f"{model.info.name} takes no {name}")
        try:
            if isinstance(part, Image):
                part.load()
            else:
                part.load(model.info.sample_rate_hz)
        except MediaError as error:
            return Failure("unreadable media", str(error))
    return None


def _answer_isolating(model: Model, batch: Sequence[Request]) -> list[Answer]:
    """Answer a batch; on an error, halve it until the request at fault stands alone.

    Raises:
        OutOfMemory: The batch has several requests and does not fit.
        DeviceLostError: The GPU answers nothing more.
    """
    try:
        return list(answer_batch(model, batch))
    except Exception as error:
        if is_device_lost(error):
            what = f"{batch[0].method} of {model.info.name}"
            raise DeviceLostError.during(what, error) from error
        if is_out_of_memory(error):
            if len(batch) > 1:
                raise OutOfMemory(str(error)) from error
            return [Failure("out of memory", f"a single request does not fit: {error}")]
        if len(batch) == 1:
            return [Failure(type(error).__name__, str(error))]
        middle = len(batch) // 2
        return [
            *_answer_isolating(model, batch[:middle]),
            *_answer_isolating(model, batch[middle:]),
        ]


def _timed(answers: Sequence[Answer], costs: Sequence[int], seconds: float) -> list[Answer]:
    """Transcripts with the time that they took: their share of the batch's, by cost.

    A model that timed itself (a server that says how long it took) is believed.
    """
    per_unit = seconds / sum(costs)
    return [
        replace(answer, seconds=per_unit * cost)
        if isinstance(answer, Transcript) and answer.seconds is None
        else answer
        for answer, cost in zip(answers, costs, strict=True)
    ]


class BudgetMemory:
    """Token budgets that were found to fit, by model fingerprint and kind of request."""

    def __init__(self, path: Path) -> None:
        """Read what earlier runs found; an unreadable file counts as empty."""
        self.path = path
        self._budgets: dict[str, int] = {}
        try:
            self._budgets = {k: int(v) for k, v in json.loads(path.read_text()).items()}
        except (OSError, ValueError, AttributeError):
            self._budgets = {}

    def get(self, key: str, default: int) -> int:
        """The remembered budget, never above the default."""
        return min(self._budgets.get(key, default), default)

    def put(self, key: str, budget: int) -> None:
        """Remember a budget; a cache that cannot be written is no reason to stop."""
        self._budgets[key] = budget
        try:
            write_json(self.path, self._budgets)
        except StoreError:
            return


def unique(requests: Iterable[Request]) -> Iterator[Request]:
    """Each distinct request once, in order of first appearance."""
    seen: set[str] = set()
    for request in requests:
        if request.digest not in seen:
            seen.add(request.digest)
            yield request
