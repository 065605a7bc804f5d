"""Tar archives of images with their labels or captions, read without unpacking."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from evalsuite import DataError, Sample
from evalsuite_sources.files import fingerprint_of, require_file, require_folder
from evalsuite_sources.lazy_images import ArchivedImage

_IMAGES = ("webp", "png", "jpg", "jpeg")
# Labels and captions are small; a larger member is no such thing.
_LARGEST_NOTE = 2**20


@dataclass(frozen=True)
class WebDataset:
    """Shards as CLIP_benchmark lays them out: SPLIT/nshards.txt and SPLIT/0.tar, 1.tar, ...

    A sample is what shares a name up to its first dot: an image (.webp, .png, .jpg, .jpeg), and
    .cls (a class index: ``label``, ``label_index``), .npy (a vector of 0 and 1: ``labels``, a
    list) or .txt (one caption a line: ``caption``, a list). Classes are called what a line of
    ``classnames.txt`` beside the split says, where there is one. Images stay in their archive until
    a model looks. The classes and prompts for ``vision/zero-shot`` are given by that probe's
    ``classes_path`` and ``templates_path``.

    Attributes:
        path: The folder of the data set, a folder of .tar files, or one .tar file.
        split: The folder of the shards within ``path``.
    """

    path: str
    split: str = "test"

    def rows(self) -> Iterator[Sample]:
        """Every sample, shard by shard; one that cannot be read says why."""
        for shard in self._shards():
            for key, members in _groups(shard):
                yield self._sample(shard, key, members)

    def check(self) -> None:
        """Refuse missing shards, archives that are none or compressed, and empty ones."""
        for shard in self._shards():
            require_file(shard)
        if next(self.rows(), None) is None:
            raise DataError(f"Data {self.path} (split {self.split!r}) hold no sample.")

    def count(self) -> int | None:
        """The number of samples; reads the archives' headers only."""
        return sum(1 for shard in self._shards() for _ in _groups(shard))

    def fingerprint(self) -> str:
        """Sha256 over all shards and the names of the classes."""
        names = [self._names_path] if self._names_path.is_file() else []
        return fingerprint_of([*self._shards(), *names])

    def _shards(self) -> list[Path]:
        path = Path(self.path)
        if path.suffix == ".tar":
            return [require_file(path)]
        folder = path / self.split
        if (folder / "nshards.txt").is_file():
            return [folder / f"{i}.tar" for i in range(_number_in(folder / "nshards.txt"))]
        if not folder.is_dir() and any(require_folder(path).glob("*.tar")):
            folder = path
        shards = sorted(require_folder(folder).glob("*.tar"), key=_by_number)
        if not shards:
            raise DataError(f"Data folder {folder} holds neither nshards.txt nor a .tar file.")
        return shards

    @property
    def _names_path(self) -> Path:
        path = Path(self.path)
        return (path.parent if path.suffix == ".tar" else path) / "classnames.txt"

    @cached_property
    def _names(self) -> tuple[str, ...]:
        if not self._names_path.is_file():
            return ()
        lines = self._names_path.read_text(encoding="utf-8").splitlines()
        return tuple(line.strip() for line in lines if line.strip())

    def _sample(self, shard: Path, key: str, members: Mapping[str, Any]) -> Sample:
        """One sample; what is wrong with it goes with its place."""
        found = next((members[kind] for kind in _IMAGES if kind in members), None)
        if found is None:
            reason = f"{shard}:{key} has no image, only {', '.join(sorted(members))}"
            return Sample(key, broken=reason)
        image = ArchivedImage(
            path=shard, offset=found.offset_data, size=found.size, name=found.name
        )
        try:
            return Sample(key, {"image": image, **self._notes(members)})
        except (ValueError, EOFError) as error:
            return Sample(key, broken=f"{shard}:{key}: {error}")

    def _notes(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """What the members beside the image say; raises ValueError for what cannot be read."""
        fields: dict[str, Any] = {}
        if "cls" in members:
            index = _integer(members["cls"].text())
            fields |= {"label": self._name_of(index), "label_index": index}
        if "npy" in members:
            vector = np.load(io.BytesIO(members["npy"].data), allow_pickle=False).ravel()
            if not np.isin(vector, (0, 1)).all():
                raise ValueError(".npy must hold a 1 for each label that fits and else 0")
            fields["labels"] = [self._name_of(int(i)) for i in np.flatnonzero(vector)]
        if "txt" in members:
            lines = [line.strip() for line in members["txt"].text().splitlines()]
            fields["caption"] = [line for line in lines if line]
            if not fields["caption"]:
                raise ValueError(".txt holds no caption")
        return fields

    def _name_of(self, index: int) -> str:
        if not self._names:
            return str(index)
        if not 0 <= index < len(self._names):
            known = f"{self._names_path} names {len(self._names)} classes"
            raise ValueError(f"the class {index} has no name: {known}")
        return self._names[index]


@dataclass(frozen=True)
class _Member:
    """A file within an archive; notes are read at once, images are left where they are."""

    name: str
    offset_data: int
    size: int
    data: bytes = b""

    def text(self) -> str:
        """The note as text."""
        return self.data.decode("utf-8-sig")


def _groups(shard: Path) -> Iterator[tuple[str, dict[str, _Member]]]:
    """Members that share a key and follow one another, by their last name part."""
    key, members = "", dict[str, _Member]()
    for member in _members(shard):
        folder, _, file = member.name.rpartition("/")
        stem, _, kind = file.partition(".")
        stem = f"{folder}/{stem}" if folder else stem
        if stem != key and members:
            yield key, members
            members = {}
        key = stem
        members[kind.lower()] = member
    if members:
        yield key, members


def _members(shard: Path) -> Iterator[_Member]:
    """The plain files of an archive in order; raises DataError for a broken one."""
    try:
        with tarfile.open(require_file(shard), "r:") as archive:
            for info in archive:
                name = info.name.removeprefix("./")
                if not info.isfile() or name.rpartition("/")[2].startswith("."):
                    continue
                is_note = name.lower().endswith((".cls", ".npy", ".txt"))
                if is_note and info.size > _LARGEST_NOTE:
                    raise DataError(f"{shard}:{name} has {info.size} bytes: no label or caption.")
                stream = archive.extractfile(info) if is_note else None
                data = stream.read() if stream else b""
                yield _Member(name, info.offset_data, info.size, data)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DataError(
            f"{shard} is not a plain tar archive, or is cut: {error}. Compressed archives must be "
            "unpacked to .tar first."
        ) from error


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f".cls must hold the index of a class (got {text.strip()!r})") from None


def _number_in(path: Path) -> int:
    text = path.read_text(encoding="utf-8").strip()
    if not text.isdecimal() or int(text) < 1:
        raise DataError(f"{path}:1:1: must hold the number of shards, 1 or more (got {text!r}).")
    return int(text)


def _by_number(path: Path) -> tuple[int, str]:
    return (int(path.stem) if path.stem.isdecimal() else -1, path.name)
