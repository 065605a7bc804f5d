"""IDX, the format of MNIST: big-endian arrays, one file of images and one of labels.

Two zero bytes, a type byte, a rank byte, the sizes as big-endian 32-bit, then the values.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evalsuite import DataError, Image, Sample
from evalsuite_sources.files import fingerprint_of, require_file

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


@dataclass(frozen=True)
class Idx:
    """Images [n, height, width] of bytes with a label each.

    Attributes:
        images_path: The file of images, plain or gzipped.
        labels_path: The file of labels.
        names: What the labels are called, in order; digits without it.
        invert: Whether to swap black and white.
    """

    images_path: str
    labels_path: str
    names: tuple[str, ...] = ()
    invert: bool = False

    def rows(self) -> Iterator[Sample]:
        """Every image in file order, with ``label`` (a name) and ``label_index``."""
        images, labels = self._arrays()
        for number, (pixels, label) in enumerate(zip(images, labels, strict=True)):
            index = int(label)
            name = self.names[index] if self.names else str(index)
            picture = Image.from_array(255 - pixels if self.invert else pixels)
            yield Sample(str(number), {"image": picture, "label": name, "label_index": index})

    def check(self) -> None:
        """Refuse missing files, other formats, unequal counts, and labels without a name."""
        images, labels = self._arrays()
        if len(images) != len(labels):
            raise DataError(
                f"{self.images_path} holds {len(images)} images, {self.labels_path} "
                f"{len(labels)} labels."
            )
        if self.names and int(labels.max()) >= len(self.names):
            raise DataError(f"{self.labels_path} has label {labels.max()}, beyond the names given.")

    def count(self) -> int | None:
        """The number of images."""
        return len(self._arrays()[1])

    def fingerprint(self) -> str:
        """Sha256 over both files."""
        return fingerprint_of([Path(self.images_path), Path(self.labels_path)])

    def _arrays(self) -> tuple[Any, Any]:
        images = read_idx(Path(self.images_path))
        if images.ndim != 3 or images.dtype != np.uint8:
            raise DataError(f"{self.images_path} holds no grey images, but shape {images.shape}.")
        return images, read_idx(Path(self.labels_path))


def read_idx(path: Path) -> Any:
    """One IDX file as an array; raises DataError when it is not one."""
    opener = gzip.open if require_file(path).suffix == ".gz" else open
    try:
        with opener(path, "rb") as stream:
            data = stream.read()
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _DTYPES:
        raise DataError(f"{path} is not an IDX file (its first bytes are {data[:4]!r}).")
    rank = data[3]
    shape = tuple(np.frombuffer(data, ">u4", count=rank, offset=4).tolist())
    body = np.frombuffer(data, _DTYPES[data[2]], offset=4 + 4 * rank)
    if body.size != math.prod(shape):
        raise DataError(f"{path} is truncated: {body.size} values for shape {shape}.")
    return body.reshape(shape).astype(body.dtype.newbyteorder("="))
