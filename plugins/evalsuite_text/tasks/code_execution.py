"""Programs that a model writes, run against tests in a sandbox: pass@k."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from evalsuite import (
    Card,
    DataError,
    Generate,
    Metric,
    Null,
    Probe,
    Proportion,
    Ratio,
    Sample,
    UsageError,
)
from evalsuite_text.metrics import Scores, without_references
from evalsuite_text.tasks.sandbox import Limits, Outcome, isolation, run_program

ENDINGS = ("passed", "failed", "timed out", "crashed")
# Where a completed function ends; Chen et al. 2021, section 2.
FUNCTION_ENDS = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
_FENCE = re.compile(r"```[^\n`]*\n(.*?)(?:\n```|\Z)", re.DOTALL)

REFUSAL = (
    "Running programs that a model wrote is off. They are run in a sandbox with limits on time, "
    "memory and files, and without network where the system allows, but no sandbox made of "
    "ordinary processes is certain: a program can read any file that you can. If you accept "
    "that, best in a container or virtual machine without secrets, set `allow_execution: true`."
)


@dataclass(frozen=True)
class CodeExecution(Probe):
    """Generate programs for ``prompt`` and run them with ``test``.

    HumanEval's fields are prompt, test (which defines ``check``) and entry_point; MBPP's are
    prompt, test (a list of assertions) and, where needed, setup (code before them).

    Args:
        allow_execution: Must be true; see the module ``sandbox`` on what is not protected.
        form: ``completion``: the prompt is the beginning of a program that the model goes on
            with; ``program``: the answer is the whole program. A fenced block is taken out of
            the text around it either way.
        repeats: Programs for each prompt, each with a seed of its own.
        k: For which k pass@k is estimated; none larger than ``repeats``.
        temperature: Of sampling; repeats need one above 0.
        top_p: Of sampling.
        max_tokens: Most tokens to generate.
        stop: Strings that end a program; by default a function's ends for completions.
        timeout_s: Limit of each run, in seconds.
        memory_mib: Limit of each run's address space.
        workers: How many programs run at a time.
    """

    allow_execution: bool = False
    form: Literal["completion", "program"] = "completion"
    repeats: int = 1
    k: tuple[int, ...] = (1,)
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512
    stop: tuple[str, ...] = ()
    timeout_s: float = 5.0
    memory_mib: int = 512
    workers: int = 1

    name: ClassVar[str] = "text/code-execution"
    family: ClassVar[Any] = "task"
    needs: ClassVar[Any] = (Generate,)
    fields: ClassVar[Any] = ("prompt", "test")
    card: ClassVar[Card] = Card(
        measures="The chance that at least one of k generated programs passes the tests of its "
        "problem (pass@k), by the unbiased estimator over the repeats.",
        does_not_measure="Whether a program is right where the tests do not look, safe, or "
        "readable. A run that is slow on a busy machine counts as timed out.",
        reference="Chen et al. 2021, arXiv:2107.03374, equation 1",
        critique="The tests share the program's process, so that a program made to cheat can; "
        "well-known problems are in many training sets.",
    )

    def __post_init__(self) -> None:
        """Refuse to run at all without consent, and numbers that do not fit together."""
        if not self.allow_execution:
            raise UsageError(REFUSAL)
        if self.repeats < 1 or not self.k or not all(1 <= k <= self.repeats for k in self.k):
            raise ValueError(
                f"every k must lie between 1 and repeats (got k {self.k}, repeats {self.repeats})"
            )
        if self.repeats > 1 and self.temperature <= 0:
            raise ValueError(f"{self.repeats} repeats at temperature 0 are all the same program")
        if self.workers < 1 or self.timeout_s <= 0:
            raise ValueError("workers must be at least 1 and timeout_s above 0")

    @property
    def metrics(self) -> Sequence[Metric]:  # type: ignore[override]
        """pass@k for every k, and how the programs ended."""
        nothing = Null(0.0, side="above", why="no program passes")
        first = min(self.k)
        return (
            *(
                Proportion(
                    f"pass_at_{k}",
                    name=f"pass@{k}",
                    null=nothing,
                    direction="higher is better",
                    primary=k == first,
                )
                for k in sorted(set(self.k))
            ),
            *(
                Ratio(_column(e), "n_programs", name=e, direction="lower is better")
                for e in ENDINGS[1:]
            ),
        )

    def ask(self, sample: Sample, context: Any) -> Any:
        """Generate every repeat of one problem; the programs run once all are there."""
        prompt, entry_point = str(sample["prompt"]), str(sample.get("entry_point") or "")
        tests = assertions_of(sample["test"], entry_point)
        setup = str(sample.get("setup") or "")
        stop = self.stop or (FUNCTION_ENDS if self.form == "completion" else ())
        found = yield tuple(
            Generate(
                prompt,
                max_tokens=self.max_tokens,
                stop=stop,
                temperature=self.temperature,
                top_p=self.top_p,
                seed=seed,
            )
            for seed in range(self.repeats)
        )
        begun = prompt if self.form == "completion" else ""
        programs = [program_of(answer.text, begun, entry_point) for answer in found]
        return {
            "programs": tuple(f"{setup}\n{program}\n{tests}\n" for program in programs),
            "is_empty": tuple(not answer.text.strip() for answer in found),
            "prediction": programs[0],
        }

    def tabulate(
        self, records: Sequence[Mapping[str, Any]], context: Any, rng: np.random.Generator
    ) -> Sequence[Mapping[str, Any]]:
        """Run every different program once, and count how each problem's programs ended."""
        del context, rng
        limits = Limits(timeout_s=self.timeout_s, memory_mib=self.memory_mib)
        written = (
            program
            for record in records
            for program, is_empty in zip(record["programs"], record["is_empty"], strict=True)
            if not is_empty
        )
        sources = list(dict.fromkeys(written))
        isolated = str(isolation()) if sources else ""
        with ThreadPoolExecutor(self.workers) as pool:
            outcomes = dict(
                zip(sources, pool.map(lambda s: run_program(s, limits), sources), strict=True)
            )
        return [self._concluded(record, outcomes, isolated) for record in records]

    def _concluded(
        self, record: Mapping[str, Any], outcomes: Mapping[str, Outcome], isolated: str
    ) -> Mapping[str, Any]:
        nothing = Outcome("failed", "nothing was written")
        ended = [
            nothing if is_empty else outcomes[program]
            for program, is_empty in zip(record["programs"], record["is_empty"], strict=True)
        ]
        counts: Counter[str] = Counter(outcome.ending for outcome in ended)
        n, c = len(ended), counts["passed"]
        return {
            "n_programs": n,
            "n_passed": c,
            **{_column(ending): counts[ending] for ending in ENDINGS[1:]},
            **{f"pass_at_{k}": pass_at_k(n, c, k) for k in self.k},
            "first_detail": ended[0].detail,
            "prediction": record["prediction"],
            "isolation": isolated,
        }


