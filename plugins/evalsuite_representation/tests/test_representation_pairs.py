"""Geometry of pairs: known values by hand, equal vectors at chance, copies no other rows."""

from __future__ import annotations

import math
import zlib

import numpy as np
import pytest
from scipy.stats import skew

from evalsuite import Audio, EmbedAudio, Embedding, EmbedImage, EmbedText, Image, Sample
from evalsuite.testing import check_probe, play
from evalsuite_representation.geometry import (
    effective_rank,
    even_uniformity,
    k_occurrences,
    mean_cosine,
    modality_gap,
    neighbour_shares,
    random_skewness,
    skewness,
    squared_distances_to_others,
    uniformity,
    unit_rows,
)
from evalsuite_representation.pairs import PairGeometry, gap_of
from evalsuite_representation.towers import TowerSimilarity


def rows(seed: int, n: int = 40, d: int = 8):
    return unit_rows(np.random.default_rng(seed).normal(size=(n, d)))


def samples(n: int) -> list[Sample]:
    pixels = [np.full((2, 2, 3), i, np.uint8) for i in range(n)]
    return [
        Sample(f"{i:03}", {"image": Image.from_array(p), "caption": f"c{i}"})
        for i, p in enumerate(pixels)
    ]


def number_of(request) -> int:
    if isinstance(request, EmbedText):
        return int(request.text[1:])
    return int(np.asarray(request.image.load())[0, 0, 0])


def towers(x, y):
    """Answers from a table of image vectors and one of caption vectors."""

    def answer(request) -> Embedding:
        table = x if isinstance(request, EmbedImage) else y
        return Embedding(table[number_of(request)].astype(np.float32))

    return answer


def noise(request) -> Embedding:
    vector = np.random.default_rng(zlib.crc32(request.digest.encode())).normal(size=8)
    return Embedding((vector / np.linalg.norm(vector)).astype(np.float32))


def constant(request) -> Embedding:
    return Embedding(np.full(4, 0.5, np.float32))


def test_the_gap_by_hand():
    # means (1/2, 1/2) and (0, 0): a gap of sqrt(1/2); with the first pair alone |(1,0) - (0,1)|
    x, y = np.array([[1.0, 0], [0, 1]]), np.array([[0.0, 1], [0, -1]])
    found = modality_gap(x, y, np.array([[1.0, 1], [3, 0]]))
    assert found == pytest.approx([0.5**0.5, 2**0.5])


def test_the_gap_of_two_opposite_cones_is_twice_the_cosine_of_their_angle():
    # Unit vectors at the angles +-a around 0 have the mean (cos a, 0), those around 180 degrees
    # (-cos a, 0): the gap is 2 cos a, here .913679. The same cloud on both sides has none.
    x, y = 0.913679 / 2, math.sqrt(1 - (0.913679 / 2) ** 2)
    images, texts = np.array([[x, y], [x, -y]]), np.array([[-x, y], [-x, -y]])
    assert modality_gap(images, texts) == pytest.approx([0.913679], abs=1e-6)
    assert modality_gap(images, images) == pytest.approx([0.0], abs=1e-12)


def test_uniformity_and_mean_cosine_by_hand():
    # cosines of three rows: 0, 1, 0; squared distances 2, 0, 2
    x = np.array([[1.0, 0], [0, 1], [1, 0]])
    assert uniformity(x)[0] == pytest.approx(math.log((2 * math.exp(-4) + 1) / 3))
    assert mean_cosine(x)[0] == pytest.approx(1 / 3)
    # the first row drawn twice and the second once: one pair of different rows is left
    counts = np.array([[2.0, 1, 0]])
    assert uniformity(x, counts)[0] == pytest.approx(-4)
    assert mean_cosine(x, counts)[0] == pytest.approx(0)
    assert np.isnan(uniformity(x, np.array([[3.0, 0, 0]]))[0])


def test_copies_in_a_resample_do_not_raise_the_mean_cosine():
    # by expectation over resamples the statistic with counts is that of the data; taking copies
    # for other rows would add about (1 - mean) / n = 0.05
    x, rng = rows(0, 20), np.random.default_rng(1)
    counts = rng.multinomial(20, np.full(20, 1 / 20), size=4000).astype(float)
    assert mean_cosine(x, counts).mean() == pytest.approx(mean_cosine(x)[0], abs=0.005)


