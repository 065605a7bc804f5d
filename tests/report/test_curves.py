"""Curves over a dial: what is drawn, and what belongs together."""

from __future__ import annotations

from dataclasses import replace

from evalsuite.metric import Estimate
from evalsuite.report.charts import draw
from evalsuite.report.curves import curves, dial_of
from evalsuite.store import JobResult

CARD = {"measures": "", "does_not_measure": "", "reference": "", "critique": ""}


def job(model: str, value: float, told: str = "", **variant) -> JobResult:
    """A job with a word error rate, under a variant where one is given."""
    label = "audio/transcription" + (f" under {told}" if told else "")
    estimates = (
        Estimate("word error rate", value, value - 0.1, value + 0.1, n=10, is_primary=True,
                 direction="lower is better"),
        Estimate("word error rate lost", value - 0.2, value - 0.3, value - 0.1, n=10),
    )  # fmt: skip
    return JobResult(
        f"{model}--{told}", model, "audio/transcription", "task", "speech", "finished",
        label=label, n_samples=10, estimates=estimates if told else estimates[:1], card=CARD,
        variant=variant, base=f"{model}--" if told else "",
    )  # fmt: skip


def noisy(model: str, value: float, snr_db: float) -> JobResult:
    variant = {"variant": "audio/babble", "snr_db": snr_db, "talkers": 3}
    return job(model, value, f"audio/babble {snr_db} talkers=3", **variant)


RESULTS = [
    job("one", 0.2), job("two", 0.3),
    *(noisy("one", value, snr) for value, snr in ((0.3, 20), (0.6, 10), (1.4, 0))),
    *(noisy("two", value, snr) for value, snr in ((0.4, 20), (0.5, 10), (0.9, 0))),
]  # fmt: skip


def layers(chart):
    return [layer["data"]["values"] for layer in chart["layer"]]


def test_a_rate_above_one_is_drawn_where_it_is():
    (section,) = curves(RESULTS)
    (chart,) = section.charts
    assert (
        chart["description"] == "audio/transcription: word error rate under audio/babble talkers=3"
    )
    points = [p for layer in layers(chart) for p in layer if "value" in p]
    assert {(p["model"], p["dial"], p["value"]) for p in points} >= {("one", 0.0, 1.4)}
    assert chart["title"]["text"].endswith("under audio/babble talkers=3 (↓ lower is better)")
    assert "one" in draw(chart)


def test_the_milder_setting_stands_first():
    (section,) = curves(RESULTS)
    x = section.charts[0]["layer"][0]["encoding"]["x"]
    assert x["title"] == "snr in dB"
    assert x["scale"]["reverse"] is True


def test_every_model_has_its_clean_value():
    (section,) = curves(RESULTS)
    clean = {
        (p["model"], p["clean"])
        for layer in layers(section.charts[0])
        for p in layer
        if "clean" in p
    }
    assert clean == {("one", 0.2), ("two", 0.3)}


def test_the_dial_is_found_whatever_else_was_chosen():
    assert [dial_of(r) for r in RESULTS if r.variant] == [20, 10, 0, 20, 10, 0]
    only_talkers = job("one", 0.2, "audio/babble talkers=3", variant="audio/babble", talkers=3)
    assert dial_of(only_talkers) is None


def test_the_same_variant_with_other_options_is_another_curve():
    other = [
        job(
            "one",
            0.5,
            f"audio/babble {snr} talkers=8",
            variant="audio/babble",
            snr_db=snr,
            talkers=8,
        )
        for snr in (20, 10)
    ]
    (section,) = curves([*RESULTS, *other])
    assert len(section.charts) == 2
    rows = section.tables[0].rows
    assert len(rows) == 8
    assert rows[0][2] == "audio/babble talkers=3 20"
    told = [text.replace("\N{NO-BREAK SPACE}", " ") for text in rows[0][4:7]]
    assert told == ["0.200 [0.100, 0.300]", "0.300 [0.200, 0.400]", "0.100 [0.000, 0.200]"]


def test_the_share_of_the_clean_value_stands_beside_the_loss():
    risen = Estimate("word error rate relative rise", 0.5, 0.25, 0.75, n=10)
    harder = replace(RESULTS[2], estimates=(*RESULTS[2].estimates, risen))
    (section,) = curves([RESULTS[0], harder])
    (table,) = section.tables
    told = table.rows[0][table.columns.index("share lost")]
    assert told.replace("\N{NO-BREAK SPACE}", " ") == "0.500 [0.250, 0.750]"


def test_one_setting_is_no_curve_but_has_its_row():
    (section,) = curves([RESULTS[0], RESULTS[2]])
    assert not section.charts
    assert len(section.tables[0].rows) == 1
