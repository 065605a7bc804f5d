"""A Hugging Face dataset, by hub name where there is a network, or by a local directory.

Media are taken undecoded (``decode=False``): the harness decodes them itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from evalsuite import Audio, DataError, Image, Sample, UsageError
from evalsuite_sources.files import as_media
from evalsuite_sources.hub_layouts import LAYOUTS


@dataclass(frozen=True)
class HuggingFace:
    """Rows of one split.

    Attributes:
        path: A hub name (``owner/name``), a directory written by ``save_to_disk``, or a directory
            of data files that ``load_dataset`` understands.
        split: Which split.
        config: Configuration of a dataset that has several.
        revision: Commit or tag of a hub dataset.
        id: Column that identifies a row; the row number without it.
        layout: How a benchmark's rows are laid out, where our readers call their fields
            otherwise: arc, squad or truthfulqa.
    """

    path: str
    split: str = "test"
    config: str | None = None
    revision: str | None = None
    id: str | None = None
    layout: Literal["", "arc", "squad", "truthfulqa"] = ""

    path_may_be_a_name: ClassVar[bool] = True

    def rows(self) -> Iterator[Sample]:
        """The rows, with class labels as their names and media undecoded."""
        dataset = self._dataset()
        for number, row in enumerate(dataset):
            fields = {name: self._value(dataset, name, value) for name, value in row.items()}
            for part in list(fields.values()):
                if isinstance(part, Image | Audio):
                    fields.setdefault("image" if isinstance(part, Image) else "audio", part)
            sample_id = str(row[self.id]) if self.id else str(number)
            try:
                laid_out = LAYOUTS[self.layout](fields) if self.layout else fields
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                told = f"not laid out as {self.layout}: {type(error).__name__}: {error}"
                yield Sample(sample_id, broken=told)
                continue
            yield Sample(sample_id, laid_out)

    def check(self) -> None:
        """Refuse a dataset or split that cannot be opened."""
        dataset = self._dataset()
        if self.id is not None and self.id not in dataset.column_names:
            raise DataError(
                f"Dataset {self.path!r} has no column {self.id!r}; its columns are: "
                f"{', '.join(dataset.column_names)}."
            )
        first = next(self.rows(), None)
        if self.layout and first is not None and first.broken:
            raise DataError(
                f"Dataset {self.path!r} is {first.broken}; its columns are: "
                f"{', '.join(dataset.column_names)}."
            )

    def count(self) -> int | None:
        """The number of rows."""
        return len(self._dataset())

    def fingerprint(self) -> str:
        """Sha256 of the datasets library's own fingerprint of the split."""
        dataset = self._dataset()
        return hashlib.sha256(
            f"{self.path}:{self.split}:{dataset._fingerprint}".encode()
        ).hexdigest()

    def _dataset(self) -> Any:
        try:
            import datasets
        except ImportError as error:
            raise UsageError(
                "Hugging Face datasets need the package `datasets`: pip install 'evalsuite[hub]'."
            ) from error
        datasets.disable_progress_bars()
        name = str(self._local() or self.path)
        try:
            if (Path(name) / "dataset_info.json").exists() or (
                Path(name) / "dataset_dict.json"
            ).exists():
                loaded = datasets.load_from_disk(name)
                dataset = loaded[self.split] if isinstance(loaded, dict) else loaded
            else:
                dataset = datasets.load_dataset(
                    name, self.config, split=self.split, revision=self.revision
                )
        except (OSError, ValueError, KeyError, ConnectionError, RuntimeError) as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            if "scripts are no longer supported" in first:
                first += (
                    ". The hub may hold a copy without one: try `revision: refs/convert/parquet`, "
                    "or read the data set's own release by the source made for it."
                )
            raise DataError(
                f"Dataset {self.path!r} (split {self.split!r}) cannot be opened: {first}"
            ) from error
        return _undecoded(dataset, datasets)

    def _local(self) -> Path | None:
        """The directory that is meant, if one is; suites write hub names under ``path`` too."""
        path = Path(self.path)
        return path if path.exists() else None

    def _value(self, dataset: Any, column: str, value: Any) -> Any:
        feature = dataset.features[column]
        kind = type(feature).__name__
        if value is None:
            return None
        if kind == "ClassLabel":
            return feature.int2str(value)
        if kind == "Image":
            return as_media(value, Image, Path())
        if kind == "Audio" or (
            isinstance(value, dict) and {"array", "sampling_rate"} <= set(value)
        ):
            return as_media(value, Audio, Path())
        return value


def _undecoded(dataset: Any, datasets: Any) -> Any:
    """The dataset with its media columns as bytes or paths."""
    for column, feature in dataset.features.items():
        if type(feature).__name__ == "Image":
            dataset = dataset.cast_column(column, datasets.Image(decode=False))
        elif type(feature).__name__ == "Audio":
            dataset = dataset.cast_column(column, datasets.Audio(decode=False))
    return dataset
