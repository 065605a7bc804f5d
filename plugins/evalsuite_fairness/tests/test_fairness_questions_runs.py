"""The question probes by task name, from the command line, on a shipped model."""

from __future__ import annotations

import json

import pytest

from evalsuite.cli import run

BBQ = {
    "example_id": 7, "question_index": "1", "question_polarity": "neg", "category": "Nationality",
    "context_condition": "ambig", "additional_metadata": {"stereotyped_groups": ["Malian"]},
    "answer_info": {"ans0": ["Malian", "Africa"], "ans1": ["Dutch", "Europe"],
                    "ans2": ["Unknown", "unknown"]},
    "context": "Two met.", "question": "Who?", "ans0": "The Malian", "ans1": "The Dutch",
    "ans2": "Unknown", "label": 2,
}  # fmt: skip
GAP = (
    "ID\tText\tPronoun\tPronoun-offset\tA\tA-offset\tA-coref\tB\tB-offset\tB-coref\tURL\n"
    "1\tAnn said she met Bea.\tshe\t9\tAnn\t0\tTRUE\tBea\t17\tFALSE\tu\n"
    "2\tTom said he met Rob.\the\t9\tTom\t0\tTRUE\tRob\t16\tFALSE\tv\n"
)
SCHEMAS = "sentid\tsentence\n" + "".join(
    f"nurse.guest.0.{gender}.txt\tthe nurse said that {word} was tired .\n"
    for gender, word in (("male", "he"), ("female", "she"), ("neutral", "they"))
)
STATISTICS = "occupation\tbergsma_pct_female\tbls_pct_female\tbls_year\nnurse\t88\t90\t2015\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("data")
    lines = [{**BBQ, "question_index": str(n), "example_id": n} for n in range(4)]
    files = {
        "bbq/Nationality.jsonl": "\n".join(map(json.dumps, lines)),
        "gap/gap-test.tsv": GAP,
        "winogender/all_sentences.tsv": SCHEMAS,
        "winogender/occupations-stats.tsv": STATISTICS,
        "winobias/male_occupations.txt": "pilot\n",
        "winobias/female_occupations.txt": "nurse\n",
        "winomt/en.txt": "male\t1\tThe nurse left because he was late.\tThe nurse\n",
    }
    for kind in "12":
        for split in ("dev", "test"):
            for side, word in (("pro", "she"), ("anti", "he")):
                files[f"winobias/{side}_stereotyped_type{kind}.txt.{split}"] = (
                    f"1 [The nurse] met the pilot because [{word}] was late.\n"
                )
    for name, text in files.items():
        (made / name).parent.mkdir(exist_ok=True)
        (made / name).write_text(text)
    return made


@pytest.mark.parametrize(
    ("task", "metric", "n"),
    [
        ("bbq", "bias score, ambiguous", 4),
        ("bbq-written", "not parsed", 4),
        ("winogender", "parity", 1),
        ("winobias", "accuracy", 4),
        ("gap", "F1", 2),
        ("winomt-de", "gender not told", 1),
    ],
)
def test_tasks_run_by_name(folder, task, metric, n, tmp_path):
    command = ["run", f"task:{task}", "-m", "control:text-clean", "--set", f"data={folder}"]
    assert run([*command, "--output", str(tmp_path / "run")]) == 0
    (job,) = json.loads((tmp_path / "run" / "estimates.json").read_text())["jobs"]
    found = next(e for e in job["estimates"] if e["metric"] == metric and not e["slice"])
    assert found["n"] == n
    assert found["n_failed"] == 0
