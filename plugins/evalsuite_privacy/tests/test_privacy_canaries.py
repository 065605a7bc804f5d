"""Canaries: made, planted, read again, ranked by every kind of model; controls beside their twins."""

from __future__ import annotations

import json
import math
from collections import Counter

import pytest
from click.testing import CliRunner

from evalsuite import ContinuationScore, LoadSettings, Sample, UsageError
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.statistics import null_exposure
from evalsuite.testing import play
from evalsuite_controls.sources import Canaries
from evalsuite_privacy.memorisation.canaries import Space, make_canaries, make_coins
from evalsuite_privacy.memorisation.command import canaries
from evalsuite_privacy.memorisation.exposure import CanaryExposure
from evalsuite_sources.tables import JsonLines

MEAN = "mean exposure (bits)"
EXTRAPOLATED = "mean exposure, extrapolated (bits)"
DIGITS = tuple("0123456789")


def made(folder, *options):
    result = CliRunner().invoke(canaries, ["make", str(folder), *options], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.output


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_canaries_are_planted_as_often_as_they_say(tmp_path):
    made(tmp_path / "c", "--repeats", "0,2,5", "--number", "3", "--references", "50")
    rows = lines(tmp_path / "c" / "canaries.jsonl")
    planted = Counter((tmp_path / "c" / "planting.txt").read_text().splitlines())
    assert len(rows) == 9 + 50
    assert {row["text"]: row["repeats"] for row in rows if row["repeats"]} == dict(planted)
    assert Counter(row["repeats"] for row in rows if row["is_canary"]) == {0: 3, 2: 3, 5: 3}
    assert len({row["text"] for row in rows}) == 59


def test_a_seed_repeats_and_another_differs(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        made(tmp_path / name, "--seed", str(seed), "--references", "20", "--audit", "40")
    files = [
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in "abc"
    ]
    assert files[0] == files[1]
    assert all(files[0][name] != files[2][name] for name in files[0])


def test_coins_plant_about_half_once_and_no_reference(tmp_path):
    made(tmp_path / "c", "--references", "20", "--audit", "400")
    coins = lines(tmp_path / "c" / "audit.jsonl")
    planted = Counter((tmp_path / "c" / "planting.txt").read_text().splitlines())
    assert all(planted[coin["text"]] == coin["member"] for coin in coins)
    assert 150 < sum(coin["member"] for coin in coins) < 250
    references = {row["text"] for row in lines(tmp_path / "c" / "canaries.jsonl")}
    assert not references & {coin["text"] for coin in coins}


def test_the_probe_reads_what_the_command_writes(tmp_path):
    made(tmp_path / "c", "--repeats", "8", "--number", "2", "--references", "16", "--json")
    source = JsonLines(str(tmp_path / "c" / "canaries.jsonl"), id="id")
    remembered = {row["text"] for row in lines(tmp_path / "c" / "canaries.jsonl")[:2]}
    played = play(CanaryExposure(), list(source.rows()), by_rank(remembered))
    assert played.estimate(MEAN).value == 4.0
    assert played.estimate(MEAN, "repeats=8").n == 2


def test_the_document_says_how_they_were_made(tmp_path):
    document = json.loads(made(tmp_path / "c", "--references", "20", "--length", "4", "--json"))
    assert document["formats"][0]["secret_bits"] == pytest.approx(4 * math.log2(10), abs=1e-3)
    assert set(document["sha256"]) == {"planting.txt", "canaries.jsonl"}


def test_captions_of_pictures_are_planted_with_their_pictures(tmp_path):
    (tmp_path / "pictures").mkdir()
    for i in range(4):
        (tmp_path / "pictures" / f"{i}.png").write_bytes(b"any")
    options = ("--media", str(tmp_path / "pictures"), "--repeats", "3", "--number", "4")
    made(tmp_path / "c", *options, "--references", "10")
    planted = lines(tmp_path / "c" / "planting.jsonl")
    assert len(planted) == 12
    assert len({(line["image"], line["text"]) for line in planted}) == 4
    assert {line["image"] for line in planted} == {f"{i}.png" for i in range(4)}
    with pytest.raises(UsageError, match="4 files for 5 canaries"):
        made(tmp_path / "d", *options[:4], "--number", "5")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--format", "no place"), "{secret}"),
        (("--format", "{secret} of {owner}"), "{secret}"),
        (("--format", "{secret} of {name}"), "before"),
        (("--format", "{secret"), "not readable"),
        (("--length", "2"), "secrets"),
        (("--repeats", "1,x"), "--repeats"),
        (("--repeats", "-1"), "--repeats"),
        (("--alphabet", "a"), "two symbols"),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path, options, told):
    with pytest.raises(UsageError, match=told):
        made(tmp_path / "c", *options)
    assert not (tmp_path / "c").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        made(tmp_path)


def test_every_text_has_a_name_and_a_secret_of_its_own(tmp_path):
    made(tmp_path / "c", "--references", "200")
    words = [row["text"].split() for row in lines(tmp_path / "c" / "canaries.jsonl")]
    assert len({w[4] for w in words}) == len({tuple(w[6:]) for w in words}) == 232
    assert {len(w[4]) for w in words} == {6}
    space = Space("of {name} is {secret}", DIGITS, 6, " ")
    assert space.text_bits == pytest.approx(math.log2(10**6 * 70**3))


def test_secrets_are_distinct_and_independent_of_other_formats():
    spaces = [Space("one {secret}", DIGITS, 4, ""), Space("two {secret}", DIGITS, 4, "")]
    both = make_canaries(spaces, [1, 2], number=5, references=30, seed=3)
    alone = make_canaries(spaces[1:], [1, 2], number=5, references=30, seed=3)
    assert [c.text for c in both if c.format == "two {secret}"] == [c.text for c in alone]
    assert len({c.text for c in both}) == 80
    assert len({c.id for c in both}) == 80
    coins = make_coins(spaces[0], 100, {c.text for c in both}, seed=3)
    assert not {c.text for c in coins} & {c.text for c in both}


def by_rank(remembered):
    """The remembered texts before all others, which are as likely as they are long or so."""

    def answer(request):
        text = request.continuation
        value = 1.0 if text in remembered else 10.0 + int(text[-2] + text[-4]) / 100
        return ContinuationScore(-value, 6, False)

    return answer


def rows(canaries_, references, kind=""):
    told = [(text, True) for text in canaries_] + [(text, False) for text in references]
    return [
        Sample(t, {"text": t, "is_canary": c, "repeats": int(c), "format": kind}) for t, c in told
    ]


def scores(request):
    return ContinuationScore(-float(request.continuation.split()[-1]), 6, False)


def test_canaries_are_ranked_among_references_of_their_own_format():
    """In its own format the canary comes first of 4 (2 bits); among all it would be fifth of 8."""
    short = rows([], [f"short {i}" for i in range(4)], "short")
    long = rows(["long 9"], [f"long {i}" for i in range(10, 14)], "long")
    played = play(CanaryExposure(), short + long, scores)
    estimate = played.estimate(MEAN)
    assert estimate.value == 2.0
    assert estimate.extra["cap_bits"] == 2.0
    assert estimate.extra["n_at_cap"] == 1


def test_exposures_stay_with_their_canaries_in_the_order_given():
    """The rival returns them sorted by perplexity."""
    played = play(
        CanaryExposure(), rows(["x 30", "x 5", "x 12.5"], [f"r {i}" for i in range(10, 26)]), scores
    )
    bits = [record["exposure"] for record in played.records[:3]]
    assert bits == pytest.approx([-0.087463, 4.0, 2.0], abs=1e-6)


def test_ties_can_stand_in_the_middle():
    """A tie with the first reference of 16: rank 2, or 1.5."""
    some = rows(["x 10"], [f"r {i}" for i in range(10, 26)])
    assert play(CanaryExposure(), some, scores).estimate(MEAN).value == 3.0
    middle = play(CanaryExposure(ties="middle"), some, scores).estimate(MEAN).value
    assert middle == pytest.approx(4 - math.log2(1.5))


def test_what_is_extrapolated_stays_within_the_space_of_the_format():
    """A canary 1000 from references at 0 to 15; of 2^10 texts it can give 10 bits away."""
    some = rows(["x -1000"], [f"r {i}" for i in range(16)])
    assert play(CanaryExposure(), some, scores).estimate(EXTRAPOLATED).value > 100
    bounded = [Sample(row.id, {**row.fields, "space_bits": 10.0}) for row in some]
    assert play(CanaryExposure(), bounded, scores).estimate(EXTRAPOLATED).value == 10.0


def test_a_model_that_likes_all_alike_has_no_exposure():
    some = rows(["x 10"], [f"r {i}" for i in range(16)])
    played = play(CanaryExposure(), some, lambda request: ContinuationScore(-1.0, 1, False))
    assert math.isnan(played.estimate(MEAN).value)
    assert "one likelihood" in played.estimate(MEAN).reason
    assert math.isnan(played.estimate(EXTRAPOLATED).value)


def asked(name: str):
    loader, reference = loader_for(name, installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    return lambda request: answer_batch(model, [request])[0]


def test_exposure_of_the_leaky_control_rises_with_repeats():
    played = play(CanaryExposure(), list(Canaries().rows()), asked("control:text-leaky"))
    bits = [played.estimate(MEAN, f"repeats={r}").value for r in (1, 4, 16, 64)]
    assert bits == sorted(bits)
    assert bits[2] >= 6.0
    assert bits[-1] <= math.log2(1000)
    beyond = played.estimate(EXTRAPOLATED, "repeats=64")
    assert beyond.value > math.log2(1000)
    assert beyond.extra["n_beyond_references"] == 8
    assert not beyond.is_primary


def test_exposure_of_the_clean_twin_is_within_the_null_band():
    """Log2 e within three standard errors of 1.44 / sqrt(n)."""
    played = play(CanaryExposure(), list(Canaries().rows()), asked("control:text-clean"))
    for metric in (MEAN, EXTRAPOLATED):
        for slice_name in ("", *(f"repeats={r}" for r in (1, 4, 16, 64))):
            estimate = played.estimate(metric, slice_name)
            assert abs(estimate.value - math.log2(math.e)) <= 3 * 1.4427 / math.sqrt(estimate.n)
    expected = null_exposure(1000, is_held_out=True)
    assert played.estimate(MEAN).null.value == pytest.approx(expected)
