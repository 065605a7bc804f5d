"""Building a plugin's object from the options in a suite file, with errors a person can act on."""

from __future__ import annotations

import difflib
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from evalsuite.errors import UsageError

# A section lasts while lines are indented; an entry goes on where they are indented further.
_SECTION = re.compile(r"^(?:Args|Attributes):\n((?: {4}.*(?:\n|\Z))+)", re.MULTILINE)
_ENTRY = re.compile(r"^ {4}(\w+(?:, \w+)*): (.*(?:\n {5,}.*)*)", re.MULTILINE)


def option_names(factory: Any) -> dict[str, Any]:
    """The options of a factory with their defaults (``inspect.Parameter.empty`` when required)."""
    parameters = inspect.signature(factory).parameters.values()
    return {
        p.name: p.default for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }


def option_meanings(factory: Any) -> dict[str, str]:
    """What docstrings say of options: a class's own, then those of the classes that it extends."""
    found: dict[str, str] = {}
    for owner in inspect.getmro(factory) if inspect.isclass(factory) else (factory,):
        for name, meaning in _described(inspect.cleandoc(owner.__doc__ or "")):
            found.setdefault(name, meaning)
    return found


def _described(docstring: str) -> Iterator[tuple[str, str]]:
    """Names with what is said of them in the sections of a docstring."""
    for section in _SECTION.findall(docstring):
        for names, meaning in _ENTRY.findall(section):
            for name in names.split(", "):
                yield name, " ".join(meaning.split())


def build(factory: Any, options: Mapping[str, Any], what: str) -> Any:
    """Call a factory with validated options; ``what`` names the thing in messages.

    Values of a dataclass's fields are converted to their declared types (a YAML list becomes a
    tuple). Raises UsageError for unknown, missing and ill-typed options.
    """
    known = option_names(factory)
    for name in options:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            legal = ", ".join(known) or "none"
            raise UsageError(f"{what} has no option {name!r}; its options are: {legal}.{hint}")
    missing = [n for n, d in known.items() if d is inspect.Parameter.empty and n not in options]
    if missing:
        raise UsageError(f"{what} needs the option {', '.join(map(repr, missing))}.")
    types = _field_types(factory) if is_dataclass(factory) else {}
    values = {
        name: _convert(value, types[name], name, what) if name in types else value
        for name, value in options.items()
    }
    try:
        return factory(**values)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what} refuses its options: {error}.") from error


def _convert(value: Any, expected: Any, name: str, what: str) -> Any:
    try:
        return TypeAdapter(
            expected, config=ConfigDict(arbitrary_types_allowed=True)
        ).validate_python(value)
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise UsageError(f"{what}: option {name!r}: {problem} (got {value!r}).") from error
    except PydanticUserError:  # the type brings a configuration of its own
        return TypeAdapter(expected).validate_python(value)


def _field_types(cls: Any) -> dict[str, Any]:
    """Declared types of a dataclass's fields, evaluated where each was written.

    typing.get_type_hints would also evaluate class variables, whose types are often imported for
    the type checker only.
    """
    types: dict[str, Any] = {}
    for item in fields(cls):
        owner = next(c for c in cls.__mro__ if item.name in inspect.get_annotations(c))
        declared = item.type
        if isinstance(declared, str):
            declared = eval(declared, vars(sys.modules[owner.__module__]))  # the author's own text
        types[item.name] = declared
    return types
