"""What sources share whose annotations are one file and whose images lie in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from evalsuite import DataError, Image, Sample
from evalsuite_sources.files import fingerprint_of, require_file, require_folder
from evalsuite_sources.lazy_images import Box


@dataclass(frozen=True)
class Entry:
    """One annotation: the name of its image within the folder, what else is known, and a box."""

    id: str
    image: str
    fields: dict[str, Any] = field(default_factory=dict)
    box: Box | None = None


@dataclass(frozen=True)
class AnnotatedImages:
    """Base of such sources; a subclass says what an item of its file is.

    Attributes:
        path: The file of annotations.
        images_path: Folder of the images; the file's own folder without it.
    """

    path: str
    images_path: str | None = None

    form: ClassVar[str] = ""

    def rows(self) -> Iterator[Sample]:
        """Every annotation in file order; one whose image is missing is a broken sample."""
        folder = self._folder()
        for entry in self._entries():
            path = folder / entry.image
            if not path.is_file():
                yield Sample(entry.id, broken=f"{path} does not exist")
                continue
            image = Image(path=path)
            picture = entry.box.of(image) if entry.box else image
            yield Sample(entry.id, {"image": picture, "image_id": entry.image, **entry.fields})

    def check(self) -> None:
        """Refuse a missing file or folder, another format, and a file without annotations."""
        for path in self._files():
            require_file(path)
        require_folder(self._folder())
        if next(self._entries(), None) is None:
            raise DataError(f"Data file {self.path} has no annotations.")

    def count(self) -> int | None:
        """The number of annotations; reads them all, so that a mistake is found before a run."""
        return sum(1 for _ in self._entries())

    def fingerprint(self) -> str:
        """Sha256 of the annotations; images are identified sample by sample."""
        return fingerprint_of(self._files())

    def _files(self) -> list[Path]:
        return [Path(self.path)]

    def _folder(self) -> Path:
        return Path(self.images_path) if self.images_path else Path(self.path).parent

    def _entries(self) -> Iterator[Entry]:
        """Every item as an Entry; raises DataError with the place of one of another form."""
        for place, item_id, item in self._items():
            try:
                entry = self._entry(item_id, item)
            except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
                told = f"no key {error}" if isinstance(error, KeyError) else str(error)
                raise DataError(f"{place}: not {self.form}: {told}.") from error
            if entry is not None:
                yield entry

    def _items(self) -> Iterator[tuple[str, str, Any]]:
        """Where each item stands, its id, and what it says."""
        raise TypeError(f"{type(self).__name__} reads no items")

    def _entry(self, item_id: str, item: Any) -> Entry | None:
        """What an item means; None for one that is not asked for."""
        raise TypeError(f"{type(self).__name__} reads no entries")


def text_in(item: Any, key: str) -> str:
    """A text under a key; raises KeyError or TypeError saying what is there instead."""
    value = item[key]
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"{key!r} must be a text that is not empty (got {value!r})")
    return value.strip()
