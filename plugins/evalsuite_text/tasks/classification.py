"""Labels of a text classifier against the right ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evalsuite import Card
from evalsuite.classification import ClassificationTask


@dataclass(frozen=True)
class Classification(ClassificationTask):
    """Compare a classifier's most probable label with the field ``label``."""

    medium: ClassVar[str] = "text"
    name: ClassVar[str] = "text/classification"
    card: ClassVar[Card] = Card(
        measures="How often the most probable label is the right one, against always saying the "
        "most frequent label; the recall of each label, and their mean (balanced accuracy) "
        "against one over the number of labels; macro-F1 and the Matthews correlation, against "
        "labels given independently of the text.",
        does_not_measure="Whether the label was found for a good reason.",
        reference="Brodersen et al. 2010, ICPR, on balanced accuracy",
        critique="Accuracy rewards the majority label where labels are unbalanced.",
    )
