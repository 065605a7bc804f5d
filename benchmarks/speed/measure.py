"""One side on one workload, in a process of its own: answers, seconds, and memory as JSON."""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
from sides import SIDES
from workloads import WORKLOADS, Workload, Writer


def peak_mib() -> float:
    """The most memory that this process has had resident, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(side: Any, workload: Workload, n: int, batch_size: int) -> dict[str, Any]:
    """Answer a workload once and time it."""
    requests = workload.make(Writer(7), n)
    side.forget()
    wall, cpu = time.perf_counter(), time.process_time()
    answers = side.answer(workload.kind, requests, batch_size)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "n_requests": len(requests),
        "n_read": side.n_read,
        "answers": answers,
    }


def bare_seconds(side: Any, n_tokens: int, length: int = 512) -> float:
    """A forward pass without the head over so many tokens, in full rows; best of three."""
    base = getattr(side.model.module, side.model.module.base_model_prefix)
    ids = torch.randint(1, 10_000, (max(1, round(n_tokens / length)), length))
    times = []
    with torch.inference_mode():
        for _ in range(3):
            begin = time.process_time()
            for part in ids.split(8):
                base(part.to(side.model.device), use_cache=False)
            times.append(time.process_time() - begin)
    return min(times) * n_tokens / ids.numel()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("directory", type=Path)
    parser.add_argument("workload", type=int)
    parser.add_argument("--documents", type=int)
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bare", action="store_true")
    options = parser.parse_args()
    workload = WORKLOADS[options.workload]
    side = SIDES[options.side](options.directory, options.device)
    side.answer(workload.kind, workload.make(Writer(1), 1), options.batch_size)
    idle = peak_mib()
    n = options.documents or workload.n_documents
    result = measured(side, workload, n, options.batch_size)
    result["peak_mib"] = peak_mib() - idle
    if options.device != "cpu":
        result["peak_mib"] = torch.cuda.max_memory_allocated() / 2**20
    if options.bare and workload.kind != "generate":
        result["bare_cpu_seconds"] = bare_seconds(side, result["n_read"])
    print(json.dumps(result))


if __name__ == "__main__":
    main()
