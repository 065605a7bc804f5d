"""True and false statements about images: NLVR."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from evalsuite import DataError
from evalsuite_sources.annotations import AnnotatedImages, Entry, text_in
from evalsuite_sources.files import require_file


@dataclass(frozen=True)
class Nlvr(AnnotatedImages):
    """NLVR's lines, with images ``DIRECTORY/SPLIT-IDENTIFIER-PERMUTATION.png``.

    Fields: image, image_id, statement, label (``true`` or ``false``), identifier.

    Attributes:
        images_path: The folder with the numbered folders; ``images`` beside the file without it.
        split: The first part of the images' names; the file's name without it, e.g. ``dev``.
        permutation: Which of the six orders of an image's three boxes, 0 to 5.
    """

    split: str = ""
    permutation: int = 0

    form: ClassVar[str] = "NLVR's form (sentence, label, identifier, directory)"

    def __post_init__(self) -> None:
        """Refuse an order of boxes that there is not."""
        if not 0 <= self.permutation <= 5:
            raise ValueError(f"permutation must lie between 0 and 5 (got {self.permutation})")

    def _folder(self) -> Path:
        return Path(self.images_path) if self.images_path else Path(self.path).parent / "images"

    def _items(self) -> Iterator[tuple[str, str, Any]]:
        path = require_file(Path(self.path))
        with path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, start=1):
                if not line.strip():
                    continue
                try:
                    item = json.loads(line)
                except ValueError as error:
                    column = getattr(error, "colno", 1)
                    raise DataError(f"{path}:{number}:{column}: not JSON: {error}") from error
                yield f"{path}:{number}:1", str(number), item

    def _entry(self, item_id: str, item: Any) -> Entry:
        del item_id
        identifier, label = text_in(item, "identifier"), str(item["label"]).lower()
        if label not in ("true", "false"):
            raise ValueError(f"'label' must be true or false (got {item['label']!r})")
        split = self.split or Path(self.path).stem
        name = f"{item['directory']}/{split}-{identifier}-{self.permutation}.png"
        fields = {
            "statement": text_in(item, "sentence"),
            "label": label,
            "identifier": identifier,
        }
        return Entry(identifier, name, fields)
