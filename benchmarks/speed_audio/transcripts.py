"""One side of the race in a process of its own: seconds and transcripts as one line of JSON."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

RATE_HZ = 16_000


def ours(directory: Path, clips: list[np.ndarray]) -> Callable[[int], list[str]]:
    """The harness's own path: a model through its loader, batches through the executor."""
    from evalsuite import Audio, LoadSettings, Transcribe
    from evalsuite.executor import BudgetMemory, LocalExecutor
    from evalsuite_transformers.dispatch import Dispatcher

    threads = torch.get_num_threads()
    model = Dispatcher().load(str(directory), LoadSettings(device="cpu", threads=threads))
    language = "en" if directory.name == "whisper" else None
    requests = [Transcribe(Audio.from_array(clip, RATE_HZ), language) for clip in clips]
    for request in requests:
        request.audio.load(RATE_HZ)  # the other side is given arrays

    def run(n_clips: int) -> list[str]:
        found: dict[str, object] = {}
        with tempfile.TemporaryDirectory() as folder:
            executor = LocalExecutor(memory=BudgetMemory(Path(folder) / "budgets.json"))
            executor.answer(model, requests[:n_clips], found.update)
        return [found[request.digest].text for request in requests[:n_clips]]  # type: ignore[attr-defined]

    return run


def theirs(directory: Path, clips: list[np.ndarray], batch_size: int) -> Callable[[int], list[str]]:
    """The pipeline, greedy as ours."""
    from transformers import pipeline

    recognise = pipeline("automatic-speech-recognition", str(directory), device="cpu")
    arguments = {}
    if directory.name == "whisper":
        arguments["generate_kwargs"] = {
            "language": "en",
            "task": "transcribe",
            "num_beams": 1,
            "max_new_tokens": None,
            "max_length": recognise.model.config.max_target_positions,
        }

    def run(n_clips: int) -> list[str]:
        rows = ({"raw": clip, "sampling_rate": RATE_HZ} for clip in clips[:n_clips])
        return [row["text"].strip() for row in recognise(rows, batch_size=batch_size, **arguments)]

    return run


def main() -> None:
    """``transcripts.py SIDE DIRECTORY CLOCK THREADS``; SIDE is ``ours`` or a batch size."""
    side, directory, clock, threads = sys.argv[1:]
    now = time.process_time if clock == "cpu" else time.perf_counter
    torch.set_num_threads(int(threads))
    folder = Path(directory)
    with np.load(folder.parent / "clips.npz") as stored:
        clips = [stored[name] for name in stored.files]
    run = ours(folder, clips) if side == "ours" else theirs(folder, clips, int(side))
    run(2)
    begin = now()
    texts = run(len(clips))
    print(json.dumps({"seconds": now() - begin, "texts": texts}))


if __name__ == "__main__":
    main()