def _column(ending: str) -> str:
    return f"n_{ending.replace(' ', '_')}"


def pass_at_k(n: int, c: int, k: int) -> float:
    """The unbiased estimate that one of k programs passes, c of n having passed.

    Formula: 1 − C(n − c, k) / C(n, k). Range [0, 1]; higher is better. Undefined (ValueError)
    unless 0 ≤ c ≤ n and 1 ≤ k ≤ n. Reference: Chen et al. 2021, equation 1.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"pass@k needs 0 <= c <= n and 1 <= k <= n (got n {n}, c {c}, k {k})")
    return 1 - math.comb(n - c, k) / math.comb(n, k)


def program_of(answer: str, begun: str = "", entry_point: str = "") -> str:
    """The program in an answer.

    A fenced block is taken out. What is ``begun`` (a prompt that is code) stands before the
    answer, unless the answer itself defines the entry point anew.
    """
    found = _FENCE.search(answer)
    code = found.group(1) if found else answer
    defines = bool(entry_point) and re.search(
        rf"^(?:async )?(?:def|class) {re.escape(entry_point)}\b", code, re.MULTILINE
    )
    return code if defines or not begun else begun + code


def assertions_of(test: Any, entry_point: str) -> str:
    """The tests as code: HumanEval's ``check`` is called, MBPP's assertions are lines.

    Raises:
        DataError: There is no test; a program would pass by doing nothing.
    """
    lines = [test] if isinstance(test, str) else test
    is_listed = isinstance(lines, list | tuple) and all(isinstance(line, str) for line in lines)
    source = "\n".join(lines) if is_listed else ""
    if not source.strip():
        raise DataError(f"test must be code, or a list of lines of code (got {test!r})")
    calls = entry_point and re.search(r"^def check\(", source, re.MULTILINE)
    return f"{source}\ncheck({entry_point})" if calls else source


def code_execution(
    prediction: str,
    references: Sequence[str],
    *,
    allow_execution: bool = False,
    timeout_s: float = 5.0,
    memory_mib: int = 512,
) -> Scores:
    """1 for ``passed`` when a program passes the tests that are its references, all in one run.

    The other entries, ``failed``, ``timed_out`` and ``crashed``, say how it ended. Undefined
    without references.

    Raises:
        UsageError: Execution is not allowed.
    """
    names = tuple(ending.replace(" ", "_") for ending in ENDINGS)
    if not allow_execution:
        raise UsageError(REFUSAL)
    if not references:
        return without_references(*names)
    ending = "failed"
    if prediction.strip():
        program = "\n".join([program_of(prediction), *references])
        ending = run_program(program, Limits(timeout_s=timeout_s, memory_mib=memory_mib)).ending
    return {name: float(name == ending.replace(" ", "_")) for name in names}
