"""One side on one workload, in a process of its own: answers, seconds, and memory as JSON."""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
from sides import SIDES
from workloads import WORKLOADS, Workload, Writer


def reset_peak() -> None:
    """Forget the most memory so far, which loading the weights needed (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_mib() -> float:
    """The most memory that this process has had resident since the last reset, in MiB."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
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
        "n_scored": side.n_scored,
        "answers": answers,
    }


def bare_seconds(side: Any, n_tokens: int, n_scored: int, length: int = 512) -> float:
    """A forward pass over so many tokens in full rows, the head at so many positions.

    Best of three; nothing is made of the logits.
    """
    base = getattr(side.model.module, side.model.module.base_model_prefix)
    ids = torch.randint(1, 10_000, (max(1, round(n_tokens / length)), length))
    times = []
    with torch.inference_mode():
        for _ in range(3):
            begin = time.process_time()
            for part in ids.split(8):
                states = base(part.to(side.model.device), use_cache=False).last_hidden_state
            times.append(time.process_time() - begin)
        head, states = side.model.module.get_output_embeddings(), states.flatten(0, 1)[:256]
        head_times = []
        for _ in range(3):
            begin = time.process_time()
            head(states)
            head_times.append(time.process_time() - begin)
    body = min(times) * n_tokens / ids.numel()
    return body + min(head_times) * n_scored / len(states)


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
    reset_peak()
    idle = peak_mib()
    n = options.documents or workload.n_documents
    result = measured(side, workload, n, options.batch_size)
    result["peak_mib"] = peak_mib() - idle
    if options.device != "cpu":
        result["peak_mib"] = torch.cuda.max_memory_allocated() / 2**20
    if options.bare and workload.kind != "generate":
        result["bare_cpu_seconds"] = bare_seconds(side, result["n_read"], result["n_scored"])
    print(json.dumps(result))


if __name__ == "__main__":
    main()
