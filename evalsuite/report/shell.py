"""What every page that we write shares: how texts are escaped, style, script and policy."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from evalsuite.report.wording import visible

_PACKAGE = "evalsuite.report"


def environment(*packages: str) -> Environment:
    """Templates of these packages and of the report; what they print is escaped and visible."""
    return Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in (*packages, _PACKAGE)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=visible,
    )


def assets(names: Sequence[str], package: str = _PACKAGE) -> str:
    """Several files as the one style or script that the page's policy lets apply."""
    folder = files(package) / "assets"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def policy(style: str, script: str, *, may_ask_its_server: bool = False) -> str:
    """Nothing may load; exactly one style and one script, both by their hash, may apply."""

    def hash_of(text: str) -> str:
        digest = hashlib.sha256(text.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"

    served = "connect-src 'self'; " if may_ask_its_server else ""
    return (
        "default-src 'none'; img-src data:; media-src data:; base-uri 'none'; form-action 'none'; "
        f"{served}style-src {hash_of(style)}; script-src {hash_of(script)}"
    )
