"""WebDataset shards as CLIP_benchmark publishes them: tar files, read without unpacking."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evalsuite import DataError, Image, Sample
from evalsuite_sources.files import fingerprint_of, require_file, require_folder

PICTURES = ("jpg", "jpeg", "png", "webp")


@dataclass(frozen=True)
class WebDataset:
    """A folder with ``classnames.txt`` and ``SPLIT/0.tar``, ``SPLIT/1.tar``, ...

    Fields: image; label (the class's name) from ``.cls``; labels (names) from a multi-label
    ``.npy``; caption (a list) from ``.txt``, one caption a line. Member files of one key stand
    together.

    Attributes:
        path: The folder.
        split: Which split.
    """

    path: str
    split: str = "test"

    def rows(self) -> Iterator[Sample]:
        """Shard after shard; a key without a picture is a broken sample."""
        names = self._class_names()
        for shard in self._shards():
            for key, files in _groups(shard):
                yield _sample(f"{shard.stem}/{key}", files, names)

    def check(self) -> None:
        """Refuse a folder without shards, and shards that cannot be read."""
        require_folder(Path(self.path))
        shards = self._shards()
        if not shards:
            raise DataError(
                f"{self.path} has no shard {self.split}/0.tar; its splits are: "
                f"{', '.join(sorted(p.name for p in Path(self.path).iterdir() if p.is_dir()))}."
            )
        next(self.rows(), None)

    def count(self) -> int | None:
        """The number of keys."""
        return sum(1 for shard in self._shards() for _ in _keys(shard))

    def fingerprint(self) -> str:
        """Sha256 of the shards."""
        return fingerprint_of(self._shards())

    @property
    def templates(self) -> tuple[str, ...]:
        """The prompts that the data set comes with, ``{c}`` for the class."""
        path = Path(self.path) / "zeroshot_classification_templates.txt"
        return tuple(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else ()

    def _class_names(self) -> list[str]:
        path = Path(self.path) / "classnames.txt"
        return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []

    def _shards(self) -> list[Path]:
        """As many as ``nshards.txt`` says, else every tar file, by number."""
        folder = Path(self.path) / self.split
        told = folder / "nshards.txt"
        if told.is_file():
            try:
                n = int(told.read_text().strip())
            except ValueError as error:
                raise DataError(f"{told}:1:1: this is no number of shards: {error}.") from error
            return [require_file(folder / f"{index}.tar") for index in range(n)]
        found = sorted(folder.glob("*.tar"), key=lambda p: (len(p.stem), p.stem))
        return found if folder.is_dir() else []


def _keys(shard: Path) -> Iterator[str]:
    """The keys of a shard, each once; nothing is read but headers."""
    with tarfile.open(shard) as archive:
        last = None
        for member in archive:
            key = member.name.rpartition("/")[2].partition(".")[0]
            if member.isfile() and key != last:
                last = key
                yield key


def _groups(shard: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Key by key, the bytes of its members by suffix."""
    try:
        with tarfile.open(shard) as archive:
            key, files = "", dict[str, bytes]()
            for member in archive:
                if not member.isfile():
                    continue
                name, _, suffix = member.name.rpartition("/")[2].partition(".")
                if files and name != key:
                    yield key, files
                    files = {}
                stream = archive.extractfile(member)
                key, files[suffix.lower()] = name, stream.read() if stream else b""
            if files:
                yield key, files
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{shard} cannot be read as a tar file: {error}.") from error


def _sample(identifier: str, files: Mapping[str, bytes], names: list[str]) -> Sample:
    picture = next((files[suffix] for suffix in PICTURES if suffix in files), None)
    if picture is None:
        return Sample(identifier, broken=f"no picture among {', '.join(sorted(files))}")
    fields: dict[str, Any] = {"image": Image(data=picture)}
    try:
        if "cls" in files:
            index = int(files["cls"].decode().strip())
            fields["label"] = names[index] if names else str(index)
        if "npy" in files:
            flags = np.load(io.BytesIO(files["npy"]), allow_pickle=False)
            fields["labels"] = [
                names[i] if names else str(i) for i in np.flatnonzero(np.ravel(flags))
            ]
        if "txt" in files:
            lines = files["txt"].decode("utf-8").splitlines()
            fields["caption"] = [line.strip() for line in lines if line.strip()]
    except (ValueError, IndexError) as error:
        return Sample(identifier, broken=f"its label cannot be read: {error}")
    return Sample(identifier, fields)
