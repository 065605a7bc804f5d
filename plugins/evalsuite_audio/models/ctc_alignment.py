"""Forced alignment: the most probable path of a CTC head that spells a given text."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torchaudio.functional import forced_align

from evalsuite import Alignment, Failure, TimedWord
from evalsuite_audio.models.ctc_beam import probability
from evalsuite_audio.models.ctc_labels import Labels, runs_of


@dataclass(frozen=True)
class Spelled:
    """A word of a text, and the labels that spell it."""

    text: str
    labels: tuple[int, ...]


def best_path(
    log_probabilities: torch.Tensor, labelling: Sequence[int], blank: int
) -> tuple[list[int], float] | None:
    """The likeliest path of a labelling over [frames, labels], with its log-probability in nats.

    None where there are too few frames: one for each label, and one between equal neighbours.
    """
    n_repeats = sum(a == b for a, b in pairwise(labelling))
    if len(log_probabilities) < len(labelling) + n_repeats:
        return None
    targets = torch.tensor([list(labelling)], dtype=torch.int32)
    paths, scores = forced_align(log_probabilities[None].contiguous(), targets, blank=blank)
    return paths[0].tolist(), float(scores[0].double().sum())


def spelled(text: str, labels: Labels) -> list[Spelled] | Failure:
    """The words of a text in labels.

    A word is taken in the case that the head writes. Punctuation that it does not write is left
    out; any other letter that it does not write is a failure.
    """
    words = []
    for word in text.split():
        found = _in_any_case(word, labels)
        if found is None:
            bare = "".join(c for c in word if unicodedata.category(c)[0] not in "PS")
            if not bare:
                continue
            found = _in_any_case(bare, labels)
        if found is None:
            return Failure("unknown letters", f"this model cannot write {word!r}")
        words.append(Spelled(word, found))
    if not words:
        return Failure("no words", "the text to align has no word that this model can write")
    return words


def _in_any_case(word: str, labels: Labels) -> tuple[int, ...] | None:
    for form in (word, word.lower(), word.upper()):
        found = labels.spell(form)
        if found:
            return found
    return None


def spelled_out(text: str, labels: Labels) -> list[int] | Failure:
    """The labels of a text's words, one after another; see ``spelled``."""
    words = spelled(text, labels)
    return words if isinstance(words, Failure) else _joined(words, labels)


def _joined(words: Sequence[Spelled], labels: Labels) -> list[int]:
    labelling = list(words[0].labels)
    for word in words[1:]:
        labelling += [*_between(labels), *word.labels]
    return labelling


def _between(labels: Labels) -> tuple[int, ...]:
    return () if labels.separator is None else (labels.separator,)


def align(
    log_probabilities: torch.Tensor, text: str, labels: Labels, seconds_per_frame: float
) -> Alignment | Failure:
    """The times of a text's words under log-probabilities [frames, labels], float32 on the CPU."""
    words = spelled(text, labels)
    if isinstance(words, Failure):
        return words
    between = _between(labels)
    labelling = _joined(words, labels)
    found = best_path(log_probabilities, labelling, labels.blank)
    n_frames = len(log_probabilities)
    if found is None:
        return Failure(
            "too short", f"{n_frames} frames cannot hold the {len(labelling)} labels of the text"
        )
    path, score = found
    runs = iter(runs_of(path, labels.blank))
    times = []
    for number, word in enumerate(words):
        if number and between:
            next(runs)
        own = [next(runs) for _ in word.labels]
        start, end = own[0].start, own[-1].end
        times.append(TimedWord(word.text, start * seconds_per_frame, end * seconds_per_frame))
    total = probability(log_probabilities, tuple(labelling), labels.blank)
    return Alignment(tuple(times), score / n_frames, total, len(labelling))
