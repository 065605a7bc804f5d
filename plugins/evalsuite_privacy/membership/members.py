"""Who is a member, as data files say it."""

from __future__ import annotations

from typing import Any


def is_member(value: Any) -> bool:
    """Read true/false, 1/0 and their texts; raises ValueError for anything else."""
    text = str(value).strip().lower()
    if text in ("true", "1", "1.0", "yes", "member"):
        return True
    if text in ("false", "0", "0.0", "no", "nonmember", "non-member"):
        return False
    raise ValueError(f"member must be true or false (got {value!r})")
