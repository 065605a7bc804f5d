"""NLVR: statements that are true or false of a drawing, and where its objects are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from evalsuite import DataError
from evalsuite_sources.annotations import AnnotatedImages, Entry, text_in
from evalsuite_sources.files import require_file
from evalsuite_sources.lazy_images import Box


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


# Three grey squares of 100 pixels stand side by side in a drawing, 50 pixels apart.
_SIDE, _STEP = 100, 150
_COLOURS = {"#0099ff": "blue", "black": "black", "yellow": "yellow"}


@dataclass(frozen=True)
class NlvrObjects(Nlvr):
    """What NLVR draws, for asking where a model looks: a grey square, and one kind of its objects.

    Fields: image (the square, cut out when a model looks), image_id, text (e.g. ``a blue circle``),
    boxes (left, top, right, bottom in pixels of every object of that kind in the square), square (0
    to 2), identifier. A square with objects of one kind only is left out, since nothing in it tells
    where to look; of squares with the same objects the first is kept.

    Attributes:
        template: The text; ``{}`` is the kind.
    """

    template: str = "a {}"

    form: ClassVar[str] = "NLVR's form (identifier, directory, structured_rep)"

    def _items(self) -> Iterator[tuple[str, str, Any]]:
        known = set()
        for place, number, item in super()._items():
            for square, things in enumerate(self._squares(place, item)):
                mark = json.dumps(things, sort_keys=True)
                kinds = sorted({_kind(thing) for thing in things})
                if mark not in known and len(kinds) > 1:
                    known.add(mark)
                    for kind in kinds:
                        yield place, number, {**item, "square": square, "kind": kind}

    def _squares(self, place: str, item: Any) -> Sequence[Sequence[Any]]:
        """The objects of each square; raises DataError where one is not as NLVR's are."""
        try:
            squares: Sequence[Sequence[Any]] = item["structured_rep"]
            for things in squares:
                for thing in things:
                    _kind(thing), _box(thing)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            told = f"no key {error}" if isinstance(error, KeyError) else str(error)
            raise DataError(f"{place}: not {self.form}: {told}.") from error
        return squares

    def _entry(self, item_id: str, item: Any) -> Entry:
        square, kind = item["square"], item["kind"]
        whole = super()._entry(item_id, {**item, "sentence": kind, "label": "true"})
        boxes = [_box(thing) for thing in item["structured_rep"][square] if _kind(thing) == kind]
        fields = {
            "text": self.template.replace("{}", kind),
            "boxes": boxes,
            "square": square,
            "identifier": whole.id,
        }
        name = f"{whole.id}-{square}-{kind.replace(' ', '-')}"
        return Entry(name, whole.image, fields, Box(_STEP * square, 0, _SIDE, _SIDE))


def _kind(thing: Any) -> str:
    return f"{_COLOURS[str(thing['color']).lower()]} {thing['type']}"


def _box(thing: Any) -> list[int]:
    """Left, top, right, bottom within the square."""
    left, top, size = int(thing["x_loc"]), int(thing["y_loc"]), int(thing["size"])
    return [left, top, min(left + size, _SIDE), min(top + size, _SIDE)]
