"""Images with several captions each: COCO's annotations, and Karpathy's splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from evalsuite import DataError
from evalsuite_sources.annotations import AnnotatedImages, Entry, text_in
from evalsuite_sources.files import read_json


@dataclass(frozen=True)
class CocoCaptions(AnnotatedImages):
    """Captions in COCO's format (``images`` and ``annotations``) or Karpathy's (``sentences``).

    Fields: image, image_id, caption (a list). An image without a caption is refused.

    Attributes:
        split: Of Karpathy's file: ``test``, or several such as [train, restval]; all without it.
        captions_per_image: How many are kept, the first ones, as published figures do; 0 for all.
    """

    split: str | tuple[str, ...] = ()
    captions_per_image: int = 5

    form: ClassVar[str] = "an image with captions as COCO or Karpathy's splits write it"

    def __post_init__(self) -> None:
        """Refuse a negative number of captions."""
        if self.captions_per_image < 0:
            raise ValueError(
                f"captions_per_image must be 0 or more (got {self.captions_per_image})"
            )

    def check(self) -> None:
        """Refuse what every such source does, and a split that the file has not."""
        wanted = set(self._splits())
        has = {image.get("split") for image in self._document()["images"]} if wanted else set()
        if wanted - has:
            known = ", ".join(sorted(filter(None, has)))
            raise DataError(
                f"Data file {self.path} has no split {min(wanted - has)!r}; "
                + (f"its splits are: {known}." if known else "it holds one split: leave it out.")
            )
        super().check()

    def _splits(self) -> tuple[str, ...]:
        return (self.split,) if isinstance(self.split, str) else self.split

    def _document(self) -> Mapping[str, Any]:
        document = read_json(Path(self.path))
        images = document.get("images") if isinstance(document, dict) else None
        if not isinstance(images, list) or not all(isinstance(image, dict) for image in images):
            raise DataError(
                f"{self.path}:1:1: captions are a JSON object whose `images` is a list of objects."
            )
        return document

    def _items(self) -> Iterator[tuple[str, str, Any]]:
        document = self._document()
        images, splits = document["images"], self._splits()
        if "annotations" in document:
            images = _with_sentences(images, document["annotations"], self.path)
        for number, image in enumerate(images):
            if not splits or image.get("split") in splits:
                keys = ("id", "cocoid", "imgid")
                item_id = next((image[key] for key in keys if key in image), number)
                yield f"{self.path}: images[{number}]", str(item_id), image

    def _entry(self, item_id: str, item: Any) -> Entry:
        name = text_in(item, "file_name" if "file_name" in item else "filename")
        captions = [text_in(sentence, "raw") for sentence in item["sentences"]]
        if not captions:
            raise ValueError("it has no caption")
        kept = captions[: self.captions_per_image or None]
        inner = f"{item['filepath']}/{name}" if "filepath" in item else name
        is_nested = "filepath" in item and (self._folder() / inner).is_file()
        return Entry(item_id, inner if is_nested else name, {"caption": kept})


def _with_sentences(
    images: list[dict[str, Any]], annotations: Any, path: str
) -> Iterator[dict[str, Any]]:
    """COCO's images, each with its captions in file order as Karpathy's splits have them."""
    captions: defaultdict[Any, list[dict[str, Any]]] = defaultdict(list)
    for number, annotation in enumerate(annotations):
        try:
            captions[annotation["image_id"]].append({"raw": annotation["caption"]})
        except (KeyError, TypeError) as error:
            raise DataError(
                f"{path}: annotations[{number}]: a caption has an image_id and a caption; this "
                f"one lacks {error}. Are these the annotations of objects instead of captions?"
            ) from error
    for image in images:
        yield {**image, "sentences": captions[image.get("id")]}
