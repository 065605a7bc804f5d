"""Where things stand that a suite names: paths beside it, and the place of a mistake in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalsuite.errors import EvalsuiteError
from evalsuite.suite import SourceSpec, SuiteFile
from evalsuite.variant_settings import is_path


def with_resolved_paths(factory: Any, spec: SourceSpec, folder: Path) -> dict[str, Any]:
    """The source's options, paths relative to the suite made absolute.

    A factory whose ``path`` may be a name on a hub says so by ``path_may_be_a_name``.
    """
    options = dict(spec.model_extra or {})
    for key, value in options.items():
        if is_path(key, value):
            path = _resolve(folder, value)
            if path.exists() or not getattr(factory, "path_may_be_a_name", False):
                options[key] = str(path)
    return options


def resolved(options: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Options with the paths among them made absolute."""
    return {
        key: str(_resolve(folder, value)) if is_path(key, value) and value else value
        for key, value in options.items()
    }


def _resolve(folder: Path, value: str) -> Path:
    path = Path(value).expanduser()
    return path if path.is_absolute() else (folder / path).resolve()


class located:  # noqa: N801  (reads as a word: with located(...))
    """Put file:line:column before the message of any user error raised inside."""

    def __init__(self, suite_file: SuiteFile, *location: str | int) -> None:
        self._where = suite_file.where(*location) if suite_file.path else ""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, EvalsuiteError) and self._where and self._where not in str(error):
            error.args = (f"{self._where}: {error}",)
