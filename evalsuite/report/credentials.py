"""Commands and suite files as a page may show them: without the keys that they may hold."""

from __future__ import annotations

import re

HIDDEN = "***"

# What follows `token=`, `--api-key`, `password:` and the like. Names of variables that hold a key
# (`key_env: OPENAI_API_KEY`) and counts (`max_tokens: 5`) are no keys.
_NAMED = re.compile(
    r"(?i)(?P<name>(?<![\w-])[\w-]*(?:api[-_]?key|access[-_]?key|token|password|passwd|secret))"
    r"(?P<between>[\"']?\s*[=:]\s*|(?<=[\w])\s+(?=[^\s-]))(?P<value>\"[^\"]*\"|'[^']*'|[^\s,;}\]]+)"
)
_BEARER = re.compile(r"(?i)(?P<name>bearer)\s+[\w.~+/=-]{8,}")
_IN_ADDRESS = re.compile(r"(?P<scheme>[a-z][\w+.-]*://)[^\s/@]+@")
# The forms of keys that well-known services hand out.
_KNOWN = re.compile(
    r"\b(?:sk-[\w-]{16,}|hf_\w{16,}|gh[pousr]_\w{16,}|github_pat_\w{16,}|xox[abprs]-[\w-]{10,}"
    r"|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+)"
)


def without_credentials(text: str) -> str:
    """The text with ``***`` in the place of keys, tokens and passwords.

    Found by the name before them, by the form that a service gives them, or before an address's
    ``@``. A secret with neither cannot be found.
    """
    text = _IN_ADDRESS.sub(rf"\g<scheme>{HIDDEN}@", text)
    text = _BEARER.sub(rf"\g<name> {HIDDEN}", text)
    text = _NAMED.sub(_hide, text)
    return _KNOWN.sub(HIDDEN, text)


def _hide(found: re.Match[str]) -> str:
    name, between = found["name"], found["between"]
    # A word of prose, as in `secret sharer`: only an option is followed by its value so.
    if between.isspace() and not name.startswith("-"):
        return found[0]
    return f"{name}{between}{HIDDEN}"
