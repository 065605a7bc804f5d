"""Images with a true caption and a false one that is nearly the same: SugarCrepe and ARO."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from evalsuite import DataError
from evalsuite_sources.annotations import AnnotatedImages, Entry, text_in
from evalsuite_sources.files import read_json
from evalsuite_sources.lazy_images import Box


@dataclass(frozen=True)
class SugarCrepe(AnnotatedImages):
    """SugarCrepe's files {id: {filename, caption, negative_caption}}, one or a folder of them.

    Fields: image, image_id, caption, false_captions (a list of one), kind (the file's name, e.g.
    ``swap_att``).
    """

    form: ClassVar[str] = "SugarCrepe's form (filename, caption, negative_caption)"

    def check(self) -> None:
        """Refuse what every such source does, and a folder without JSON files."""
        if not self._files():
            raise DataError(f"Data folder {self.path} holds no .json file.")
        super().check()

    def _files(self) -> list[Path]:
        path = Path(self.path)
        return sorted(path.glob("*.json")) if path.is_dir() else [path]

    def _folder(self) -> Path:
        path = Path(self.path)
        return path if not self.images_path and path.is_dir() else super()._folder()

    def _items(self) -> Iterator[tuple[str, str, Any]]:
        for path in self._files():
            found = read_json(path)
            if not isinstance(found, dict | list):
                raise DataError(f"{path}:1:1: not a JSON object from id to captions.")
            items = found.items() if isinstance(found, dict) else enumerate(found)
            for key, item in items:
                yield f"{path}: item {key}", f"{path.stem}/{key}", item

    def _entry(self, item_id: str, item: Any) -> Entry:
        fields = {
            "caption": text_in(item, "caption"),
            "false_captions": [text_in(item, "negative_caption")],
            "kind": item_id.rpartition("/")[0],
        }
        return Entry(item_id, text_in(item, "filename"), fields)


@dataclass(frozen=True)
class Aro(AnnotatedImages):
    """ARO's relations and attributes: a list of captions that are true and false of a box.

    Fields: image (the box, cut out when a model looks), image_id, caption, false_captions (a list
    of one), kind (the relation, or the attributes joined by a comma).

    Attributes:
        skip: Kinds to leave out, e.g. symmetric relations such as ``near``.
    """

    skip: tuple[str, ...] = ()

    form: ClassVar[str] = (
        "ARO's form (image_path, bbox_x, bbox_y, bbox_w, bbox_h, true_caption, false_caption, and "
        "relation_name or attributes)"
    )

    def _items(self) -> Iterator[tuple[str, str, Any]]:
        found = read_json(Path(self.path))
        if not isinstance(found, list):
            raise DataError(f"{self.path}:1:1: not {self.form}: ARO's files are JSON lists.")
        for number, item in enumerate(found):
            yield f"{self.path}: item {number}", str(number), item

    def _entry(self, item_id: str, item: Any) -> Entry | None:
        kind = item.get("relation_name") or ", ".join(item["attributes"])
        if kind in self.skip:
            return None
        sides = [round(float(item[f"bbox_{side}"])) for side in "xywh"]
        if min(sides[2:]) < 1:
            raise ValueError(f"its box is {sides[2]} x {sides[3]} pixels")
        fields = {
            "caption": text_in(item, "true_caption"),
            "false_captions": [text_in(item, "false_caption")],
            "kind": str(kind),
        }
        return Entry(item_id, text_in(item, "image_path"), fields, Box(*sides))