def test_vectors_spread_evenly_reach_the_null():
    x = rows(0, 3000, 16)
    assert uniformity(x)[0] == pytest.approx(even_uniformity(16), abs=0.01)
    assert mean_cosine(x)[0] == pytest.approx(0, abs=0.002)


def test_effective_rank_counts_directions():
    assert effective_rank(np.eye(6)) == pytest.approx(6)
    assert effective_rank(np.ones((5, 3))) == pytest.approx(1)
    # singular values 3 and 1: exp(-(3/4 log 3/4 + 1/4 log 1/4))
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert effective_rank(np.diag([3.0, 1.0])) == pytest.approx(math.exp(entropy))
    assert math.isnan(effective_rank(np.zeros((3, 2))))


def test_occurrences_count_neighbours_and_ties_draw_lots():
    shares = neighbour_shares(np.array([[0.9, 0.5, 0.5, 0.1]]), 2)
    assert shares.tolist() == [[1, 0.5, 0.5, 0]]
    queries = np.array([[1.0, 0], [1, 0], [0, 1]])
    assert k_occurrences(queries, np.array([[1.0, 0], [0, 1], [-1, 0]]), 1).tolist() == [2, 1, 0]


def test_hubness_is_the_skewness_of_scipy():
    values = np.random.default_rng(0).exponential(size=50)
    assert skewness(values)[0] == pytest.approx(skew(values))
    repeated = np.repeat(values, [2] * 25 + [0] * 25)
    counts = np.array([[2.0] * 25 + [0.0] * 25])
    assert skewness(values, counts)[0] == pytest.approx(skew(repeated))
    assert np.isnan(skewness(np.full(5, 3.0))[0])
    # binomial of n = 100 and p = 1/10: 0.8 / 3
    assert random_skewness(100, 100, 10) == pytest.approx(0.8 / 3)


def test_distance_to_others_by_hand():
    x, y = np.array([[1.0, 0], [0, 1]]), np.array([[1.0, 0], [0, 1]])
    assert squared_distances_to_others(x, y).tolist() == [2, 2]


def test_no_gap_is_compatible_with_swapped_pairs_and_a_gap_is_not():
    outside = 0
    for seed in range(40):
        found = gap_of(rows(seed), rows(seed + 100), np.random.default_rng(seed))
        assert found.low <= found.value <= found.high
        outside += found.low > found.null
    assert outside <= 4
    moved = unit_rows(rows(0) + 0.5)
    found = gap_of(moved, rows(1), np.random.default_rng(0))
    assert found.low > found.null
    assert found.p_value < 0.01


def test_pairs_that_agree_are_perfect():
    x = rows(0, 60)
    played = play(PairGeometry(), samples(60), towers(x, x))
    assert played.estimate("modality gap").value == 0
    alignment = played.estimate("alignment")
    assert alignment.value == pytest.approx(0, abs=1e-12)
    assert alignment.verdict == "differs from null"
    similarity = play(TowerSimilarity(k=5, permutations=50), samples(60), towers(x, x))
    assert similarity.estimate("debiased CKA").value == pytest.approx(1)
    assert similarity.estimate("mutual nearest neighbours").value == 1.0


def test_equal_vectors_are_exactly_chance():
    played = play(PairGeometry(), samples(30), constant)
    alignment = played.estimate("alignment")
    assert alignment.value == pytest.approx(alignment.null.value, abs=1e-12)
    gap = played.estimate("modality gap")
    assert (gap.value, gap.null.value) == (0, 0)
    assert played.estimate("uniformity of image").value == pytest.approx(0)
    assert played.estimate("mean cosine of text").value == pytest.approx(1)
    assert played.estimate("effective rank of text").value == pytest.approx(1)
    assert "equally often" in played.estimate("hubness of text").reason
    similarity = play(TowerSimilarity(k=5, permutations=20), samples(30), constant)
    assert "do not vary" in similarity.estimate("debiased CKA").reason
    common = similarity.estimate("mutual nearest neighbours")
    assert common.value == pytest.approx(common.null.value, abs=1e-12)


