"""A site has what its runs found: the same bytes for the same runs, and pages that stay."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from compare.written_runs import ACCURACY, use_metrics
from published.dated_runs import BAD, GOOD, answered, dated, files_of, three_runs

from evalsuite.cli import run as run_command
from evalsuite.compare import Subject, compare
from evalsuite.errors import StoreError, UsageError
from evalsuite.site import archive, publish
from evalsuite.site.history import histories
from evalsuite.site.leaderboard import leaderboard
from evalsuite.site.measurements import measures, slug
from evalsuite.site.pages import names_of
from evalsuite.store import Run, SampleRow, Store


@pytest.fixture(autouse=True)
def accuracy(monkeypatch):
    use_metrics(monkeypatch, ACCURACY)


@pytest.fixture
def runs(tmp_path) -> list[Run]:
    return three_runs(tmp_path / "runs")


@pytest.fixture
def site(runs, tmp_path) -> Path:
    publish(runs, tmp_path / "site")
    return tmp_path / "site"


def found_in(runs):
    named = [replace(run, name=archive.run_id(run)) for run in runs]
    return measures([(run, "report.html") for run in named]), names_of(named)


# ------------------------------------------------------------------------------------------------
# Pages that stay
# ------------------------------------------------------------------------------------------------


def test_the_same_runs_give_the_same_bytes(runs, site, tmp_path):
    publish(runs, tmp_path / "again")
    assert files_of(tmp_path / "again") == files_of(site)


def test_publishing_again_changes_nothing(runs, site):
    before = files_of(site)
    made = publish(runs[:2], site)
    assert made.added == ()
    assert len(made.kept) == 2
    assert files_of(site) == before


def test_one_by_one_is_as_all_at_once(runs, site, tmp_path):
    for run in runs:
        publish([run], tmp_path / "slowly")
    assert files_of(tmp_path / "slowly") == files_of(site)


def test_a_report_stays_when_others_come(runs, tmp_path):
    publish(runs[:1], tmp_path / "site")
    (page,) = (tmp_path / "site" / "reports").iterdir()
    page.write_text("as it was published")
    publish(runs, tmp_path / "site")
    assert page.read_text() == "as it was published"
    assert len(list((tmp_path / "site" / "reports").iterdir())) == 3


def test_a_site_grows_when_the_first_runs_are_gone(runs, site, tmp_path):
    """Of what it kept itself."""
    for run in runs[:2]:
        publish([run], tmp_path / "other")
        for file in sorted(run.path.rglob("*"), reverse=True):
            file.unlink() if file.is_file() else file.rmdir()
    publish(runs[2:], tmp_path / "other")
    assert files_of(tmp_path / "other") == files_of(site)


def test_a_run_has_one_address_and_another_run_another(runs, tmp_path):
    assert len({archive.run_id(run) for run in runs}) == 3
    moved = runs[0].path.rename(tmp_path / "elsewhere")
    assert archive.run_id(Run.open(moved)) == archive.run_id(runs[0])


def test_together_is_one_report_of_all(runs, tmp_path):
    made = publish(runs[:2], tmp_path / "site", together=True)
    (page,) = made.added
    assert "m:c" in page.read_text()
    assert len(list((tmp_path / "site" / "runs").iterdir())) == 2


# ------------------------------------------------------------------------------------------------
# Leaderboards and histories
# ------------------------------------------------------------------------------------------------


def test_a_leaderboard_has_the_newest_figure_of_each_model_and_the_comparisons_letters(runs):
    (measure,), names = found_in(runs)
    (board,) = leaderboard(measure, names).boards
    # By hand: c is right on 38 of 40; a, in December, and b on the same 20 of 40.
    told = [(p.model, p.letters, p.value, p.measurement.day) for p in board.places]
    assert told == [
        ("m:c", "a", "0.950", "2026-11-01"),
        ("m:a", "b", "0.500", "2026-12-01"),
        ("m:b", "b", "0.500", "2026-10-01"),
    ]
    assert board.first == "m:c"
    pair = compare([runs[1]])
    assert pair.letters("probe", "accuracy", Subject("november", "m:c")) == "a"


def test_intervals_are_those_of_the_runs(runs):
    (measure,), names = found_in(runs)
    (board,) = leaderboard(measure, names).boards
    stored = {r.model: r.estimates[0] for run in runs for r in run.results}
    assert [(p.estimate.low, p.estimate.high) for p in board.places] == [
        (stored[p.model].low, stored[p.model].high) for p in board.places
    ]


def test_other_data_or_options_are_another_leaderboard(runs, tmp_path):
    other = dated(tmp_path / "o", "2026-12-02", answered("m:a", GOOD), sources=[
        {"name": "source", "type": "t", "fingerprint": "f2"}
    ])  # fmt: skip
    asked = replace(answered("m:a", GOOD), options={"k": 5})
    third = dated(tmp_path / "p", "2026-12-03", asked)
    found, _ = found_in([*runs, other, third])
    assert sorted(len(m.measurements) for m in found) == [1, 1, 5]
    assert len({m.slug for m in found}) == 3


def test_a_change_of_a_model_is_told_from_none(runs):
    found, names = found_in(runs)
    (a, *_) = histories(found, names)
    (course,) = a.courses
    assert [p.measurement.day for p in course.points] == ["2026-10-01", "2026-11-01", "2026-12-01"]
    assert [p.change for p in course.points] == ["", "worse", "not told apart"]
    # 38/40 and 20/40 on the same samples: 18 are lost.
    assert course.points[1].note.startswith("-0.450 [")
    assert course.chart.count('<circle class="dot') == 3


def test_a_model_without_a_figure_is_listed_with_the_reason(runs, tmp_path):
    silent = dated(tmp_path / "s", "2026-12-05", replace(answered("m:s", []), status="failed"))
    found, names = found_in([*runs, silent])
    (board,) = leaderboard(found[0], names).boards
    last = board.places[-1]
    assert (last.model, last.letters, last.order) == ("m:s", "", "n/a")
    assert last.interval


def test_a_run_that_failed_does_not_hide_the_figure_before_it(runs, tmp_path):
    failed = dated(tmp_path / "f", "2026-12-24", replace(answered("m:c", []), status="failed"))
    found, names = found_in([*runs, failed])
    (board,) = leaderboard(found[0], names).boards
    assert [p.measurement.day for p in board.places if p.model == "m:c"] == ["2026-11-01"]


def test_of_two_scorings_of_a_run_the_later_published_counts(tmp_path):
    first = dated(tmp_path / "first", "2026-10-01", answered("m:a", BAD))
    again = dated(tmp_path / "again", "2026-10-01", answered("m:a", GOOD))
    for ordered, value in (((first, again), "0.950"), ((again, first), "0.500")):
        found, names = found_in(ordered)
        (board,) = leaderboard(found[0], names).boards
        assert [p.value for p in board.places] == [value]


# ------------------------------------------------------------------------------------------------
# What is kept, and what is not
# ------------------------------------------------------------------------------------------------


def test_what_is_kept_compares_as_the_runs_do(runs, site):
    kept = [Run.open(site / "runs" / archive.run_id(run)) for run in runs]
    for ours, theirs in zip(kept, runs, strict=True):
        assert ours.results == theirs.results
    ours, theirs = ([d.p_value for d in compare(r).differences] for r in (kept, runs))
    assert ours == theirs


def test_neither_keys_nor_paths_nor_questions_are_kept(tmp_path):
    run = dated(
        tmp_path / "run", "2026-10-01", answered("m:a", GOOD),
        command="evalsuite run s -m m:a --model-option api_key=sk-1234567890123456789",
        suite_path="/home/me/suite.yaml",
        models=[{"name": "m:a", "options": {"base_url": "http://10.0.0.7"}}],
    )  # fmt: skip
    exchange = ({"asked": "Generate", "parts": [{"text": "what was asked"}], "answer": {}},)
    secret = [SampleRow("Ann", "h", "ok", "", {"said": "PIN 1234", "score": 1.0}, exchange)]
    store = Store(run.path)
    job = replace(run.results[0], sensitive=True)
    store.write_samples(job.id, secret)
    store.write_result(job)
    store.close()
    publish([Run.open(run.path)], tmp_path / "site")
    (kept,) = (tmp_path / "site" / "runs").iterdir()
    (row,) = Run.open(kept).samples(job.id)
    assert row.record == {"score": 1.0}
    everything = b" ".join(p.read_bytes() for p in kept.rglob("*") if p.is_file()).decode("latin-1")
    for word in ("sk-123", "/home/me", "10.0.0.7", "what was asked", "PIN 1234", "Ann"):
        assert word not in everything + repr(row)


def test_a_job_that_would_leave_the_folder_is_refused(runs, tmp_path):
    evil = replace(runs[0], results=(replace(runs[0].results[0], id="../../evil"),))
    with pytest.raises(UsageError, match="no name for a file"):
        publish([evil], tmp_path / "site")
    assert not list(tmp_path.glob("*evil*"))


# ------------------------------------------------------------------------------------------------
# Feeds, names, mistakes
# ------------------------------------------------------------------------------------------------

ATOM = "{http://www.w3.org/2005/Atom}"


def test_the_feeds_list_every_report_the_newest_first(runs, site):
    feed = ElementTree.parse(site / "feed.atom").getroot()
    entries = feed.findall(f"{ATOM}entry")
    dates = [entry.findtext(f"{ATOM}updated") for entry in entries]
    assert dates == [f"2026-{month}-01T08:00:00Z" for month in (12, 11, 10)]
    assert feed.findtext(f"{ATOM}updated") == dates[0]
    links = [entry.find(f"{ATOM}link").get("href") for entry in entries]
    assert all((site / link).is_file() for link in links)
    told = json.loads((site / "feed.json").read_text())
    assert [item["url"] for item in told["items"]] == links
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == 3
    assert ids == [item["id"] for item in told["items"]]


def test_an_address_given_once_is_kept(runs, tmp_path):
    publish(runs[:1], tmp_path / "site", title="Ours", url="https://example.org/eval")
    publish(runs[1:], tmp_path / "site")
    told = json.loads((tmp_path / "site" / "feed.json").read_text())
    assert told["title"] == "Ours"
    assert all(i["url"].startswith("https://example.org/eval/reports/") for i in told["items"])
    assert "example.org" not in (tmp_path / "site" / "index.html").read_text()


@pytest.mark.parametrize("name", ["../../up", "a/b", "\u202e", "", "CON", "x" * 400, "<b>&'\""])
def test_a_name_becomes_a_harmless_address(name):
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,80}", slug(name, name))
    assert slug(name, "one") != slug(name, "two")


def test_a_folder_of_something_else_is_left_alone(runs, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="no site of evalsuite"):
        publish(runs, tmp_path / "mine")
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("text", ["{", "[]", '{"schema_version": 9}', '{"schema_version": 1, "title": "t", "url": "", "reports": [{"id": "../x", "runs": []}]}'])  # fmt: skip
def test_a_damaged_catalogue_is_told(runs, site, text):
    (site / "site.json").write_text(text)
    with pytest.raises(StoreError, match=r"site\.json"):
        publish(runs, site)


def test_the_command_prints_the_first_page(runs, tmp_path, capsys):
    arguments = ["publish", str(runs[0].path), "--to", str(tmp_path / "out")]
    assert run_command(arguments) == 0
    assert Path(capsys.readouterr().out.strip()) == tmp_path / "out" / "index.html"
    assert run_command(arguments) == 0
    assert "stays as it is" in capsys.readouterr().err


def test_dates_that_cannot_be_read_do_no_harm(tmp_path):
    odd = [
        dated(tmp_path / str(n), date, answered("m:a", BAD)) for n, date in enumerate(("", "soon"))
    ]
    publish(odd, tmp_path / "site")
    assert "1970-01-01T00:00:00Z" in (tmp_path / "site" / "feed.atom").read_text()
