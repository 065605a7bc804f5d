"""Run a program that nobody has read, in a process of its own with as little as it can do.

Always: a fresh interpreter without site packages and without environment, stdin and output
closed, its own session, limits on time, memory, file size, open files and processes, a directory
that is removed, and a kill of everything at the end. Where the system allows (Linux, user
namespaces): no network, no sight of other processes, all files read-only but for a small empty
directory. As root: the user nobody, where that one can run the interpreter; where not, the number
of processes is bounded by the limit of time alone.

Not protected: files that the user may read can be read (though, without network, not sent); the
kernel itself; the test, which shares the program's process, so that a program bent on cheating
can. For code that means harm take a virtual machine.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from evalsuite import UsageError

Ending = Literal["passed", "failed", "timed out", "crashed"]

NOBODY = 65534
_REPORT_BYTES = 4096
_ENTRY = Path(__file__).with_name("sandbox_entry.py")
_FULL = ("unshare", "--map-root-user", "--net", "--ipc", "--mount", "--pid", "--fork")
_LADDER = (
    (*_FULL, "--kill-child", "--mount-proc"),
    (*_FULL, "--kill-child"),
    ("unshare", "--map-root-user", "--net"),
    (),
)


@dataclass(frozen=True)
class Limits:
    """What a program may use; seconds of wall clock and of processor, MiB of address space."""

    timeout_s: float = 5.0
    memory_mib: int = 512
    file_mib: int = 8
    processes: int = 16


@dataclass(frozen=True)
class Outcome:
    """How a program ended; ``detail`` is the exception's name, the signal, or empty."""

    ending: Ending
    detail: str = ""


@dataclass(frozen=True)
class Isolation:
    """What the system lets a sandbox give up, found out once by trying.

    Attributes:
        command: What stands before the interpreter.
        as_nobody: Whether it runs as another user.
        has_no_network: Whether the network is out of reach.
        has_sealed_files: Whether every file but its own directory is read-only.
        without: Limits that the system refuses to set.
    """

    command: tuple[str, ...]
    as_nobody: bool
    has_no_network: bool
    has_sealed_files: bool
    without: tuple[str, ...] = ()

    @property
    def is_root(self) -> bool:
        """Whether programs run with the rights of root over files they can reach."""
        return os.name == "posix" and os.geteuid() == 0 and not self.as_nobody

    def __str__(self) -> str:
        """One clause for records and reports."""
        network = "no network" if self.has_no_network else "NETWORK REACHABLE"
        files = "files read-only" if self.has_sealed_files else "FILES OF THE USER WRITABLE"
        who = ["AS ROOT, whose processes are not counted"] if self.is_root else []
        return ", ".join([network, files, *who, *(f"NO {name}" for name in self.without)])


def run_program(source: str, limits: Limits = Limits()) -> Outcome:
    """Run a program to its end, or to a limit; see the module on what is and is not protected.

    Passed: it ran to its last line. Failed: an exception ended it, a false assertion or another.
    Timed out: it reached the limit of time. Crashed: a signal, the limit of memory, or an exit
    that skipped the rest.

    Raises:
        UsageError: The system has no POSIX processes (Windows).
    """
    return _run(source, limits, isolation())[0]


@cache
def isolation() -> Isolation:
    """The strongest isolation that works here: tried in turn, once for each process.

    Raises:
        UsageError: Not even a plain subprocess with limits works.
    """
    if os.name != "posix":
        raise UsageError("Programs can be run in a sandbox on Linux and macOS only.")
    users = (True, False) if os.geteuid() == 0 else (False,)
    ended = "no isolation was tried"
    for command in _LADDER:
        for as_nobody in users:
            tried = Isolation(command, as_nobody, bool(command), "--mount" in command)
            try:
                outcome, facts = _run("x = 1", Limits(timeout_s=10), tried, is_trial=True)
            except OSError as error:  # no such command, or nobody may not run the interpreter
                ended = str(error)
                continue
            if outcome.ending == "passed":
                sealed, without = bool(facts["files_sealed"]), tuple(facts["without"])
                return Isolation(command, as_nobody, bool(command), sealed, without)
            ended = f"{outcome.ending} {outcome.detail}"
    raise UsageError(f"No program can be run in a sandbox here: {ended}.")


def _run(
    source: str, limits: Limits, chosen: Isolation, is_trial: bool = False
) -> tuple[Outcome, dict[str, Any]]:
    """One run: its outcome, and what the entry reports of itself.

    Unless it is a trial of the isolation, a program is not run where sealing its files fails.
    """
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="evalsuite-sandbox-") as directory:
        program, path = Path(directory) / "program.py", Path(directory) / "settings.json"
        program.write_text(source, encoding="utf-8", errors="surrogatepass")
        reading, writing = os.pipe()
        with open(reading, "rb", buffering=0) as report:
            try:
                settings = _settings(limits, chosen, program, writing)
                settings |= {"token": token, "is_trial": is_trial}
                path.write_text(json.dumps(settings), encoding="utf-8")
                if chosen.as_nobody:
                    for item in (directory, program, path):
                        os.chown(item, NOBODY, NOBODY)
                process = _start(chosen, path, writing)
            finally:
                os.close(writing)
            text = _wait(process, report, limits.timeout_s)
    if text is None:
        return Outcome("timed out"), {}
    facts = _facts(text)
    return _outcome(process.returncode, facts, token), facts


def _settings(limits: Limits, chosen: Isolation, program: Path, report: int) -> dict[str, Any]:
    return {
        "program": str(program),
        "directory": str(program.parent),
        "report": report,
        "seal": chosen.has_sealed_files,
        "cpu_s": int(limits.timeout_s) + 1,
        "memory_bytes": limits.memory_mib * 2**20,
        "file_bytes": limits.file_mib * 2**20,
        "processes": limits.processes,
    }


def _start(chosen: Isolation, settings: Path, report: int) -> subprocess.Popen[bytes]:
    """Start the interpreter outside any virtual environment; raises OSError when it cannot."""
    interpreter = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    entry = _ENTRY.read_text(encoding="utf-8")
    user: dict[str, Any] = {}
    if chosen.as_nobody:
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    return subprocess.Popen(
        [*chosen.command, interpreter, "-I", "-S", "-c", entry, str(settings)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(report,),
        start_new_session=True,
        env={"PATH": os.defpath, "LANG": "C.UTF-8"},
        cwd="/",
        **user,
    )


def _wait(process: subprocess.Popen[bytes], report: io.FileIO, timeout_s: float) -> bytes | None:
    """Wait for the report or the end, then kill what is left; None at the limit of time.

    The group is killed before its leader is waited for, so that its number cannot have gone to
    another process in between.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(report, selectors.EVENT_READ)
        has_ended = bool(selector.select(timeout_s))
    text = report.read(_REPORT_BYTES) if has_ended else None
    with suppress(ProcessLookupError, PermissionError):  # gone; macOS says so of a zombie, too
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return text


def _facts(report: bytes) -> dict[str, Any]:
    """What the entry wrote; nothing where it died, or where the program wrote over it."""
    try:
        found = json.loads(report)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _outcome(status: int, facts: dict[str, Any], token: str) -> Outcome:
    if facts.get("token") == token:
        return Outcome("passed")
    if "error" in facts:
        error = str(facts["error"])
        return Outcome("crashed" if error == "MemoryError" else "failed", error)
    if status < 0:
        return Outcome("crashed", signal.Signals(-status).name)
    return Outcome("crashed", f"exit {status}")
