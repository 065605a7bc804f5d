"""What every divided input offers, whatever it is divided into."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from evalsuite import Attribution
from evalsuite.content import Content, text_of

Presence: TypeAlias = npt.NDArray[np.bool_]
Medium: TypeAlias = Literal["text", "image", "audio", "joint"]


class Features(Protocol):
    """An input divided into features, each of which can be taken away."""

    @property
    def medium(self) -> Medium:
        """What is divided."""
        ...

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of a picture's or clip's cells; (0, 0) for words."""
        ...

    def __len__(self) -> int:
        """Number of features."""
        ...

    def showing(self, present: Presence) -> Content:
        """The input with only the features [n] that are present; all of them: the input itself."""
        ...

    def pooled(self, explained: Attribution) -> list[float]:
        """A gradient explainer's scores, one for each feature [n]."""
        ...

    def columns(self, scores: Sequence[float]) -> Mapping[str, Any]:
        """Scores [n] as the columns of a record that the report draws."""
        ...


class Joint:
    """Several divided inputs as one: the words of a question and the patches of its picture.

    Features are numbered through, those of the first input first.
    """

    def __init__(self, *parts: Features) -> None:
        """Keep the parts in the order in which a model is shown them."""
        self.parts = parts
        self.edges = np.cumsum([0, *(len(part) for part in parts)]).tolist()

    def __len__(self) -> int:
        """Features of all parts."""
        return int(self.edges[-1])

    @property
    def medium(self) -> Medium:
        """That of all parts, where they are of one kind."""
        kinds = {part.medium for part in self.parts}
        return kinds.pop() if len(kinds) == 1 else "joint"

    @property
    def grid(self) -> tuple[int, int]:
        """Of the one picture or clip among the parts; (0, 0) without one."""
        return next((part.grid for part in self.parts if part.medium != "text"), (0, 0))

    def split(self, values: Sequence[Any] | npt.NDArray[Any]) -> list[Any]:
        """Values [n] as one stretch for each part."""
        return [values[a:b] for a, b in zip(self.edges, self.edges[1:])]

    def showing(self, present: Presence) -> Content:
        """The parts one after another, each with its own present features."""
        shown = zip(self.parts, self.split(present), strict=True)
        return tuple(piece for part, own in shown for piece in part.showing(own))

    def pooled(self, explained: Attribution) -> list[float]:
        """Each part's own, by its place among the cells or in the text."""
        n_cells = explained.grid[0] * explained.grid[1] if explained.grid else 0
        cells = replace(explained, scores=explained.scores[:n_cells], spans=())
        found, begin = [], 0
        for part in self.parts:
            if part.medium != "text":
                found += part.pooled(cells)
                continue
            spans = tuple((a - begin, b - begin) for a, b in explained.spans)
            own = replace(explained, scores=explained.scores[n_cells:], spans=spans, grid=())
            found += part.pooled(own)
            begin += len(text_of(part.showing(all_present(len(part)))))
        return found

    def columns(self, scores: Sequence[float]) -> Mapping[str, Any]:
        """The columns of all parts; those of several texts are one after another."""
        found: dict[str, Any] = {}
        for part, own in zip(self.parts, self.split(scores), strict=True):
            for name, value in part.columns(own).items():
                before = json.loads(found[name]) if name in found else []
                found[name] = json.dumps(before + json.loads(value)) if before else value
        return found


def all_present(n: int) -> Presence:
    """Nothing is taken away [n]."""
    return np.ones(n, dtype=bool)


def none_present(n: int) -> Presence:
    """Everything is taken away [n]."""
    return np.zeros(n, dtype=bool)
