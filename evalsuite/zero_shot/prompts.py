"""The texts that name classes: templates for all of them, or prompts of each class's own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsuite.errors import DataError


def fill(template: str, name: str) -> str:
    """Put a class name into a template; ``{}`` and ``{c}`` both mark the place."""
    return template.replace("{c}", "{}").replace("{}", name.replace("_", " "))


@dataclass(frozen=True)
class ClassPrompts:
    """For each class its prompts; ``is_templated`` where they come from the same templates."""

    names: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]
    is_templated: bool

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        templates: Sequence[str],
        own: Mapping[str, Sequence[str]],
    ) -> ClassPrompts:
        """Templates for every class, or each class's own prompts.

        Raises:
            DataError: A class has no prompt, or there are prompts for a class that is none.
        """
        if not own:
            texts = tuple(tuple(fill(t, name) for t in templates) for name in names)
            return cls(tuple(names), texts, is_templated=True)
        lacking = [name for name in names if not own.get(name)]
        unknown = sorted(set(own) - set(names))
        if lacking or unknown:
            told = f"no prompt for the class {lacking[0]!r}" if lacking else ""
            told = told or f"prompts for {unknown[0]!r}, which is no class"
            known = ", ".join(names)
            raise DataError(f"The classes' own prompts: {told}; the classes are {known}.")
        texts = tuple(tuple(fill(p, name) for p in own[name]) for name in names)
        return cls(tuple(names), texts, is_templated=False)


def read_lines(path: str) -> tuple[str, ...]:
    """The lines of a text file that are not empty: names of classes, or templates.

    Raises:
        DataError: It is missing, no text, or empty.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: {error}.") from error
    found = tuple(line.strip() for line in lines if line.strip())
    if not found:
        raise DataError(f"{path}:1:1: expected one class or template a line; it is empty.")
    return found


def read_prompts(path: str) -> dict[str, tuple[str, ...]]:
    """A JSON file {class: [prompt, ...]}, as sets of descriptions are published.

    Raises:
        DataError: It is missing, no JSON, or of another shape.
    """
    try:
        found: Any = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
        raise DataError(f"{path}:{line}:{column}: not JSON: {error}.") from error
    is_right = isinstance(found, dict) and all(
        isinstance(texts, list) and texts and all(isinstance(t, str) for t in texts)
        for texts in found.values()
    )
    if not is_right:
        raise DataError(f"{path}:1:1: prompts are a JSON object from class to a list of texts.")
    return {name: tuple(texts) for name, texts in found.items()}
