"""Commands: their answers, and one clear paragraph with the right exit code for bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from evalsuite import Image
from evalsuite.cli import run


def text_of(path: Path, **changes: str) -> str:
    text = (
        "version: 1\nname: small\nmodels: [MODEL]\nsources:\n  rows: SOURCE\n"
        "probes:\n  - {probe: PROBE, source: rows}\n"
    )
    for key, value in {
        "MODEL": "control:text-clean",
        "SOURCE": "{type: control/capitals, limit: 4}",
        "PROBE": "text/multiple-choice",
        **changes,
    }.items():
        text = text.replace(key, value)
    path.write_text(text)
    return str(path)


@pytest.fixture
def suite(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda **changes: text_of(tmp_path / "suite.yaml", **changes)


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["plugins"], ["schema"]])
def test_start_up_imports_no_model_library(arguments):
    program = (
        "import sys\nfrom evalsuite.cli import run\n"
        f"run({arguments!r})\n"
        "heavy = {'torch', 'transformers', 'open_clip', 'torchaudio', 'numpy', 'scipy', 'pandas'}\n"
        "print('imported:', *sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "imported:"


def test_list_names_what_is_installed(capsys):
    assert run(["list", "probes", "--json"]) == 0
    names = {entry["name"] for entry in json.loads(capsys.readouterr().out)["probes"]}
    assert {"text/perplexity", "fairness/stereotype-pairs", "audio/transcription"} <= names


@pytest.mark.parametrize("name", ["fairness/stereotype-pairs", "csv", "quickstart", "core/Mean"])
def test_show_explains(name, capsys):
    assert run(["show", name]) == 0
    assert len(capsys.readouterr().out) > 100


@pytest.mark.parametrize(
    ("name", "asks", "fields"),
    [
        ("vision/caption-choice", "EmbedImage", "false_captions"),
        ("text/multiple-choice", "LogLikelihood", "question"),
    ],
)
def test_show_tells_what_a_probe_asks_by_default(name, asks, fields, capsys):
    assert run(["show", name, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert asks in shown["asks"]
    assert fields in shown["fields"]


def test_show_tells_what_each_option_means_also_those_that_a_probe_inherits(capsys):
    assert run(["show", "privacy/membership-inference", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    meanings = {option["name"]: option["meaning"] for option in shown["options"]}
    assert meanings["prefixes"].startswith("Non-members to put before every text for ReCaLL; 0")
    assert meanings["prefixes"].endswith("They themselves get no ReCaLL score.")
    assert "Min-K%" in meanings["k"]
    assert "cross-validation" in meanings["folds"]
    assert run(["show", "privacy/membership-inference"]) == 0
    assert "Args:" not in capsys.readouterr().out


def test_init_writes_a_suite_that_check_accepts(tmp_path, capsys):
    assert run(["init", str(tmp_path)]) == 0
    assert run(["check", str(tmp_path / "suite.yaml")]) == 0
    assert "text/multiple-choice" in capsys.readouterr().out


def test_run_prints_the_run_directory_last_and_leaves_it(suite, capsys):
    assert run(["run", suite(), "-o", "out", "-q"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "out"
    assert Path("out/estimates.json").exists()


def test_run_as_json_is_one_document(suite, capsys):
    run(["run", suite(), "-o", "out", "-q", "--json"])
    assert json.loads(capsys.readouterr().out)["jobs"][0]["status"] == "finished"


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"MODEL": "control:text-clena"}, 2, "Did you mean 'text-clean'"),
        ({"MODEL": "hf:./nowhere"}, 2, "does not exist"),
        ({"MODEL": "gpt2"}, 2, "scheme:reference"),
        ({"MODEL": "nope:x"}, 2, "no model named 'nope'"),
        ({"PROBE": "text/multiple-choise"}, 2, "Did you mean 'text/multiple-choice'"),
        ({"SOURCE": "{type: csv, path: gone.csv}"}, 2, "gone.csv does not exist"),
        ({"SOURCE": "{type: control/members, limit: 3}"}, 2, "no field 'question'"),
        ({"SOURCE": "{type: csv, pth: a.csv}"}, 2, "Did you mean 'path'"),
        ({"PROBE": "audio/transcription"}, 2, "no field 'audio'"),
    ],
)
def test_bad_input_is_one_clear_paragraph(suite, capsys, changes, code, message):
    assert run(["run", suite(**changes), "-o", "out"]) == code
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "suite.yaml:" in error
    assert "Traceback" not in error
    assert not Path("out").exists()


def test_a_misspelled_probe_option_is_refused(suite, capsys):
    path = suite(PROBE="text/multiple-choice, options: {promt: x}")
    assert run(["run", path]) == 2
    assert "Did you mean 'prompt'" in capsys.readouterr().err


def test_nothing_applicable_is_exit_5(suite, capsys):
    changes = {"MODEL": "control:digits-clean"}
    assert run(["run", suite(**changes), "-o", "out"]) == 5
    assert "does not answer LogLikelihood" in capsys.readouterr().err


def test_an_unwritable_folder_is_exit_2(suite, capsys):
    Path("file").write_text("")
    assert run(["run", suite(), "-o", "file/out"]) == 2
    assert "--output" in capsys.readouterr().err


def test_a_model_without_weights_costs_its_own_jobs_only(suite, capsys, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    from evalsuite_controls.catalogue import CONTROLS

    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (broken / name).write_bytes((CONTROLS["text-clean"].directory / name).read_bytes())
    code = run(["run", suite(MODEL=f'"hf:{broken}", control:text-clean'), "-o", "out"])
    captured = capsys.readouterr()
    assert code == 3
    assert "could not be loaded" in captured.err
    assert "1.000" in captured.out


def test_corrupt_pictures_are_counted_failures(suite, capsys, tmp_path):
    folder = tmp_path / "pictures" / "zero"
    folder.mkdir(parents=True)
    for number in range(12):
        picture = Image.from_array(np.full((8, 8, 3), 20 * number, np.uint8))
        (folder / f"{number:02d}.png").write_bytes(picture.encoded())
    (folder / "05.png").write_bytes(b"broken")
    path = suite(
        MODEL="control:digits-clean",
        SOURCE="{type: image-folder, path: pictures}",
        PROBE="vision/zero-shot, options: {classes: [zero, one]}",
    )
    assert run(["run", path, "-o", "out"]) == 0
    assert "1 of 12 samples failed (1 x unreadable media)" in capsys.readouterr().err
    assert run(["run", path, "-o", "strict", "--max-failures", "0"]) == 3


def test_corrupt_clips_are_counted_failures(suite, capsys, tmp_path):
    from evalsuite import Audio

    folder = tmp_path / "clips"
    folder.mkdir()
    for number in range(3):
        clip = Audio.from_array(np.full(8000, 0.01 * number, np.float32), 8000)
        (folder / f"{number}.wav").write_bytes(clip.encoded())
        (folder / f"{number}.txt").write_text("one two")
    (folder / "1.wav").write_bytes(b"RIFF broken")
    path = suite(
        MODEL="control:asr-clean",
        SOURCE="{type: audio-folder, path: clips}",
        PROBE="audio/transcription",
    )
    assert run(["run", path, "-o", "out"]) == 3
    assert "1 of 3 samples failed (1 x unreadable media)" in capsys.readouterr().err


def test_ctrl_c_finishes_the_batch_and_can_be_resumed(tmp_path):
    import signal
    import time

    suite = text_of(
        tmp_path / "suite.yaml",
        SOURCE="{type: control/canaries}",
        PROBE="privacy/canary-exposure",
    )
    program = (
        "import sys, time, evalsuite.executor as e\n"
        "slow = e._answer_isolating\n"
        "e._answer_isolating = lambda m, b: (time.sleep(0.3), slow(m, b))[1]\n"
        "from evalsuite.cli import run\n"
        f"sys.exit(run(['run', {suite!r}, '-o', {str(tmp_path / 'out')!r}]))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=os.environ.copy()
    )
    deadline = time.time() + 120
    while not (tmp_path / "out" / "fingerprints.json").exists() and time.time() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "--resume" in error
    assert run(["run", "--resume", str(tmp_path / "out"), "-q"]) == 0


def test_doctor_and_cache_answer(capsys):
    assert run(["doctor", "--json"]) == 0
    assert "torch" in json.loads(capsys.readouterr().out)["versions"]
    assert run(["cache", "ls"]) == 0
    assert run(["cache", "clear"]) == 0


def test_completion_prints_a_script(capsys):
    assert run(["completion", "bash"]) == 0
    assert "_EVALSUITE_COMPLETE" in capsys.readouterr().out


def test_figures_are_told_in_the_suites_order(suite, capsys):
    asked = suite(
        MODEL='"control:sounds-clean"',
        SOURCE="{type: control/sounds, limit: 6}",
        PROBE="audio/zero-shot, variants: [{variant: audio/gain, gain_db: [-5, -10]}]",
    )
    assert run(["run", asked, "-q", "-o", "out"]) == 0
    told = capsys.readouterr().out.splitlines()
    headings = [line.split(":")[0] for line in told if line.startswith("audio/")]
    clean = "audio/zero-shot"
    under = [f"{clean} under {change}" for change in ("audio/gain -5", "audio/gain -10")]
    assert list(dict.fromkeys(headings)) == [clean, *under, f"{clean} under all changes"]


def test_a_task_is_shown_by_the_name_that_runs_it(capsys):
    assert run(["show", "task:fsdd"]) == 0  # there is a source of that name, too
    assert "name: fsdd\n" in capsys.readouterr().out


def test_a_task_that_is_not_there_is_named_as_one(capsys):
    assert run(["show", "task:fsd"]) == 2
    assert "no task named 'fsd'" in capsys.readouterr().err
