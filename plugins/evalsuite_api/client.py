"""Sending requests: several at once, again after faults that pass, within rate and cost."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import requests

from evalsuite import Failure
from evalsuite_api.options import Options

Answer = TypeVar("Answer")
# Longer than this nobody waits for one request, whatever a server asks for.
LONGEST_WAIT_S = 120.0
UNREACHABLE = frozenset({"connection dropped", "timeout"})


@dataclass(frozen=True)
class Usage:
    """What was asked and what it cost, in the currency of the prices."""

    requests: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0


class Refused(Exception):  # noqa: N818  (an answer, though not the one hoped for)
    """The server's last word on a request, as a Failure."""

    def __init__(self, failure: Failure) -> None:
        """Keep the failure."""
        super().__init__(failure.message)
        self.failure = failure


class Client:
    """Sends JSON (or files) to one server.

    Attributes:
        usage: Totals so far.
    """

    def __init__(self, options: Options, sleep: Callable[[float], None] = time.sleep) -> None:
        """Open a session; ``sleep`` can be replaced in tests."""
        self.options = options
        self.usage = Usage()
        self._sleep = sleep
        self._session = requests.Session()
        self._lock = threading.Lock()
        self._allowed = threading.BoundedSemaphore(options.concurrency)
        self._held = 0
        # Once a request has been retried in vain, the others are tried once each until one is
        # answered: a dead server costs a minute, not a minute for every request.
        self._is_down = False
        self._next_start = 0.0
        self._jitter = random.Random(0)

    def all(self, jobs: Sequence[Callable[[], Answer]]) -> list[Answer | Failure]:
        """Run jobs, each of which sends one request, at once; answers in order."""

        def run(job: Callable[[], Answer]) -> Answer | Failure:
            try:
                return job()
            except Refused as refused:
                return refused.failure

        with ThreadPoolExecutor(max_workers=self.options.concurrency) as pool:
            return list(pool.map(run, jobs))

    def post(self, path: str, body: Mapping[str, Any], files: Any = None) -> dict[str, Any]:
        """The answer to one request; raises Refused when there is none to be had."""
        self._refuse_when_spent()
        wait = 1.0
        most = 0 if self._is_down else self.options.max_retries
        for attempt in range(most + 1):
            self._keep_rate()
            with self._allowed:
                failure, pause, answer = self._once(path, body, files)
            if answer is not None:
                self._is_down = False
                self._count(answer, attempt)
                return answer
            assert failure is not None
            if pause is None or attempt == most:
                self._is_down = self._is_down or failure.kind in UNREACHABLE
                self._count({}, attempt)
                raise Refused(failure)
            if failure.kind == "rate limited":
                self._hold_one()
            self._sleep(min(max(pause, wait * (1 + self._jitter.random())), LONGEST_WAIT_S))
            wait *= 2
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _once(
        self, path: str, body: Mapping[str, Any], files: Any
    ) -> tuple[Failure | None, float | None, dict[str, Any] | None]:
        """(failure, seconds to wait before trying again or None, answer)."""
        key = os.environ.get(self.options.key_env, "")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        content: dict[str, Any] = {"data": body, "files": files} if files else {"json": body}
        try:
            reply = self._session.post(
                f"{self.options.address}/{path}",
                headers=headers,
                timeout=self.options.timeout_s,
                **content,
            )
        except requests.Timeout:
            told = f"no answer within {self.options.timeout_s:g} s"
            return Failure("timeout", told), 0.0, None
        except requests.RequestException as error:
            # The exception's own text can hold the address with its password.
            told = f"{type(error).__name__} while talking to {self.options.public_address}"
            return Failure("connection dropped", told), 0.0, None
        return self._judged(reply, path, key)

    def _judged(
        self, reply: requests.Response, path: str, key: str
    ) -> tuple[Failure | None, float | None, dict[str, Any] | None]:
        status = reply.status_code
        said = reply.text[:500].replace(key, "[key]") if key else reply.text[:500]
        where = f"{self.options.public_address}/{path}"
        if status == 200:
            try:
                answer = reply.json()
            except ValueError:
                return Failure("server error", f"{where} sent no JSON: {said}"), 0.0, None
            if isinstance(answer, dict):
                return None, None, answer
            return Failure("server error", f"{where} sent no JSON object: {said}"), 0.0, None
        if status == 429:
            return Failure("rate limited", f"{where}: {said}"), _retry_after(reply), None
        if status >= 500 or status == 408:
            told = f"{where} answered {status}: {said}"
            return Failure("server error", told), _retry_after(reply), None
        if status in (401, 403):
            told = (
                f"{where} answered {status}: the key in {self.options.key_env} is "
                f"{'not accepted' if key else 'not set'}. {said}"
            )
            return Failure("key refused", told), None, None
        return Failure("bad request", f"{where} answered {status}: {said}"), None, None

    def _refuse_when_spent(self) -> None:
        limit = self.options.max_cost
        if limit and self.usage.cost >= limit:
            told = f"{self.usage.cost:.4f} of {limit:g} have been spent; raise max_cost to go on"
            raise Refused(Failure("budget spent", told))

    def _keep_rate(self) -> None:
        if not self.options.requests_per_minute:
            return
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next_start)
            self._next_start = start + 60 / self.options.requests_per_minute
        if start > now:
            self._sleep(start - now)

    def _hold_one(self) -> None:
        """Use half as many connections as now from here on, but at least one."""
        with self._lock:
            free = self.options.concurrency - self._held
            for _ in range(free // 2):
                if self._allowed.acquire(blocking=False):
                    self._held += 1

    def _count(self, answer: Mapping[str, Any], retries: int) -> None:
        told = answer.get("usage") or {}
        n_input = int(told.get("prompt_tokens") or 0)
        n_output = int(told.get("completion_tokens") or 0)
        price = self.options.price_per_million_input * n_input
        price += self.options.price_per_million_output * n_output
        with self._lock:
            self.usage = replace(
                self.usage,
                requests=self.usage.requests + 1,
                retries=self.usage.retries + retries,
                input_tokens=self.usage.input_tokens + n_input,
                output_tokens=self.usage.output_tokens + n_output,
                cost=self.usage.cost + price / 1e6,
            )


def _retry_after(reply: requests.Response) -> float:
    """Seconds that the server asks to wait, 0 where it does not say."""
    try:
        return max(0.0, float(reply.headers.get("Retry-After", 0)))
    except ValueError:
        return 0.0
