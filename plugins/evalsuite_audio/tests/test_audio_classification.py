"""Audio classifiers: rates by hand, against scikit-learn, label names, groups, speakers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from evalsuite import Audio, Classification, DataError, Failure, Sample
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_audio.tasks.classification import Classification as Probe

EMOTIONS = ("anger", "joy", "neutral")
RNG = np.random.default_rng(0)


def rows(labels, **more) -> list[Sample]:
    return [
        Sample(
            str(i),
            {
                "audio": Audio.from_array(np.full(8, 0.001 * (i + 1), np.float32), 8000),
                "label": label,
                **{name: values[i] for name, values in more.items()},
            },
        )
        for i, label in enumerate(labels)
    ]


def hears(samples, heard, sureness=0.8, names=EMOTIONS):
    """Gives the label that is heard this probability, the others the rest in equal parts."""
    of_clip = {s["audio"]: label for s, label in zip(samples, heard, strict=True)}

    def answer(request):
        rest = (1 - sureness) / (len(names) - 1)
        said = of_clip[request.content[0]]
        return Classification(names, tuple(sureness if n == said else rest for n in names))

    return answer


LABELS = ["anger"] * 12 + ["joy"] * 6 + ["neutral"] * 6
SAMPLES = rows(LABELS)


def test_right_labels_score_one_everywhere():
    played = play(Probe(), SAMPLES, hears(SAMPLES, LABELS))
    for name in ("accuracy", "balanced accuracy", "macro-F1", "MCC"):
        assert played.estimate(name).value == 1.0
    # always right with confidence .8: off by .2
    assert played.estimate("calibration error").value == pytest.approx(0.2)


def test_weighted_and_unweighted_accuracy_by_hand():
    # all taken for anger: 12 of 24 right; recalls 1, 0, 0, so the unweighted mean is 1/3
    played = play(Probe(), SAMPLES, hears(SAMPLES, ["anger"] * 24))
    assert played.estimate("accuracy").value == 0.5
    assert played.estimate("balanced accuracy").value == pytest.approx(1 / 3)
    for name in ("accuracy", "balanced accuracy"):
        estimate = played.estimate(name)
        assert estimate.value == pytest.approx(estimate.null.value)
        assert estimate.verdict == "compatible with null"


def test_equal_probabilities_share_the_credit():
    played = play(Probe(), SAMPLES, lambda request: Classification(EMOTIONS, (1 / 3,) * 3))
    assert played.estimate("balanced accuracy").value == pytest.approx(1 / 3)
    calibration = played.estimate("calibration error")
    assert calibration.value == pytest.approx(0, abs=1e-12)
    assert calibration.verdict == "compatible with null"


def test_rates_agree_with_scikit_learn():
    labels, heard = RNG.choice(EMOTIONS, 80), RNG.choice(EMOTIONS, 80)
    samples = rows(labels.tolist())
    played = play(Probe(), samples, hears(samples, heard.tolist()))
    expected = balanced_accuracy_score(labels, heard)
    assert played.estimate("balanced accuracy").value == pytest.approx(expected, abs=1e-12)
    expected = f1_score(labels, heard, average="macro")
    assert played.estimate("macro-F1").value == pytest.approx(expected, abs=1e-12)


def test_labels_of_the_model_may_be_called_otherwise():
    names = ("ang", "hap", "neu", "exc")
    short = {"anger": "ang", "joy": "exc", "neutral": "neu"}
    probe = Probe(labels={"ang": "anger", "hap": "joy", "exc": "joy", "neu": "neutral"})
    played = play(probe, SAMPLES, hears(SAMPLES, [short[x] for x in LABELS], 0.4, names))
    assert played.estimate("accuracy").value == 1.0
    # joy is .4 for exc and .2 for hap together
    assert played.records[12]["confidence"] == pytest.approx(0.6)
    assert played.records[12]["predicted"] == "joy"


def test_a_label_that_the_model_lacks_names_both_lists():
    samples = rows(["anger", "fear"])
    message = r"'fear' is not among the model's: anger, joy, neutral; the data have: anger, fear"
    with pytest.raises(DataError, match=message):
        play(Probe(), samples, hears(samples, ["anger", "joy"]))
    with pytest.raises(DataError, match=r"'hap' is no label of the model, which has: anger"):
        play(Probe(labels={"hap": "joy"}), SAMPLES, hears(SAMPLES, LABELS))


def test_groups_have_rates_of_their_own():
    # group B is taken for anger throughout: 6 of 12 right; recalls 1, 0, 0
    groups = ["A", "B"] * 12
    heard = [x if g == "A" else "anger" for x, g in zip(LABELS, groups)]
    samples = rows(LABELS, group=groups)
    played = play(Probe(), samples, hears(samples, heard))
    assert played.estimate("accuracy", "group=A").value == 1.0
    assert played.estimate("accuracy", "group=B").value == 0.5
    assert played.estimate("balanced accuracy", "group=B").value == pytest.approx(1 / 3)


def test_without_groups_there_are_no_slices_of_them():
    slices = {e.slice for e in play(Probe(), SAMPLES, hears(SAMPLES, LABELS)).estimates}
    assert not any("group" in name for name in slices)


def test_speakers_are_resampled_whole_where_asked():
    # each speaker is right always or never: 4 units, not 24
    speakers = [f"s{i % 4}" for i in range(24)]
    heard = [x if s in ("s0", "s1") else "nothing" for x, s in zip(LABELS, speakers)]
    samples = rows(LABELS, speaker=speakers)
    answer = hears(samples, heard, names=(*EMOTIONS, "nothing"))
    alone = play(Probe(), samples, answer)
    whole = play(Probe(cluster_by="speaker"), samples, answer)
    for name in ("accuracy", "balanced accuracy"):
        one, other = alone.estimate(name), whole.estimate(name)
        assert one.value == other.value
        assert other.unit == "speaker"
        assert other.high - other.low > one.high - one.low


def test_a_model_that_refuses_has_no_rates():
    played = play(Probe(), SAMPLES, lambda request: Failure("refused", "no"))
    assert all(math.isnan(e.value) and e.reason for e in played.estimates)


def test_the_contract_of_audio_classification_is_kept():
    check_probe(Probe(), SAMPLES, hears(SAMPLES, LABELS[::-1]))


def test_audio_classification_is_registered():
    assert installed().require("probe", "audio/classification").load() is Probe
