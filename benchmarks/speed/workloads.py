"""The requests of each workload, made from a seed: what published tasks look like, in shape.

A workload is a list of requests of one kind, as plain tuples that both sides understand:
(context, continuation), (text,) or (prompt, number of tokens).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from models import words

Request = tuple[str | int, ...]


@dataclass(frozen=True)
class Workload:
    """Requests, how they are asked, and how many times faster we said that we would be."""

    name: str
    kind: str  # loglikelihood, rolling or generate
    make: Callable[[Writer, int], list[Request]]
    n_documents: int
    promised: float
    shape: str


class Writer:
    """Writes seeded text of about so many tokens."""

    def __init__(self, seed: int) -> None:
        """All text follows from the seed."""
        self.rng = np.random.default_rng(seed)
        self.words = words(6000)

    def text(self, n_words: int) -> str:
        """Words, each with a space in front."""
        picked = self.rng.integers(len(self.words), size=n_words)
        return "".join(" " + self.words[i] for i in picked)

    def about(self, n_words: int) -> str:
        """Words, a quarter more or fewer."""
        return self.text(int(n_words * self.rng.uniform(0.75, 1.25)))


def constant_five_shot(write: Writer, n: int) -> list[Request]:
    """Multiple choice: the same five examples before every question."""
    preamble = "".join(f"Question:{write.about(70)}\nAnswer:{write.about(8)}\n\n" for _ in range(5))
    return _questions(write, n, lambda: preamble, stem=40, choice=8)


def completion_zero_shot(write: Writer, n: int) -> list[Request]:
    """HellaSwag's shape: a text and four long endings."""
    return [
        (context, write.about(20))
        for context in (write.about(65).strip() for _ in range(n))
        for _ in range(4)
    ]


def own_twenty_five_shot(write: Writer, n: int) -> list[Request]:
    """ARC's shape: twenty-five examples, other ones for each question, four short choices."""

    def preamble() -> str:
        return "".join(
            f"Question:{write.about(26)}\nAnswer:{write.about(4)}\n\n" for _ in range(25)
        )

    return _questions(write, n, preamble, stem=26, choice=4)


def letters_with_preamble(write: Writer, n: int) -> list[Request]:
    """MMLU's shape: a constant preamble, choices in the question, a letter as the answer."""

    def question() -> str:
        options = "".join(f"\n{letter}.{write.about(8)}" for letter in "ABCD")
        return f"Question:{write.about(25)}{options}\nAnswer:"

    preamble = "".join(f"{question()} A\n\n" for _ in range(5))
    return [
        (context, f" {letter}")
        for context in (preamble + question() for _ in range(n))
        for letter in "ABCD"
    ]


def mixed_documents(write: Writer, n: int) -> list[Request]:
    """Perplexity: documents of very different lengths, in the order of a corpus."""
    lengths = np.exp(write.rng.normal(np.log(150), 1.0, size=n)).clip(5, 1200).astype(int)
    return [(write.text(int(length)).strip(),) for length in lengths]


def minimal_pairs(write: Writer, n: int) -> list[Request]:
    """BLiMP's and CrowS-Pairs' shape: two sentences that differ in one word in the middle."""
    requests: list[Request] = []
    for _ in range(n):
        stem, tail = write.about(8), write.about(5)
        requests += [("", f"{stem}{write.text(1)}{tail}".strip()) for _ in range(2)]
    return requests


def answers(write: Writer, n: int) -> list[Request]:
    """Generation: prompts of mixed lengths, 24 new tokens."""
    return [(f"Question:{write.about(60)}\nAnswer:", 24) for _ in range(n)]


def _questions(
    write: Writer, n: int, preamble: Callable[[], str], stem: int, choice: int
) -> list[Request]:
    contexts = (f"{preamble()}Question:{write.about(stem)}\nAnswer:" for _ in range(n))
    return [(context, write.about(choice)) for context in contexts for _ in range(4)]


WORKLOADS = (
    Workload(
        "constant 5-shot multiple choice",
        "loglikelihood",
        constant_five_shot,
        12,
        10,
        "4 choices",
    ),
    Workload("completion, 0-shot", "loglikelihood", completion_zero_shot, 40, 3, "4 endings"),
    Workload("25-shot, own examples", "loglikelihood", own_twenty_five_shot, 4, 4, "4 choices"),
    Workload(
        "letters, constant preamble", "loglikelihood", letters_with_preamble, 40, 4, "4 letters"
    ),
    Workload("perplexity, mixed lengths", "rolling", mixed_documents, 48, 3, "documents"),
    Workload("minimal pairs", "loglikelihood", minimal_pairs, 200, 1.5, "2 sentences"),
    Workload("generation", "generate", answers, 32, 1, "24 new tokens"),
)
