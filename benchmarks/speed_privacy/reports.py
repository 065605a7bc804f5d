"""What reports and comparisons of membership runs cost, which hold a table of tokens for each text.

    python benchmarks/speed_privacy/reports.py [--texts 10000] [--words 128]

Runs ``privacy/membership-inference`` on the leaky control and on its clean twin, then builds the
report of the first run, that of both, and their comparison, each in a fresh process as a user's:
wall and processor seconds, the most memory that was resident, and the size of the page.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table
from run import SUITE, write_texts

MODELS = ("control:text-leaky", "control:text-clean")
PROBE = "privacy/membership-inference"


def evalsuite(*words: str | Path) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and MiB of one command."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "evalsuite", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: evalsuite {' '.join(map(str, words))}")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def run_of(model: str, texts: Path, folder: Path) -> Path:
    """A run of all attacks on one model."""
    suite, run = folder / "suite.yaml", folder / model.rpartition(":")[2]
    suite.write_text(SUITE.format(model=model, path=texts, probe=PROBE), encoding="utf-8")
    evalsuite("run", suite, "-q", "-o", run)
    return run


def main() -> None:
    """Run, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--words", type=int, default=128)
    options = parser.parse_args()
    table = Table(title=f"{options.texts:,} texts of {options.words} tokens")
    for column in ("", "wall s", "processor s", "MiB", "page MiB"):
        table.add_column(column, justify="left" if not column else "right")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        texts, page = folder / "texts.jsonl", folder / "report.html"
        write_texts(texts, options.texts, options.words)
        runs = [run_of(model, texts, folder) for model in MODELS]
        for name, words in (
            ("report of one run", ("report", runs[0], "-o", page)),
            ("report of two", ("report", *runs, "-o", page)),
            ("comparison", ("compare", *runs)),
        ):
            wall, processor, mib = evalsuite(*words)
            size = f"{page.stat().st_size / 2**20:.2f}" if words[0] == "report" else ""
            table.add_row(name, f"{wall:.1f}", f"{processor:.1f}", f"{mib:.0f}", size)
    Console().print(table)


if __name__ == "__main__":
    main()
