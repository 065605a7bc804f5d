"""Pictures with texts in the formats of their benchmarks: COCO, Karpathy, SugarCrepe, ARO, NLVR."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsuite import DataError, Image, Sample
from evalsuite.derived import DerivedImage
from evalsuite_sources.files import fingerprint_of, require_file, require_folder


@dataclass(frozen=True)
class _PictureFile:
    """One annotation file, and the folder of the pictures that it names.

    Attributes:
        path: The annotation file.
        images_path: Folder of the pictures; the file's own folder without it.
    """

    path: str
    images_path: str = ""

    @property
    def folder(self) -> Path:
        """Where pictures are looked for."""
        return Path(self.images_path) if self.images_path else Path(self.path).parent

    def rows(self) -> Iterator[Sample]:
        """The annotations in file order; one whose picture is missing is a broken sample."""
        try:
            for identifier, name, fields in self.entries():
                path = self.folder / name
                if path.is_file():
                    yield Sample(identifier, {"image": self.picture(path, fields), **fields})
                else:
                    yield Sample(identifier, broken=f"{path} does not exist")
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"Data file {self.path} is not what it is read as: {self.shape} "
                f"({type(error).__name__}: {error})."
            ) from error

    shape = "annotations of pictures"

    def entries(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Id, file name and fields of each annotation."""
        raise TypeError(f"{type(self).__name__} reads no entries")

    def picture(self, path: Path, fields: Mapping[str, Any]) -> Image:
        """The picture of an annotation."""
        del fields
        return Image(path=path)

    def check(self) -> None:
        """Refuse a missing file or folder, another format, and a file whose pictures all lack."""
        require_file(Path(self.path))
        require_folder(self.folder)
        first = next(self.rows(), None)
        if first is None:
            raise DataError(f"Data file {self.path} has no annotation.")
        if first.broken and all(sample.broken for sample in self.rows()):
            raise DataError(
                f"Not one picture of {self.path} was found: {first.broken}. Name their folder with "
                "`images_path`."
            )

    def count(self) -> int | None:
        """The number of annotations."""
        return sum(1 for _ in self.entries())

    def fingerprint(self) -> str:
        """Sha256 of the annotation file; pictures are identified by their own bytes."""
        return fingerprint_of([Path(self.path)])

    def document(self) -> Any:
        """The file as JSON."""
        try:
            return json.loads(require_file(Path(self.path)).read_text(encoding="utf-8-sig"))
        except ValueError as error:
            line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
            raise DataError(f"{self.path}:{line}:{column}: not JSON: {error}.") from error


@dataclass(frozen=True)
class CocoCaptions(_PictureFile):
    """Captions in COCO's annotation format, or in Karpathy's of COCO and Flickr.

    Fields: caption (a list), and split where the file says it.

    Attributes:
        split: Keep this split only (Karpathy's files: train, restval, val, test).
        captions_per_image: First so many captions of each picture, as published figures use; 0
            for all of them.
    """

    split: str = ""
    captions_per_image: int = 5

    shape = "an object with `images` and `annotations` (COCO), or `images` with `sentences`"

    def entries(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """One for each picture that has a caption."""
        document = self.document()
        pictures = document["images"]
        is_karpathy = bool(pictures) and "sentences" in pictures[0]
        found = _karpathy(pictures) if is_karpathy else _coco(document)
        for identifier, name, split, captions in found:
            if self.split and split != self.split:
                continue
            kept = captions[: self.captions_per_image or None]
            if kept:
                yield identifier, name, {"caption": kept, "split": split}


def _karpathy(pictures: Any) -> Iterator[tuple[str, str, str, list[str]]]:
    for number, picture in enumerate(pictures):
        name = str(Path(picture.get("filepath") or "") / picture["filename"])
        texts = [str(sentence["raw"]).strip() for sentence in picture["sentences"]]
        identifier = picture.get("cocoid", picture.get("imgid", number))
        yield str(identifier), name, str(picture.get("split", "")), texts


def _coco(document: Any) -> Iterator[tuple[str, str, str, list[str]]]:
    texts: dict[Any, list[str]] = {}
    for annotation in document["annotations"]:
        texts.setdefault(annotation["image_id"], []).append(str(annotation["caption"]).strip())
    for picture in document["images"]:
        name = picture["file_name"]
        yield str(picture["id"]), name, "", texts.get(picture["id"], [])


@dataclass(frozen=True)
class SugarCrepe(_PictureFile):
    """SugarCrepe: a picture with a caption and a hard negative.

    Fields: caption, false_captions, kind (the file's name, e.g. swap_att).
    """

    shape = "an object {id: {filename, caption, negative_caption}}"

    def entries(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """One for each pair of captions."""
        kind = Path(self.path).stem
        for identifier, row in self.document().items():
            fields = {"caption": row["caption"], "false_captions": [row["negative_caption"]]}
            yield f"{kind}/{identifier}", row["filename"], {**fields, "kind": kind}


@dataclass(frozen=True)
class Aro(_PictureFile):
    """ARO's Visual Genome files: a true and a false caption of a part of a picture.

    The picture is cut to the annotation's box. Fields: caption, false_captions, kind (the relation
    or the two attributes), box (left, top, width, height in pixels).
    """

    shape = "a list of {image_path, bbox_x, bbox_y, bbox_w, bbox_h, true_caption, false_caption}"

    def entries(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """One for each pair of captions."""
        for number, row in enumerate(self.document()):
            kind = row.get("relation_name") or "_".join(row.get("attributes") or ()) or "all"
            fields = {
                "caption": row["true_caption"],
                "false_captions": [row["false_caption"]],
                "kind": kind,
                "box": [int(row[f"bbox_{name}"]) for name in "xywh"],
            }
            yield str(number), row["image_path"], fields

    def picture(self, path: Path, fields: Mapping[str, Any]) -> Image:
        """The part of the picture inside the box, cut when it is looked at."""
        left, top, width, height = fields["box"]

        def cut(pixels: Any, rng: Any) -> Any:
            del rng
            part = pixels[max(0, top) : top + height, max(0, left) : left + width]
            return part if part.size else pixels

        recipe = f"cut to {left},{top},{width},{height}"
        return DerivedImage(original=Image(path=path), recipe=recipe, change=cut)


@dataclass(frozen=True)
class Nlvr(_PictureFile):
    """NLVR: statements that are true or false of synthetic pictures.

    Reads upstream's JSON Lines. Fields: statement, label (true or false), kind (``tower`` or
    ``scatter`` boxes, where the boxes are described), n_boxes.

    Attributes:
        permutation: Which of the six orders of a picture's boxes; 0 is that of the description.
    """

    permutation: int = 0

    shape = "JSON Lines with sentence, label, identifier and directory"

    @property
    def folder(self) -> Path:
        """``images`` beside the file, as upstream has it."""
        return Path(self.images_path) if self.images_path else Path(self.path).parent / "images"

    def entries(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """One for each statement."""
        stem = Path(self.path).stem
        with require_file(Path(self.path)).open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, start=1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise DataError(f"{self.path}:{number}:1: not JSON: {error}.") from error
                identifier = str(row["identifier"])
                name = f"{stem}-{identifier}-{self.permutation}.png"
                fields = {
                    "statement": row["sentence"],
                    "label": str(row["label"]).lower(),
                    "n_boxes": len(row.get("structured_rep") or ()),
                }
                yield identifier, str(Path(str(row.get("directory", ""))) / name), fields
