"""What probes of labelled vectors share: their options, their question, and the rows they get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from evalsuite import Probe, Sample
from evalsuite_representation.logistic import Floats, Names
from evalsuite_representation.media import REQUESTS, ByMedium, embedding_of, refuse_unknown
from evalsuite_representation.splits import Integers, units_of


@dataclass(frozen=True, eq=False)
class LabelledVectors:
    """The answered samples in an order of their own, so that the source's order says nothing.

    Attributes:
        vectors: Shape [n, dimensions].
        labels: The class of each row.
        units: Number of the set of rows that must stay together (a group, exact copies).
        is_train: Whether the data say to learn from the row.
        place: Which record each row came from.
    """

    vectors: Floats
    labels: Names
    units: Integers
    is_train: npt.NDArray[np.bool_]
    place: Integers

    @classmethod
    def of(cls, records: Sequence[Mapping[str, Any]]) -> LabelledVectors:
        """Gather what ``ask`` returned; there must be a record."""
        keys = [(r["_sample"], r["_digest"], r["target"]) for r in records]
        order = sorted(range(len(records)), key=keys.__getitem__)
        chosen = [records[i] for i in order]
        return cls(
            np.stack([np.asarray(r["_vector"], dtype=float) for r in chosen]),
            np.array([r["target"] for r in chosen]),
            units_of([r["_group"] for r in chosen], [r["_digest"] for r in chosen]),
            np.array([r["role"] == "train" for r in chosen]),
            np.array(order, dtype=np.int64),
        )


@dataclass(frozen=True)
class LabelledProbe(Probe):
    """Base of the probes that read a label from a vector.

    Args:
        medium: What is embedded, and the field that holds it: image, audio or text.
        split: Field that tells samples to learn from (``train``) from those to test (any other
            value); empty where the probe is to split the data itself.
        group: Field of what must not be on both sides (speaker, patient, source file). Exact
            copies of an input never are.
    """

    medium: Literal["image", "audio", "text"] = "image"
    split: str = ""
    group: str = ""

    family: ClassVar[Any] = "representation"
    needs: ClassVar[Any] = ByMedium({name: (kind,) for name, kind in REQUESTS.items()})
    fields: ClassVar[Any] = ByMedium({name: (name, "label") for name in REQUESTS})

    def __post_init__(self) -> None:
        """Refuse an unknown medium."""
        refuse_unknown(self.medium, tuple(REQUESTS))

    def ask(self, sample: Sample, context: Any) -> Any:
        """Embed one input."""
        request, digest = embedding_of(self.medium, sample)
        found = yield request
        is_train = bool(self.split) and str(sample[self.split]) == "train"
        group = str(sample[self.group]) if self.group else None
        return {
            "target": str(sample["label"]),
            "role": "train" if is_train else "test",
            **({self.group: group} if group is not None else {}),
            "_vector": found.vector,
            "_digest": digest,
            "_sample": sample.id,
            "_group": digest if group is None else f"group {group}",
        }


def public(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without what only tabulation needs."""
    return {name: value for name, value in record.items() if not name.startswith("_")}