def test_estimates_are_those_of_the_functions_whatever_the_order():
    x, y = rows(5, 40).astype(np.float32), rows(6, 40).astype(np.float32)
    for order in (samples(40), samples(40)[::-1]):
        played = play(PairGeometry(k=4), order, towers(x, y))
        for name, vectors in (("image", unit_rows(x)), ("text", unit_rows(y))):
            for metric, function in (
                ("uniformity", uniformity),
                ("mean cosine", mean_cosine),
                ("effective rank", effective_rank),
            ):
                found = played.estimate(f"{metric} of {name}").value
                assert found == pytest.approx(float(np.ravel(function(vectors))[0])), metric
        occurrences = k_occurrences(unit_rows(y), unit_rows(x), 4)
        assert played.estimate("hubness of image").value == pytest.approx(skew(occurrences))
        assert played.estimate("modality gap").value == pytest.approx(
            modality_gap(unit_rows(x), unit_rows(y))[0]
        )


def test_noise_is_compatible_with_every_null():
    answer = towers(rows(3, 100, 16), rows(4, 100, 16))
    geometry = play(PairGeometry(), samples(100), answer)
    for name in ("modality gap", "alignment"):
        assert geometry.estimate(name).verdict == "compatible with null", name
    similarity = play(TowerSimilarity(permutations=50), samples(100), answer)
    for name in ("debiased CKA", "mutual nearest neighbours"):
        assert similarity.estimate(name).verdict == "compatible with null", name


def test_towers_that_agree_but_for_noise_are_found_alike():
    x = rows(0, 100, 16)
    other = unit_rows(x + 0.1 * np.random.default_rng(9).normal(size=x.shape)) + 0.5
    similarity = play(TowerSimilarity(permutations=50), samples(100), towers(x, other))
    for name in ("debiased CKA", "mutual nearest neighbours"):
        assert similarity.estimate(name).verdict == "differs from null", name
    cka = similarity.estimate("linear CKA (biased)")
    assert cka.null.value > similarity.estimate("debiased CKA").null.value
    assert math.isnan(cka.low)


def test_each_image_is_used_once_with_its_first_caption():
    first = samples(12)
    again = [
        Sample(f"{i:03}x", {"image": s["image"], "caption": ["c1", "c2"]})
        for i, s in enumerate(first)
    ]
    played = play(PairGeometry(k=3), [*again, *first], noise)
    assert played.estimate("modality gap").n == 12
    assert [r["is_used"] for r in played.records] == [False] * 12 + [True] * 12
    limited = play(PairGeometry(k=3, max_pairs=8), first, noise)
    assert limited.estimate("uniformity of text").n == 8


def test_clips_are_asked_as_audio():
    clip = Audio.from_array(np.zeros(8, np.float32), 8000)
    sample = Sample("0", {"audio": clip, "caption": "silence"})
    for probe in (PairGeometry(medium="audio"), TowerSimilarity(medium="audio")):
        assert probe.needs == (EmbedAudio, EmbedText)
        asked = play(probe, [sample], constant).requests
        assert [type(request) for request in asked] == [EmbedAudio, EmbedText]


def test_too_few_pairs_are_undefined_with_a_reason():
    for probe in (PairGeometry(), TowerSimilarity()):
        played = play(probe, samples(2), noise)
        assert all(math.isnan(e.value) and e.reason for e in played.estimates)


def test_options_without_meaning_are_refused():
    with pytest.raises(ValueError, match="image, audio"):
        PairGeometry(medium="text")
    with pytest.raises(ValueError, match="max_pairs"):
        TowerSimilarity(max_pairs=1)
    with pytest.raises(ValueError, match="k must"):
        PairGeometry(k=0)


@pytest.mark.parametrize("probe", [PairGeometry(k=3), TowerSimilarity(k=3, permutations=10)])
def test_the_contract_is_kept(probe):
    check_probe(probe, samples(15), noise)
