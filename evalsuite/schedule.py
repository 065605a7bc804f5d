"""Requests of all probes of one model -> responses, in rounds.

Every sample of every probe is a generator that asks. All of them are advanced together: what they
ask in a round is one pool, in which equal requests are asked once, known answers come from the
store, and the rest goes to the executor in the cheapest order. So a second probe over the same
data costs almost nothing, and nothing is asked twice.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalsuite.errors import EvalsuiteError, RequestFailed
from evalsuite.executor import Executor, unique
from evalsuite.model import Model
from evalsuite.probe import Question, reply_to, requests_in
from evalsuite.request import Request
from evalsuite.response import Answer, Failure
from evalsuite.response_store import Responses

# How many samples are in flight at once: enough to fill batches, few enough to hold in memory.
WINDOW = 2048
# The kind of failure of a request that a run has no answer to, asked without a model.
NOT_RECORDED = "not recorded"


class Interrupted(Exception):  # noqa: N818  (an event, not an error)
    """The user asked to stop; the batch in flight has been finished and stored."""


@dataclass
class Asking:
    """One generator on its way: a sample's ``ask`` or a job's ``prepare``."""

    key: Any
    generator: Generator[Question, Any, Any]
    question: Question | None = None
    exchange: list[tuple[Request, Answer]] = field(default_factory=list)
    outcome: Any = None
    failure: Failure | None = None

    def start(self) -> bool:
        """Run to the first yield; returns whether something is asked."""
        return self._advance(lambda: next(self.generator))

    def resume(self, answers: Mapping[str, Answer]) -> bool:
        """Hand the answers in and run to the next yield; returns whether more is asked."""
        assert self.question is not None
        replies = [answers[request.digest] for request in requests_in(self.question)]
        self.exchange += zip(requests_in(self.question), replies, strict=True)
        failed = next((reply for reply in replies if isinstance(reply, Failure)), None)
        if failed is not None:
            thrown = RequestFailed(failed)
            return self._advance(lambda: self.generator.throw(thrown))
        reply = reply_to(self.question, replies)  # type: ignore[arg-type]
        return self._advance(lambda: self.generator.send(reply))

    def _advance(self, step: Callable[[], Question]) -> bool:
        try:
            self.question = step()
        except StopIteration as stop:
            self.outcome = stop.value
        except RequestFailed as error:
            self.failure = error.failure
        except EvalsuiteError as error:
            self.failure = Failure("cannot be used", str(error))
        except Exception as error:  # noqa: BLE001  the per-sample boundary: a probe's fault costs one record
            self.failure = Failure(f"probe raised {type(error).__name__}", str(error))
        else:
            return True
        self.question = None
        return False


class Scheduler:
    """Answers askings for one model."""

    def __init__(
        self,
        fingerprint: str,
        responses: Responses,
        *,
        model: Model | None,
        executor: Executor | None,
        should_stop: Callable[[], bool] = lambda: False,
        shared: Responses | None = None,
    ) -> None:
        """Without a model, only stored answers are given; others become failures.

        ``shared`` is a cache of answers over all runs; what it knows is copied into the run.
        """
        self.fingerprint = fingerprint
        self.responses = responses
        self.model = model
        self.executor = executor
        self.should_stop = should_stop
        self.shared = shared
        self.n_asked = 0
        self.n_answered_by_model = 0
        self.n_from_store = 0

    def run(self, askings: Iterable[Asking], finished: Callable[[Asking], None]) -> None:
        """Advance all askings in rounds; ``finished`` gets each one as soon as it has ended.

        Raises:
            Interrupted: After the batch in flight when ``should_stop`` says so.
        """
        waiting = iter(askings)
        active: list[Asking] = []
        while True:
            while len(active) < WINDOW and (asking := next(waiting, None)) is not None:
                if asking.start():
                    active.append(asking)
                else:
                    finished(asking)
            if not active:
                return
            active = self._round(active, finished)

    def _round(self, active: list[Asking], finished: Callable[[Asking], None]) -> list[Asking]:
        """Answer what all askings ask; returns those that ask on, in order."""
        answers: dict[str, Answer] = {}
        waiters: dict[str, list[int]] = {}
        missing: list[int] = []
        for index, asking in enumerate(active):
            digests = {request.digest for request in requests_in(asking.question or ())}
            missing.append(len(digests))
            for digest in digests:
                waiters.setdefault(digest, []).append(index)
        asks_on = [False] * len(active)

        def arrived(new: Mapping[str, Answer]) -> None:
            """Advance every asking whose last missing answer this is."""
            answers.update(new)
            for digest in new:
                for index in waiters[digest]:
                    missing[index] -= 1
                    if missing[index] == 0:
                        asks_on[index] = self._advance(active[index], answers, finished)

        for index, count in enumerate(missing):
            if count == 0:  # an empty tuple was yielded
                asks_on[index] = self._advance(active[index], answers, finished)
        self._answer(
            list(unique(r for a in active for r in requests_in(a.question or ()))), arrived
        )
        return [asking for index, asking in enumerate(active) if asks_on[index]]

    @staticmethod
    def _advance(
        asking: Asking, answers: Mapping[str, Answer], finished: Callable[[Asking], None]
    ) -> bool:
        if asking.resume(answers):
            return True
        finished(asking)
        return False

    def _answer(
        self, requests: Sequence[Request], arrived: Callable[[Mapping[str, Answer]], None]
    ) -> None:
        """Hand over an answer to every request: stored, cached, or asked now and stored."""
        digests = [request.digest for request in requests]
        self.n_asked += len(requests)
        known = self.responses.get_many(self.fingerprint, digests, with_failures=self.model is None)
        known |= self._from_shared(digest for digest in digests if digest not in known)
        self.n_from_store += len(known)
        lacking = [request for request in requests if request.digest not in known]
        arrived(known)
        if not lacking:
            return
        if self.model is None or self.executor is None:
            nothing = Failure(NOT_RECORDED, "the run holds no answer to this request")
            arrived({request.digest: nothing for request in lacking})
            return

        def on_batch(batch: Mapping[str, Answer]) -> None:
            self.responses.put_many(self.fingerprint, batch)
            if self.shared is not None:
                good = {d: a for d, a in batch.items() if not isinstance(a, Failure)}
                self.shared.put_many(self.fingerprint, good)
            self.n_answered_by_model += len(batch)
            arrived(batch)
            if self.should_stop():
                raise Interrupted

        self.executor.answer(self.model, lacking, on_batch)

    def _from_shared(self, digests: Iterable[str]) -> dict[str, Answer]:
        if self.shared is None:
            return {}
        found = self.shared.get_many(self.fingerprint, digests, with_failures=False)
        if found:
            self.responses.put_many(self.fingerprint, found)
        return found
