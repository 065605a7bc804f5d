"""The page of runs that may still go on, made anew as they do, and a server for it.

The server answers this machine only, and knows two addresses: the page, and how the runs go.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from evalsuite.errors import UsageError
from evalsuite.report import Budget, render
from evalsuite.report.wording import plain_utf8
from evalsuite.so_far import open_so_far, progress
from evalsuite.store import Run

HOST = "127.0.0.1"
# How often the run directories are looked at; a page that takes long to make is made less often.
LOOK_EVERY_SECONDS = 2.0
_SHARE_OF_TIME = 1 / 3
_WATCHED = (
    "plan.json",
    "estimates.json",
    "manifest.json",
    "responses.sqlite-wal",
    "responses.sqlite",
)


@dataclass(frozen=True)
class Shown:
    """The page of one moment; ``state`` names what was on disk then."""

    state: str
    page: bytes
    is_over: bool


def make_page(paths: Sequence[Path], budget: Budget | None = None) -> bytes:
    """The page of run directories, finished or not; raises StoreError for one that is none."""
    return _rendered([open_so_far(path) for path in paths], budget)


def _rendered(runs: Sequence[Run], budget: Budget | None, live: str = "") -> bytes:
    # Models are asked one after another, so that what two have been shown differs for a while.
    is_going_on = not all(progress(run).is_over for run in runs)
    return plain_utf8(render(runs, budget, allow_different_data=is_going_on, live=live))


def state_of(paths: Sequence[Path]) -> str:
    """A name of what is on disk now, another one once any of it has changed."""
    found = []
    for path in (path / name for path in paths for name in _WATCHED):
        try:
            status = path.stat()
            found.append((str(path), status.st_mtime_ns, status.st_size))
        except FileNotFoundError:
            found.append((str(path), 0, 0))
    return hashlib.sha256(repr(found).encode()).hexdigest()[:16]


class LivePage:
    """The newest page of run directories."""

    def __init__(self, paths: Sequence[Path], budget: Budget | None = None) -> None:
        """Make the first page; raises StoreError when one is no run directory."""
        self.paths = tuple(paths)
        self.budget = budget
        self._stop = threading.Event()
        self.shown = self._make()

    def refresh(self) -> bool:
        """Make the page anew where anything has changed; returns whether it was."""
        if state_of(self.paths) == self.shown.state:
            return False
        self.shown = self._make()
        return True

    @property
    def text(self) -> str:
        """How far the runs are now, in a sentence; the page may be a moment behind."""
        found = [progress(Run.open(path)) for path in self.paths]
        n_done, n_jobs = sum(p.n_done for p in found), sum(p.n_jobs for p in found)
        is_over = all(p.is_over for p in found)
        rest = "The run is over." if is_over else "The rest is shown as far as its answers go."
        return f"{n_done:,} of {n_jobs:,} measurements are finished. {rest}"

    def keep_fresh(self) -> None:
        """Refresh until stopped, at most a third of the time."""
        wait = LOOK_EVERY_SECONDS
        while not self._stop.wait(wait):
            started = time.monotonic()
            try:
                self.refresh()
            except Exception:  # noqa: BLE001  a file in the midst of being replaced; the next look finds it whole
                continue
            taken = time.monotonic() - started
            wait = max(LOOK_EVERY_SECONDS, taken * (1 - _SHARE_OF_TIME) / _SHARE_OF_TIME)

    def stop(self) -> None:
        """End ``keep_fresh``."""
        self._stop.set()

    def _make(self) -> Shown:
        state = state_of(self.paths)
        runs = [open_so_far(path) for path in self.paths]
        is_over = all(progress(run).is_over for run in runs)
        return Shown(state, _rendered(runs, self.budget, state), is_over)


def make_server(live: LivePage, port: int = 0) -> ThreadingHTTPServer:
    """A server of this machine's own for a page; its port is free where none is named.

    Raises:
        UsageError: The port is taken or not allowed.
    """
    try:
        return ThreadingHTTPServer((HOST, port), partial(_Handler, live))
    except OSError as error:
        raise UsageError(
            f"Port {port} of {HOST} cannot be used: {error.strerror or error}. Name another with "
            "`--port`, or none: a free one is then taken."
        ) from error


class _Handler(BaseHTTPRequestHandler):
    """Answers with the page and its state, whoever asks from this machine by its own name."""

    server_version = "evalsuite"
    sys_version = ""

    def __init__(self, live: LivePage, request: Any, client: Any, server: HTTPServer) -> None:
        self._live, self._port = live, server.server_port
        super().__init__(request, client, server)

    def do_GET(self) -> None:
        """Send the page, or its state."""
        shown = self._live.shown
        if not self._is_meant_for_us():
            self._send(HTTPStatus.FORBIDDEN, "text/plain", b"Ask by the address that was printed.")
        elif self.path == "/":
            self._send(HTTPStatus.OK, "text/html", shown.page)
        elif self.path == "/state.json":
            told = {"page": shown.state, "text": self._live.text, "over": shown.is_over}
            self._send(HTTPStatus.OK, "application/json", json.dumps(told).encode())
        elif self.path == "/favicon.ico":
            self._send(HTTPStatus.NO_CONTENT, "image/x-icon", b"")
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"There is only the page at /.")

    def do_HEAD(self) -> None:
        """Send the head of the same."""
        self.do_GET()

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  the base class's name
        """Say nothing of each request."""

    def _is_meant_for_us(self) -> bool:
        """Whether no other site's name leads here, by which its scripts could read the page."""
        port = self._port
        return self.headers.get("Host") in {f"{name}:{port}" for name in (HOST, "localhost")}

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Content-Security-Policy", "frame-ancestors 'none'")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        if self.command != "HEAD" and status is not HTTPStatus.NO_CONTENT:
            with suppress(ConnectionError):  # the reader has gone
                self.wfile.write(body)
