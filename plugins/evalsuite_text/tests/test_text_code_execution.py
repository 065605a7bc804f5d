"""Programs in the sandbox, and pass@k of programs that a model wrote."""

from __future__ import annotations

import math
import os
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path

import pytest

from evalsuite import DataError, Failure, Generate, Generation, Sample, UsageError
from evalsuite.content import text_of
from evalsuite.options import build
from evalsuite.testing import check_probe, play
from evalsuite_text.tasks import sandbox
from evalsuite_text.tasks.code_execution import (
    CodeExecution,
    assertions_of,
    code_execution,
    pass_at_k,
    program_of,
)
from evalsuite_text.tasks.sandbox import Limits, Outcome, isolation, run_program

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the sandbox needs POSIX processes")

QUICK = Limits(timeout_s=1.5, memory_mib=256)

# --- the sandbox --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        ("assert 1 + 1 == 2", Outcome("passed")),
        ("assert 1 + 1 == 3", Outcome("failed", "AssertionError")),
        ("1 / 0", Outcome("failed", "ZeroDivisionError")),
        ("def f(:", Outcome("failed", "SyntaxError")),
        ("import sys; sys.exit(0)\nassert False", Outcome("failed", "SystemExit")),
        ("import os; os._exit(0)\nassert False", Outcome("crashed", "exit 0")),
        ("import ctypes; ctypes.string_at(0)", Outcome("crashed", "SIGSEGV")),
        ("x = 'a' * 10**10", Outcome("crashed", "MemoryError")),
        ("x = []\nwhile True: x.append('a' * 10**7)", Outcome("crashed", "MemoryError")),
        ("input()", Outcome("failed", "EOFError")),
        ("import numpy", Outcome("failed", "ModuleNotFoundError")),
        ("x = '\ud800'", Outcome("failed", "SyntaxError")),
        (
            "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: 'int'\nassert A(1).x",
            Outcome("passed"),
        ),
    ],
)
def test_endings(source, outcome) -> None:
    assert run_program(source, Limits(memory_mib=256)) == outcome


@pytest.mark.parametrize(
    "source",
    ["while True: pass", "while True: print('x' * 10**6)", "import time; time.sleep(60)"],
)
def test_what_does_not_end_is_ended(source) -> None:
    begun = time.monotonic()
    assert run_program(source, Limits(timeout_s=0.5)).ending == "timed out"
    assert time.monotonic() - begun < 3


