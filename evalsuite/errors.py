"""Everything evalsuite can tell a user went wrong, each with the exit code it ends a command with.

    EvalsuiteError                 one clear paragraph: what, where, what is legal, what to do next
      UsageError            2      a wrong option, name, or value
        SuiteError          2      a suite file that cannot be read as one (file:line:column)
        UnknownNameError    2      no model, probe, metric or source of that name (did you mean ...)
        DataError           2      a data file that is missing or cannot be read
        ModelError          2      a model that cannot be found, or whose weights are incomplete
        StoreError          2      a run directory that cannot be written or read
      PluginError           4      a plugin that is broken, missing, or built for another version
      DeviceLostError       3      a GPU that answers nothing more until the process ends
      NothingSelectedError  5      the filters left nothing to run

    Not for users to see, but for the harness to turn into records:

    MediaError                     one image or clip that cannot be decoded
    OutOfMemory                    a batch was too large; the scheduler halves it and goes on
    RequestFailed                  thrown into a probe where a request could not be answered

Anything that is not an EvalsuiteError is a bug and ends with exit code 70.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalsuite.response import Failure


class ExitCode(IntEnum):
    """What a command's exit status means; documented in the README and stable."""

    OK = 0
    GATE_FAILED = 1
    USAGE = 2
    INCOMPLETE = 3
    PLUGIN = 4
    NOTHING_SELECTED = 5
    BUG = 70
    INTERRUPTED = 130


def plural(kind: str) -> str:
    """The word by which ``evalsuite list`` knows things of a kind."""
    return f"{kind.removesuffix('y')}ies" if kind.endswith("y") else f"{kind}s"


class EvalsuiteError(Exception):
    """Base of every error that is the user's to mend; its text is one paragraph."""

    exit_code: ExitCode = ExitCode.USAGE


class UsageError(EvalsuiteError):
    """A wrong option, name or value on the command line or in a call."""


class SuiteError(UsageError):
    """A suite file that does not describe a suite; the text starts with file:line:column."""


class UnknownNameError(UsageError):
    """Nothing is registered under the requested name."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str]) -> UnknownNameError:
        """Build the error with the closest known names as suggestions."""
        known = sorted(known)
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(repr(c) for c in close)}? " if close else ""
        return cls(
            f"There is no {kind} named {name!r}. {hint}"
            f"`evalsuite list {plural(kind)}` shows the {len(known)} that are installed."
        )


class DataError(UsageError):
    """A data file that is missing, unreadable, or lacks a required column."""


class ModelError(UsageError):
    """A model that cannot be found, described or loaded completely."""


class StoreError(UsageError):
    """A run directory that cannot be written, or is not one."""


class PluginError(EvalsuiteError):
    """Something requested belongs to a plugin that could not be loaded."""

    exit_code = ExitCode.PLUGIN


class DeviceLostError(EvalsuiteError):
    """After such an error a GPU refuses all further work of its process, so the run ends."""

    exit_code = ExitCode.INCOMPLETE

    @classmethod
    def during(cls, what: str, error: BaseException) -> DeviceLostError:
        """Say what was being done, and how to go on and find the cause."""
        first_line = str(error).strip().splitlines()[0]
        return cls(
            f"The GPU gave up during {what} ({first_line}) and answers nothing more to this "
            "process. Every answer before that is kept. With `--device cpu`, or "
            "CUDA_LAUNCH_BLOCKING=1 in the environment, the error names its cause."
        )


class NothingSelectedError(EvalsuiteError):
    """The suite and its filters leave no job to run."""

    exit_code = ExitCode.NOTHING_SELECTED


class MediaError(Exception):
    """One image or clip that cannot be decoded; becomes a Failure of the requests using it."""


class OutOfMemory(Exception):  # noqa: N818  (named for the event, as torch does)
    """A batch did not fit; the scheduler halves its budget and asks again."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that the batch was too large, on any device."""
    if isinstance(error, MemoryError | OutOfMemory) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text
    )


# What CUDA calls errors after which the context is void, by their texts: see cudaError_t in the
# runtime's documentation ("the process must be terminated and relaunched").
_FATAL = (
    "device-side assert",
    "illegal memory access",
    "illegal address",
    "illegal instruction",
    "invalid program counter",
    "misaligned address",
    "unspecified launch failure",
    "hardware stack error",
    "uncorrectable ecc error",
    "uncorrectable nvlink error",
    "gpu is lost",
)


def is_device_lost(error: BaseException) -> bool:
    """Whether an exception, or what it was raised from, says that the GPU does nothing more."""
    text = str(error).lower()
    if isinstance(error, RuntimeError) and any(fatal in text for fatal in _FATAL):
        return True
    return error.__cause__ is not None and is_device_lost(error.__cause__)


class RequestFailed(Exception):  # noqa: N818  (an event that a probe may catch, not a user error)
    """Raised inside ``Probe.ask`` at the yield whose request could not be answered."""

    def __init__(self, failure: Failure) -> None:
        """Keep the failure so that a probe which catches this can read the reason."""
        super().__init__(f"{failure.kind}: {failure.message}")
        self.failure = failure
