"""The most probable labelling under a CTC head, by prefix beam search.

A labelling's probability is the sum over all paths that collapse to it; the most probable path
need not spell the most probable labelling (Graves et al. 2006, Connectionist temporal
classification, section 3.2). No language model takes part.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch

LogProbabilities: TypeAlias = npt.NDArray[np.float64]
NOTHING = -np.inf


class Beam:
    """The likeliest prefixes after some frames.

    Attributes:
        prefixes: Each prefix, the best first.
        ends_blank: Log-probability of its paths that end in a blank [prefixes].
        ends_label: Log-probability of those that end in its last label [prefixes].
    """

    def __init__(self) -> None:
        """Nothing heard yet."""
        self.prefixes: list[tuple[int, ...]] = [()]
        self.ends_blank = np.zeros(1)
        self.ends_label = np.full(1, NOTHING)

    def advance(self, frame: LogProbabilities, blank: int, width: int) -> None:
        """Take in one frame of log-probabilities [labels], and keep the best prefixes."""
        total = np.logaddexp(self.ends_blank, self.ends_label)
        last = np.array([prefix[-1] if prefix else blank for prefix in self.prefixes])
        spoken = last != blank
        stays_blank = total + frame[blank]
        stays_label = np.where(spoken, self.ends_label + frame[last], NOTHING)
        # A label after itself is a new one only across a blank.
        grown = total[:, None] + frame[None]
        rows = np.flatnonzero(spoken)
        grown[rows, last[rows]] = self.ends_blank[rows] + frame[last[rows]]
        grown[:, blank] = NOTHING
        self._merge(grown, stays_label)
        self._keep(stays_blank, stays_label, grown, width)

    def _merge(self, grown: LogProbabilities, stays_label: LogProbabilities) -> None:
        """Add what grows into a prefix that is held already to that prefix."""
        index = {prefix: i for i, prefix in enumerate(self.prefixes)}
        for i, prefix in enumerate(self.prefixes):
            parent = index.get(prefix[:-1]) if prefix else None
            if parent is not None:
                label = prefix[-1]
                stays_label[i] = np.logaddexp(stays_label[i], grown[parent, label])
                grown[parent, label] = NOTHING

    def _keep(
        self,
        stays_blank: LogProbabilities,
        stays_label: LogProbabilities,
        grown: LogProbabilities,
        width: int,
    ) -> None:
        n_held, n_labels = grown.shape
        scores = np.concatenate([np.logaddexp(stays_blank, stays_label), grown.ravel()])
        # Stable, so that ties fall the same way everywhere.
        best = np.argsort(-scores, kind="stable")[:width]
        best = best[scores[best] > NOTHING]
        old = best[best < n_held]
        new = best[best >= n_held] - n_held
        kept = [self.prefixes[i] for i in old]
        kept += [(*self.prefixes[i // n_labels], int(i % n_labels)) for i in new]
        self.ends_blank = np.concatenate([stays_blank[old], np.full(len(new), NOTHING)])
        self.ends_label = np.concatenate([stays_label[old], grown.ravel()[new]])
        self.prefixes = kept


def best_labelling(log_probabilities: torch.Tensor, blank: int, width: int) -> tuple[int, ...]:
    """The most probable labelling of [frames, labels] that a beam of this width finds.

    It is exact where the beam holds every prefix, and never less probable than the labelling of
    the most probable path.
    """
    frames: LogProbabilities = log_probabilities.double().numpy()
    beam = Beam()
    for frame in frames:
        beam.advance(frame, blank, width)
    final = np.logaddexp(beam.ends_blank, beam.ends_label)
    found = beam.prefixes[int(final.argmax())]
    greedy = collapsed(frames.argmax(-1).tolist(), blank)
    if greedy == found:
        return found
    both = (found, greedy)
    return max(both, key=lambda labelling: probability(log_probabilities, labelling, blank))


def collapsed(path: list[int], blank: int) -> tuple[int, ...]:
    """A path without repeats and blanks."""
    before = [blank, *path[:-1]]
    return tuple(now for last, now in zip(before, path) if now not in (last, blank))


def probability(log_probabilities: torch.Tensor, labelling: tuple[int, ...], blank: int) -> float:
    """Log-probability of a labelling: all its paths together, in nats."""
    if not labelling:
        return float(log_probabilities[:, blank].double().sum())
    loss = torch.nn.functional.ctc_loss(
        log_probabilities.double()[:, None],
        torch.tensor([labelling]),
        (len(log_probabilities),),
        (len(labelling),),
        blank=blank,
        reduction="sum",
    )
    return -float(loss)