def marked_processes(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if mark in line:
                found.append(entry.name)
    return found


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_a_small_fork_bomb_leaves_nothing_behind(tmp_path, monkeypatch) -> None:
    # a folder of our own: another test run on this machine has sandboxes too
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # Each process forks a few times and stays. The number is small in case nothing limits it.
    source = "import os, time\nfor _ in range(5):\n    try: os.fork()\n    except OSError: pass\ntime.sleep(60)"
    assert run_program(source, Limits(timeout_s=1, processes=8)).ending == "timed out"
    time.sleep(0.2)
    assert marked_processes(str(tmp_path / "evalsuite-sandbox-")) == []


def test_directories_are_removed(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for source in ("open('kept', 'w').write('x')", "while True: pass"):
        run_program(source, Limits(timeout_s=0.5))
    assert list(tmp_path.iterdir()) == []


def test_the_environment_is_empty_and_files_are_bounded(monkeypatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    source = "import os\nassert 'SECRET_TOKEN' not in os.environ and 'HOME' not in os.environ"
    assert run_program(source).ending == "passed"
    assert run_program("open('here', 'w').write('x' * 10**5)").ending == "passed"
    assert run_program("open('here', 'w').write('x' * 10**8)").ending != "passed"


def test_where_files_are_sealed_nothing_outside_can_be_written(tmp_path) -> None:
    if not isolation().has_sealed_files:
        pytest.skip(f"files cannot be sealed here: {isolation()}")
    target = tmp_path / "written"
    assert run_program(f"open({str(target)!r}, 'w').write('x')").ending == "failed"
    assert run_program("open('/proc/sys/kernel/core_pattern', 'w').write('x')").ending == "failed"
    assert not target.exists()


def test_where_the_network_is_unshared_nothing_can_be_reached() -> None:
    if not isolation().has_no_network:
        pytest.skip(f"the network cannot be unshared here: {isolation()}")
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        source = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)"
        assert run_program(source, QUICK).ending == "failed"


def test_the_word_that_says_passed_is_not_lying_about() -> None:
    source = (
        "import os, sys\nassert sys.argv == ['program.py']\n"
        "assert not any(n.endswith('json') for n in os.listdir('.'))\n"
        "if os.path.exists('/proc/self/cmdline'):\n"
        "    path = open('/proc/self/cmdline').read().split('\\0')[-2]\n"
        "    assert path.endswith('settings.json') and not os.path.exists(path)"
    )
    assert run_program(source).ending == "passed"


def test_the_plain_process_is_limited_too() -> None:
    plain = sandbox.Isolation((), False, False, False)
    for source, ending in (
        ("x = 1", "passed"),
        ("assert False", "failed"),
        ("while True: pass", "timed out"),
        ("x = 'a' * 10**10", "crashed"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "crashed"),
    ):
        assert sandbox._run(source, Limits(timeout_s=1), plain)[0].ending == ending
    assert "NETWORK REACHABLE" in str(plain)
    assert "WRITABLE" in str(plain)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not Path("/usr/bin/python3").exists(),
    reason="only root can run programs as nobody",
)
def test_root_runs_programs_as_nobody_where_nobody_can(monkeypatch) -> None:
    monkeypatch.setattr(sys, "_base_executable", "/usr/bin/python3")
    isolation.cache_clear()
    try:
        if not isolation().as_nobody:
            pytest.skip("nobody cannot run /usr/bin/python3 here")
        assert run_program("open('/etc/shadow').read()").detail == "PermissionError"
        bomb = "import os, time\nfor _ in range(40):\n    if os.fork() == 0: time.sleep(9)"
        assert run_program(bomb, QUICK).detail == "BlockingIOError"
    finally:
        isolation.cache_clear()


# --- pass@k -------------------------------------------------------------------------------------


def test_pass_at_k_by_hand() -> None:
    # 5 programs, 2 right. k=1: 2/5. k=2: 1 - C(3,2)/C(5,2) = 1 - 3/10. k=3: 1 - 1/10. k=4: 1
    assert [pass_at_k(5, 2, k) for k in (1, 2, 3, 4)] == pytest.approx([0.4, 0.7, 0.9, 1])
    assert pass_at_k(7, 0, 3) == 0
    assert pass_at_k(7, 7, 1) == 1
    with pytest.raises(ValueError, match="1 <= k <= n"):
        pass_at_k(3, 1, 4)


@pytest.mark.parametrize(("n", "c", "k"), [(6, 1, 3), (6, 2, 2), (7, 3, 4)])
def test_pass_at_k_is_the_share_of_all_choices_that_hold_a_right_one(n, c, k) -> None:
    chosen = list(combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, chosen)) / len(chosen))


# --- programs in answers ------------------------------------------------------------------------

PROMPT = 'def double(x):\n    """Twice x."""\n'
CHECK = "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(0) == 0\n"


def test_programs_are_taken_out_of_answers() -> None:
    assert program_of("    return 2 * x", PROMPT, "double") == PROMPT + "    return 2 * x"
    whole = "Sure:\n```python\ndef double(x):\n    return 2 * x\n```\nThat is all."
    assert program_of(whole, PROMPT, "double") == "def double(x):\n    return 2 * x"
    assert program_of("```\n    return 2 * x\n```", PROMPT, "double").endswith("return 2 * x")
    assert program_of("```py\nx = 1", "") == "x = 1"
    assert program_of("def other(): pass", PROMPT, "double").startswith(PROMPT)


def test_tests_are_called_and_never_empty() -> None:
    assert assertions_of(CHECK, "double").endswith("\ncheck(double)")
    assert assertions_of(["assert f(1)", "assert f(2)"], "") == "assert f(1)\nassert f(2)"
    for nothing in ("", [], None, "  "):
        with pytest.raises(DataError, match="test must be code"):
            assertions_of(nothing, "")


# --- the probe ----------------------------------------------------------------------------------


