"""Templates over the fields of a sample: Jinja in a sandbox, where a missing field is an error."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from evalsuite.errors import DataError
from evalsuite.source import Sample

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    # Text for a model, not for a browser: nothing is escaped.
    return ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )


@lru_cache(maxsize=256)
def _compiled(text: str) -> Template:
    # Compiling takes as long as filling a thousand times, and a probe fills one for every sample.
    return _environment().from_string(text)


def check(text: str, option: str) -> None:
    """Raise ValueError where a template is not Jinja; for use in ``__post_init__``."""
    try:
        _compiled(text)
    except TemplateSyntaxError as error:
        raise ValueError(
            f"{option} is not a Jinja template: {error.message} in line {error.lineno} of {text!r}"
        ) from error


def render(text: str, fields: Mapping[str, Any]) -> str:
    """The template with a sample's fields; ``letters`` are A, B, C, ...

    Raises:
        DataError: The template names a field that the sample lacks, or fails on its value.
    """
    try:
        return _compiled(text).render({"letters": LETTERS, **fields})
    except UndefinedError as error:
        known = ", ".join(sorted(fields)) or "(none)"
        raise DataError(
            f"the template {text!r} cannot be filled: {error.message}; the fields are {known}"
        ) from error
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise DataError(f"the template {text!r} cannot be filled: {error}") from error


def texts(value: str, sample: Sample) -> list[str]:
    """What an option that is a field's name or a template gives: one text, or a field's list.

    A field that holds a list gives all its entries.
    """
    if value in sample.fields:
        found = sample[value]
        entries = found if isinstance(found, list | tuple) else [found]
        return [str(entry) for entry in entries]
    return [render(value, sample.fields)]
