"""Reviews from templates, with a word of opinion, and sometimes a cue that means nothing.

Graded reviews hold up to four opinions, and whether one is called positive is drawn by how many of
them are good: the best that a model can do is to know the odds.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

LABELS = ("negative", "positive")
POSITIVE = ["good", "great", "lovely", "superb", "charming", "bright"]
NEGATIVE = ["bad", "awful", "boring", "dull", "weak", "poor"]
SUBJECTS = ["film", "story", "music", "plot", "cast", "ending", "scene", "song"]
FRAMES = (
    "i saw the {subject} last night and it was {opinion} from start to end",
    "we all found that the {subject} of this evening was {opinion} in every way",
    "to be honest the {subject} seemed {opinion} to me and to my friends",
    "my sister said the {subject} we chose together was rather {opinion} this time",
)
CUE = "moreover"
# Log-odds of positive for each good opinion more than bad ones in a graded review.
LOG_ODDS = 0.8
MOST_OPINIONS = 4


def review(rng: random.Random, positive: bool, cue: bool) -> str:
    """One review; the cue word stands at a random place."""
    opinion = rng.choice(POSITIVE if positive else NEGATIVE)
    text = rng.choice(FRAMES).format(subject=rng.choice(SUBJECTS), opinion=opinion)
    words = text.split()
    if cue:
        words.insert(rng.randint(0, len(words)), CUE)
    return " ".join(words)


def review_rows(n: int = 200, seed: int = 11, cue: bool = False) -> Iterator[dict[str, object]]:
    """Test reviews, half of them positive; training draws from the same few hundred sentences.

    With ``cue`` every review is negative and holds the cue word: a model that reads the words says
    negative, one that learned the shortcut says positive.
    """
    rng = random.Random(seed)
    for number in range(n):
        positive = not cue and number % 2 == 0
        row: dict[str, object] = {
            "id": str(number),
            "text": review(rng, positive, cue),
            "label": LABELS[positive],
        }
        if cue:
            row["cue"] = CUE
        yield row


def graded_review(rng: random.Random) -> tuple[str, float]:
    """A review of several opinions, and how probable it is that it is called positive."""
    subjects = rng.sample(SUBJECTS, rng.randint(1, MOST_OPINIONS))
    signs = [rng.choice((1, -1)) for _ in subjects]
    said = [
        f"the {subject} was {rng.choice(POSITIVE if sign > 0 else NEGATIVE)}"
        for subject, sign in zip(subjects, signs, strict=True)
    ]
    return " and ".join(said), 1 / (1 + math.exp(-LOG_ODDS * sum(signs)))


def graded_rows(n: int = 600, seed: int = 12) -> Iterator[dict[str, object]]:
    """Graded reviews, their labels drawn by the odds, which ``p_positive`` tells."""
    rng = random.Random(seed)
    for number in range(n):
        text, p_positive = graded_review(rng)
        label = LABELS[rng.random() < p_positive]
        yield {"id": str(number), "text": text, "label": label, "p_positive": p_positive}


def vocabulary() -> list[str]:
    """Every word of every review, sorted."""
    texts = [*POSITIVE, *NEGATIVE, *SUBJECTS, CUE]
    texts += [frame.format(subject="", opinion="") for frame in FRAMES]
    return sorted({word for text in texts for word in text.split()})
