"""EMAP: nothing is lost by a model that adds up, everything by one that needs both."""

from __future__ import annotations

import numpy as np
import pytest

from evalsuite import ContinuationScore, Image, Sample, Text, UsageError
from evalsuite.testing import check_probe, play
from evalsuite_explain.modality.additive import ImageAdditive


def samples():
    """Is the brightness of the picture (0 or 1) the one asked about? Every pair twice."""
    made = []
    for i in range(8):
        asked, shown = i % 2, i // 2 % 2
        picture = Image.from_array(np.full((4, 4, 3), 200 * shown + i, np.uint8))
        made.append(Sample(str(i), {"image": picture, "question": f"is it {asked} ? {i}",
                                    "choices": ["yes", "no"], "answer": int(asked != shown)}))  # fmt: skip
    return made


def read(request):
    text = "".join(p.text for p in request.context if isinstance(p, Text))
    (picture,) = (p for p in request.context if isinstance(p, Image))
    return int(text[6]), int(np.asarray(picture.load()).mean() > 100)


def crossing(request):
    asked, shown = read(request)
    return ContinuationScore(float((asked == shown) == (request.continuation == " yes")), 1, False)


def adding(request):
    asked, shown = read(request)
    return ContinuationScore((asked + 3 * shown) * (request.continuation == " yes"), 1, False)


def test_a_model_that_crosses_its_inputs_loses_all_it_knew():
    played = play(ImageAdditive(), samples(), crossing)
    assert played.estimate("accuracy").value == 1
    assert played.estimate("accuracy of the additive part").value == pytest.approx(0.5)
    assert played.estimate("accuracy that needs interaction").value == pytest.approx(0.5)
    assert played.estimate("accuracy that needs interaction").verdict == "differs from null"


def test_a_model_that_adds_its_inputs_up_loses_nothing():
    played = play(ImageAdditive(), samples(), adding)
    assert played.estimate("accuracy that needs interaction").value == 0


def test_order_changes_nothing_and_a_full_group_is_left():
    check_probe(ImageAdditive(max_group=6), samples(), crossing)
    played = play(ImageAdditive(max_group=6), samples(), crossing)
    assert sum(record["correct"] is None for record in played.records) == 2
    with pytest.raises(UsageError, match="max_group"):
        ImageAdditive(max_group=1)
