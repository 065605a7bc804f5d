"""Side by side with lm-evaluation-harness: the same model, the same requests, one run.

    make bench                      # everything; about half an hour on two cores
    python benchmarks/speed/run.py --model llama-41m --only 0 5

Each side runs in a process of its own, the peer at its best batch size on this machine. Ratios are
of processor seconds, which other work on the machine disturbs least; wall-clock seconds and the
largest difference of log-probability are printed beside them. The bare pass is the model's own
forward pass over the unique tokens in full rows, with its head at the positions that are scored.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from models import MODELS, saved  # noqa: E402
from workloads import WORKLOADS, Workload  # noqa: E402

BATCH_SIZES = (4, 16, 64)  # of the peer; a single one is not tried out


def side(name: str, directory: Path, index: int, device: str, *extra: str) -> dict[str, Any]:
    """Measure one side in a process of its own."""
    command = [sys.executable, str(HERE / "measure.py"), name, str(directory), str(index)]
    done = subprocess.run(
        [*command, "--device", device, *extra],
        capture_output=True,
        text=True,
        env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{name} failed on workload {index}:\n{done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def best_batch_size(directory: Path, index: int, device: str, n: int, sizes: Sequence[int]) -> int:
    """The peer's fastest batch size, on a part of the workload."""
    if len(sizes) == 1:
        return sizes[0]
    part = max(2, n // 3)
    times = {
        size: side(
            "peer", directory, index, device, "--batch-size", str(size), "--documents", str(part)
        )["cpu_seconds" if device == "cpu" else "seconds"]
        for size in sizes
    }
    return min(times, key=times.__getitem__)


def compared(
    directory: Path, index: int, workload: Workload, options: argparse.Namespace
) -> dict[str, Any]:
    """One row of the table."""
    n, device = max(2, round(workload.n_documents * options.scale)), options.device
    size = best_batch_size(directory, index, device, n, options.batch_sizes)
    documents = ("--documents", str(n))
    peer = side("peer", directory, index, device, "--batch-size", str(size), *documents)
    ours = side("ours", directory, index, device, "--bare", *documents)
    pairs = list(zip(ours["answers"], peer["answers"], strict=True))
    clock = "cpu_seconds" if device == "cpu" else "seconds"
    if workload.kind == "generate":
        agreement = f"{sum(a == b for a, b in pairs)}/{len(pairs)} equal"
    else:
        agreement = f"{max(abs(a - b) for a, b in pairs):.1e}"
    return {
        "workload": workload.name,
        "requests": ours["n_requests"],
        "unique_tokens": ours["n_read"],
        "peer_batch_size": size,
        "peer_seconds": peer["seconds"],
        "our_seconds": ours["seconds"],
        "ratio": peer[clock] / ours[clock],
        "wall_ratio": peer["seconds"] / ours["seconds"],
        "promised": workload.promised,
        "agreement": agreement,
        "bare_share": ours.get("bare_cpu_seconds", float("nan")) / ours["cpu_seconds"],
        "peer_peak_mib": peer["peak_mib"],
        "our_peak_mib": ours["peak_mib"],
    }


def growth(directory: Path, device: str) -> Iterator[dict[str, Any]]:
    """Cost per unique token as the requests of the second workload grow ten- and hundredfold."""
    for n in (3, 30, 300):
        found = side("ours", directory, 5, device, "--documents", str(n))
        yield {
            "requests": found["n_requests"],
            "unique_tokens": found["n_read"],
            "requests_per_second": found["n_requests"] / found["seconds"],
            "cpu_ms_per_token": 1000 * found["cpu_seconds"] / found["n_read"],
        }


def show(console: Console, name: str, rows: list[dict[str, Any]]) -> None:
    """Print a table of ratios."""
    table = Table(title=name)
    for heading in (
        "workload",
        "requests",
        "unique tokens",
        "lm-eval s (batch)",
        "ours s",
        "faster",
        "wall",
        "aim",
        "max |d log p|",
        "share of bare pass",
        "peak MiB lm-eval/ours",
    ):
        table.add_column(heading, justify="left" if heading == "workload" else "right")
    for row in rows:
        table.add_row(
            row["workload"],
            f"{row['requests']:,}",
            f"{row['unique_tokens']:,}" if row["unique_tokens"] else "-",
            f"{row['peer_seconds']:.1f} ({row['peer_batch_size']})",
            f"{row['our_seconds']:.1f}",
            f"{row['ratio']:.1f}x",
            f"{row['wall_ratio']:.1f}x",
            f"{row['promised']:g}x",
            row["agreement"],
            "-" if row["bare_share"] != row["bare_share"] else f"{row['bare_share']:.2f}",
            f"{row['peer_peak_mib']:,.0f} / {row['our_peak_mib']:,.0f}",
        )
    console.print(table)


def main() -> None:
    """Run what was asked for, print tables, and write them as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", action="append", choices=MODELS)
    parser.add_argument("--only", type=int, nargs="+", default=range(len(WORKLOADS)))
    parser.add_argument("--scale", type=float, default=1.0, help="times as many documents")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=BATCH_SIZES)
    parser.add_argument("--output", type=Path, default=Path("speed.json"))
    options = parser.parse_args()
    console = Console(width=170)
    document: dict[str, Any] = {"device": options.device, "models": {}}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.model or MODELS:
            directory = saved(name, Path(folder))
            rows = []
            for index in options.only:
                workload = WORKLOADS[index]
                rows.append(compared(directory, index, workload, options))
                console.print(f"{name}: {workload.name}: {rows[-1]['ratio']:.1f}x", style="dim")
            show(console, name, rows)
            document["models"][name] = {"rows": rows}
            if set(options.only) == set(range(len(WORKLOADS))):
                document["models"][name]["growth"] = list(growth(directory, options.device))
                for row in document["models"][name]["growth"]:
                    console.print(row)
            options.output.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
