"""What a transcriber was asked for beyond plain words, and whether it can do that.

A language, a translation or word times that a model cannot give is a failure: an answer to another
question would look like an answer to this one.
"""

from __future__ import annotations

from evalsuite import Failure, Transcribe


def refusal(request: Transcribe, writes: str | None) -> Failure | None:
    """Why a request is not for a model of one language, or None.

    Args:
        request: What is asked.
        writes: The language that the model writes, or None where nobody said which.
    """
    if request.task == "translate":
        return Failure("no translation", "this model writes the language that is spoken")
    asked = request.language
    # A model of one language that nobody named can only write that one; the error rate tells.
    if not asked or not writes:
        return None
    if not is_same_language(asked, writes):
        return Failure("other language", f"this model writes {writes!r} ({asked!r} was asked for)")
    return None


def is_same_language(one: str, other: str) -> bool:
    """Whether two codes name the same language; regions and scripts do not count."""
    return primary(one) == primary(other)


def primary(code: str) -> str:
    """The language of a code without region and script: ``en`` of ``en-GB``."""
    return code.lower().replace("_", "-").partition("-")[0]
