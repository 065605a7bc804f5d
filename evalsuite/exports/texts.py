"""Hostile text in other formats: what a model, a person or a plugin wrote stays words.

Model names, labels, reasons and answers may hold markup, formulas, control characters or halves of
surrogate pairs. Each function writes any text so that its format shows it and obeys none of it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from evalsuite.documents import finite
from evalsuite.foreign_text import written_out

# Inside JSON these are legal and yet break readers: lines end at some, others hide or turn text.
_FRAGILE = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Unicode has no characters there, and XML refuses them.
_NO_CHARACTERS = re.compile("[\ufffe\uffff]")
_BACKTICKS = re.compile("`+")
_BREAKS = re.compile(r"[\r\n\t\v\f\x85\u2028\u2029]+")

_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>()#+!|~@:&$^]")

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    # After the end of a table's row these would be options of it.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
}


def one_line(text: str) -> str:
    """A text on one line, with control and direction characters and lone surrogates written out.

    A lone surrogate reads ``⟨U+DC80⟩``; breaks and tabs become a space.
    """
    known = _NO_CHARACTERS.sub(lambda m: f"\u27e8U+{ord(m[0]):04X}\u27e9", text)
    return written_out(_BREAKS.sub(" ", known))


def xml_text(text: str) -> str:
    """A text of characters that XML 1.0 allows, line feeds kept; the serializer escapes markup."""
    return "\n".join(one_line(line) for line in text.split("\n"))


def json_line(document: Any) -> bytes:
    """A document as one line of JSON Lines, in UTF-8; NaN is null, fragile characters escaped."""
    text = json.dumps(finite(document), ensure_ascii=False, allow_nan=False)
    return (_FRAGILE.sub(lambda m: f"\\u{ord(m[0]):04x}", text) + "\n").encode()


def latex_text(text: str) -> str:
    """A text within a cell of a LaTeX table."""
    plain = one_line(text).replace("\u27e8", "<").replace("\u27e9", ">")
    written = "".join(_LATEX.get(character, character) for character in plain)
    return re.sub("-(?=-)", "-{}", written)  # two would become a dash


def markdown_text(text: str) -> str:
    """A text within a Markdown paragraph, list or cell: no markup, link or HTML comes of it."""
    return _MARKDOWN.sub(r"\\\g<0>", one_line(text)).replace("www.", "www\\.")


def code_span(text: str, longest: int = 300) -> str:
    """A text as Markdown code, also within a table: no markup, link, mention or reference.

    The fence is longer than any run of backticks inside. A vertical bar, which would end a table's
    cell, gets a backslash; where a backslash stands before it, a space keeps the two apart. What is
    longer than ``longest`` characters is cut, for sites refuse comments that are too long.
    """
    plain = one_line(text)
    plain = plain if len(plain) <= longest else f"{plain[: longest - 1]}…"
    if not plain.strip():
        return ""
    plain = plain.replace("\\|", "\\ |").replace("|", "\\|")
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(plain)), default=0) + 1)
    pad = " " if plain[0] in "` " or plain[-1] in "` " else ""
    return f"{fence}{pad}{plain}{pad}{fence}"
