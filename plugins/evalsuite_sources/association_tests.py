"""Association tests as sent-bias publishes them: two sets of targets and two of attributes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from evalsuite import Audio, DataError, Image, Sample
from evalsuite_sources.files import fingerprint_of, read_json, require_file

SETS = ("targ1", "targ2", "attr1", "attr2")
_KINDS: dict[str, type[Image] | type[Audio]] = {"image": Image, "audio": Audio}


@dataclass(frozen=True)
class SentBias:
    """One test a file: JSON objects ``{set: {"category": name, "examples": [...]}}``.

    Attributes:
        path: A file, or a folder with ``*.jsonl`` and ``*.json`` files.
        pattern: Which files of a folder, e.g. ``weat*.jsonl``.
        targets: What the examples of the targets are: words, or files of pictures or clips
            (relative to the test's own folder).
        attributes: The same of the attributes.
    """

    path: str
    pattern: str = "*.json*"
    targets: Literal["text", "image", "audio"] = "text"
    attributes: Literal["text", "image", "audio"] = "text"

    def rows(self) -> Iterator[Sample]:
        """The tests by file name; a set of the wrong form makes a broken sample."""
        for path in self._files():
            found = read_json(path)
            broken = _broken(found)
            yield Sample(path.stem, {} if broken else self._fields(found, path), broken=broken)

    def check(self) -> None:
        """Refuse a missing path, a folder without tests, and a first file that is none."""
        files = self._files()
        if not files:
            raise DataError(f"Data folder {self.path} holds no file named {self.pattern}.")
        broken = _broken(read_json(files[0]))
        if broken:
            raise DataError(f"{files[0]}:1:1: {broken}.")

    def count(self) -> int | None:
        """The number of tests."""
        return len(self._files())

    def fingerprint(self) -> str:
        """Sha256 over the files."""
        return fingerprint_of(self._files())

    def _files(self) -> list[Path]:
        path = Path(self.path)
        return sorted(path.glob(self.pattern)) if path.is_dir() else [require_file(path)]

    def _fields(self, found: dict[str, Any], path: Path) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name in SETS:
            kind = _KINDS.get(self.targets if name.startswith("targ") else self.attributes)
            examples = [str(example) for example in found[name]["examples"]]
            fields[name] = [kind(path=path.parent / e) for e in examples] if kind else examples
            fields[f"{name}_name"] = str(found[name].get("category", name))
        return fields


def _broken(found: Any) -> str | None:
    """Why a file is no test, or None."""
    for name in SETS:
        part = found.get(name) if isinstance(found, dict) else None
        examples = part.get("examples") if isinstance(part, dict) else None
        if not isinstance(examples, list) or not examples:
            return f"{name!r} must be an object with a list `examples` that is not empty"
    return None
