"""Audio-text retrieval: chance is chance, perfect is 1, also at ten places; a control on sounds."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from evalsuite import Audio, DataError, EmbedAudio, Embedding, Failure, LoadSettings, Sample, Text
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.retrieval import Pairs, expectation, standing
from evalsuite.testing import check_probe, play
from evalsuite_audio.tasks.retrieval import Retrieval
from evalsuite_controls.data.sounds import TEMPLATES
from evalsuite_controls.sources import Sounds

WAYS = ("audio to text", "text to audio")
NAMES = ("R@1", "R@5", "R@10", "MRR", "mAP", "mAP@10", "median rank")


def clip(number: int) -> Audio:
    return Audio.from_array(np.full(8, 0.01 * (number + 1), np.float32), 8000)


def samples(count: int, captions: int = 5) -> list[Sample]:
    return [
        Sample(str(i), {"audio": clip(i), "captions": [f"clip {i} {j}" for j in range(captions)]})
        for i in range(count)
    ]


def constant(request):
    return Embedding(np.linspace(0.01, 0.3, 37, dtype=np.float32))


def perfect_for(rows):
    """Every clip has a direction; its captions lie nearer the later they stand."""
    place = {row["audio"]: i for i, row in enumerate(rows)}

    def answer(request):
        vector = np.zeros(len(rows) + 1, np.float32)
        if isinstance(request, EmbedAudio):
            vector[place[request.audio]] = 1.0
            return Embedding(vector)
        _, number, nth = request.text.split()
        vector[int(number)] = 0.9 + 0.02 * int(nth)
        vector[-1] = math.sqrt(1 - vector[int(number)] ** 2)
        return Embedding(vector)

    return answer


def test_a_perfect_retriever_gets_one_and_not_more():
    """LAION-CLAP's evaluation pairs the ranks of the five captions with 1..5 in the captions' own
    order, not by rank. A perfect retriever that ranks them 5 4 3 2 1 then gets 1.74."""
    rows = samples(20)
    played = play(Retrieval(), rows, perfect_for(rows))
    for way in WAYS:
        for name in NAMES:
            assert played.estimate(f"{name} {way}").value == 1.0
    assert played.estimate("rsum").value == 600.0
    unsorted = sum(nth / rank for nth, rank in zip((1, 2, 3, 4, 5), (5, 4, 3, 2, 1))) / 5
    assert unsorted == pytest.approx(1.74)


def test_precision_at_ten_by_hand():
    # right ones at ranks 1, 4 and 11 of 12: (1/1 + 2/4) / 3, the third is beyond ten places
    scores = np.arange(12, 0, -1, dtype=np.float32)[None]
    found = standing(lambda part: scores[part], Pairs.of([0, 0, 0], [0, 3, 10], 12))
    assert expectation.average_precision(found, at=10)[0] == pytest.approx(1.5 / 3)
    assert expectation.average_precision(found)[0] == pytest.approx((1 + 2 / 4 + 3 / 11) / 3)


def test_twelve_right_captions_can_fill_ten_places():
    # of 12 right ones only 10 have a place: min(12, 10) = 10 shares of 1
    scores = np.arange(20, 0, -1, dtype=np.float32)[None]
    found = standing(lambda part: scores[part], Pairs.of([0] * 12, range(12), 20))
    assert expectation.average_precision(found, at=10).tolist() == [1.0]


def test_a_constant_model_retrieves_at_chance():
    played = play(Retrieval(), samples(20), constant)
    for way in WAYS:
        for name in NAMES:
            estimate = played.estimate(f"{name} {way}")
            assert estimate.value == pytest.approx(estimate.null.value, abs=1e-12)
            assert estimate.unit == "audio_id"
    # 5 of 100 captions are right; of 20 clips one
    assert played.estimate("R@1 audio to text").value == pytest.approx(0.05)
    assert played.estimate("R@5 text to audio").value == pytest.approx(0.25)
    # one right clip of 20, at each place with 1/20: (1 + 1/2 + ... + 1/10) / 20
    expected = sum(1 / place for place in range(1, 11)) / 20
    assert played.estimate("mAP@10 text to audio").value == pytest.approx(expected)


def test_a_model_that_refuses_has_no_figures():
    played = play(Retrieval(), samples(5), lambda request: Failure("refused", "no"))
    assert all(math.isnan(e.value) and e.reason for e in played.estimates)


def test_the_contract_of_audio_retrieval_is_kept():
    check_probe(Retrieval(), samples(40, captions=1), constant)
    check_probe(Retrieval(), samples(12), perfect_for(samples(12)))


def test_a_clip_without_a_caption_is_refused():
    with pytest.raises(DataError, match="captions must be"):
        play(Retrieval(), [Sample("0", {"audio": clip(0), "captions": []})], constant)


def test_a_text_where_the_clip_should_be_is_refused():
    with pytest.raises(DataError, match="no image or clip to embed"):
        play(Retrieval(), [Sample("0", {"audio": Text(""), "captions": "a"})], constant)


def test_audio_retrieval_is_registered():
    assert installed().require("probe", "audio/retrieval").load() is Retrieval


def test_the_control_finds_kinds_of_sound_by_their_words():
    loader, reference = loader_for("control:sounds-clean", installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    rows = [
        Sample(s.id, {"audio": s["audio"], "captions": [t.format(s["label"]) for t in TEMPLATES]})
        for s in Sounds(limit=20).rows()
    ]
    answers = {"embed_audio": model.embed_audio, "embed_text": model.embed_text}
    known = cache(lambda request: answers[request.method]([request])[0])
    played = play(Retrieval(), rows, known)
    for way in WAYS:
        for name in ("R@1", "mAP@10"):
            estimate = played.estimate(f"{name} {way}")
            assert estimate.value > 0.6
            assert estimate.verdict == "differs from null"
