"""How long a report takes to build and how large it is.

    python benchmarks/speed_report/run.py [--models 6] [--probes 12] [--samples 2000]

Wall and processor seconds, in a fresh process as a user's, from the run directory to the file; the
best of three of either. The project's own limit for the default is 1 MiB and 5 s on a machine with
nothing else to do, where the two are alike.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from synthetic import synthetic_run

REPEATS = 3


def build_seconds(run: Path, page: Path) -> tuple[float, float]:
    """Wall and processor seconds of ``evalsuite report``."""
    begin, before = time.perf_counter(), os.times()
    command = [sys.executable, "-m", "evalsuite", "report", str(run), "-o", str(page)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    user, system = (after[place] - before[place] for place in (2, 3))
    return time.perf_counter() - begin, user + system


def main() -> None:
    """Measure and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=6)
    parser.add_argument("--probes", type=int, default=12)
    parser.add_argument("--samples", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run, page = Path(folder) / "run", Path(folder) / "report.html"
        synthetic_run(run, options.models, options.probes, options.samples)
        wall, processor = map(min, zip(*(build_seconds(run, page) for _ in range(REPEATS))))
        kib = page.stat().st_size / 1024
    print(
        f"{options.models} models x {options.probes} probes x {options.samples:,} samples: "
        f"{kib:,.0f} KiB in {wall:.1f} s ({processor:.1f} s of one processor)"
    )


if __name__ == "__main__":
    main()
