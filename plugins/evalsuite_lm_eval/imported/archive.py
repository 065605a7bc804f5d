"""Zip archives whose members may be packed with Zstandard, which ``zipfile`` reads since 3.14."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path
from typing import Any

from evalsuite import DataError

ZSTANDARD = 93
# APPNOTE 4.3.7: a member's data follow a header of 30 bytes, a name and an extra field, whose
# lengths are the last four bytes of the header.
HEADER, LENGTHS = 30, slice(26, 30)
MOST_BYTES = 2**31  # of one member; a log's are megabytes, a decompression bomb's are not


class Archive:
    """A zip file of JSON documents, open for reading."""

    def __init__(self, path: Path) -> None:
        """Open it; raises DataError when it is none."""
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise DataError(f"{path} cannot be read as an archive: {error}.") from error
        self.names = tuple(self._zip.namelist())

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    def json(self, name: str) -> Any:
        """A member as a JSON document; raises DataError when it is damaged or too large."""
        member = self._zip.getinfo(name)
        if member.file_size > MOST_BYTES:
            raise DataError(f"{self._path}: {name} would unpack to {member.file_size} bytes.")
        try:
            return json.loads(self._bytes_of(member))
        except (ValueError, OSError, zipfile.BadZipFile, NotImplementedError) as error:
            raise DataError(f"{self._path}: {name} is damaged: {error}.") from error

    def _bytes_of(self, member: zipfile.ZipInfo) -> bytes:
        if member.compress_type != ZSTANDARD:
            return self._zip.read(member)
        import pyarrow

        with self._path.open("rb") as stream:
            stream.seek(member.header_offset)
            name_length, extra_length = struct.unpack("<HH", stream.read(HEADER)[LENGTHS])
            stream.seek(name_length + extra_length, 1)
            packed = stream.read(member.compress_size)
        unpacked: bytes = pyarrow.decompress(packed, member.file_size, codec="zstd", asbytes=True)
        return unpacked