def human_eval(index: int) -> Sample:
    fields = {"prompt": f"# {index}\n{PROMPT}", "test": CHECK, "entry_point": "double"}
    return Sample(str(index), fields)


BODIES = {
    "right": "    return 2 * x",
    "wrong": "    return x + 2",
    "endless": "    while True: pass",
    "greedy": "    return 'a' * 10**10",
    "silent": " ",
}


def writing(*kinds: str):
    """Repeat i of every problem is written by kind i."""

    def answer(request: Generate) -> Generation:
        return Generation(BODIES[kinds[request.seed % len(kinds)]], 5, "stop")

    return answer


def allowed(**options) -> CodeExecution:
    return CodeExecution(allow_execution=True, timeout_s=2.0, memory_mib=256, **options)


def test_nothing_runs_without_consent() -> None:
    with pytest.raises(UsageError, match="allow_execution: true"):
        CodeExecution()
    with pytest.raises(UsageError, match="allow_execution"):
        build(CodeExecution, {"repeats": 2}, "probe")
    with pytest.raises(UsageError, match="allow_execution"):
        code_execution("x = 1", ["assert x"])


def test_options_that_do_not_fit_are_refused() -> None:
    for options, match in (
        ({"k": (2,)}, "between 1 and repeats"),
        ({"repeats": 3}, "all the same program"),
        ({"workers": 0}, "workers"),
        ({"k": ()}, "between 1 and repeats"),
    ):
        with pytest.raises(ValueError, match=match):
            allowed(**options)


def test_repeats_are_counted_by_ending() -> None:
    probe = allowed(repeats=5, k=(1, 2), temperature=0.8)
    answer = writing("right", "wrong", "endless", "greedy", "silent")
    played = play(probe, [human_eval(0)], answer)
    record = played.records[0]
    counts = ("n_programs", "n_passed", "n_failed", "n_timed_out", "n_crashed")
    assert [record[name] for name in counts] == [5, 1, 2, 1, 1]
    # 1 of 5 right: k=1 1/5; k=2 1 - C(4,2)/C(5,2) = 1 - 6/10
    assert (record["pass_at_1"], record["pass_at_2"]) == pytest.approx((0.2, 0.4))
    assert record["isolation"] == str(isolation())
    assert [request.seed for request in played.requests] == [0, 1, 2, 3, 4]
    assert played.estimate("timed out").value == pytest.approx(0.2)
    assert played.estimate("pass@1").is_primary


def test_problems_as_mbpp_writes_them() -> None:
    fields = {"prompt": "Write first(x).", "test": ["assert first([y]) == 3"], "setup": "y = 3"}
    answer = "```python\ndef first(x):\n    return x[0]\n```"
    probe = allowed(form="program")
    played = play(probe, [Sample("0", fields)], lambda _: Generation(answer, 9, "stop"))
    assert played.estimate("pass@1").value == 1
    assert played.requests[0].stop == ()


def test_right_programs_are_found_and_others_are_silent() -> None:
    problems = [human_eval(i) for i in range(30)]

    def some(request) -> Generation:
        number = int(text_of(request.prompt).split()[1])
        return Generation(BODIES["right" if number % 2 else "wrong"], 5, "stop")

    found = play(allowed(workers=2), problems, some).estimate("pass@1")
    assert (found.value, found.verdict) == (0.5, "differs from null")
    for kind in ("wrong", "silent"):
        still = play(allowed(), problems, writing(kind)).estimate("pass@1")
        assert (still.value, still.verdict) == (0, "compatible with null")


def test_the_contract_is_kept() -> None:
    problems = [human_eval(0), human_eval(1)]
    check_probe(allowed(), problems, writing("right"))
    refused = play(allowed(), problems, lambda _: Failure("refused", "no"))
    assert all(math.isnan(e.value) and e.reason for e in refused.estimates)


def test_the_scorer() -> None:
    tests = ["assert double(2) == 4", "assert double(0) == 0"]
    right = code_execution("def double(x): return 2 * x", tests, allow_execution=True)
    assert right == {"passed": 1.0, "failed": 0.0, "timed_out": 0.0, "crashed": 0.0}
    assert code_execution("", ["assert True"], allow_execution=True)["passed"] == 0
    assert "reason" in code_execution("x = 1", [], allow_execution=True)
