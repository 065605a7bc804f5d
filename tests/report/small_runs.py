"""Small run directories, written as a run writes them, with hostile text in every place."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from evalsuite import Audio, Image
from evalsuite.metric import Estimate, Null
from evalsuite.report import write
from evalsuite.store import JobResult, Run, SampleRow, Store

HOSTILE = "</script><img src=x onerror=alert(1)>\"'\u202e\x00<b>"
CARD = {"measures": "Something.", "does_not_measure": "All.", "reference": "R", "critique": ""}


def result(model: str, value: float, low: float, high: float, **facts) -> JobResult:
    estimate = Estimate(
        "accuracy gap", value, low, high, null=Null(0.02, 0.02, "above", "permuted"), n=10,
        reason=None if math.isfinite(value) else "too few in a group", is_primary=True,
    )  # fmt: skip
    name = facts.pop("name", "fairness/image-zero-shot-gap")
    return JobResult(
        f"{model}--gap".replace(":", "-"), model, name, "fairness", "digits", "finished",
        label=name, n_samples=2, estimates=(estimate,), card=CARD, **facts,
    )  # fmt: skip


def make_run(path: Path, *results: JobResult, text: str = HOSTILE) -> Run:
    store = Store(path)
    picture = Image.from_array(np.zeros((8, 8, 3), np.uint8))
    clip = Audio.from_array(np.zeros(4000, np.float32), 8000)
    for part in (picture, clip):
        store.write_media(part.sha256, part.encoded())
    controls = {
        "twin": "control:clean",
        "planted": "a gap",
        "probes": results[0].probe if results else "",
    }
    store.write_plan(
        {
            "suite_name": "small " + text.replace("\x00", ""),
            "suite_text": text,
            "models": [
                {"name": "control:clean", "kind": "k", "controls": {}},
                {"name": "control:planted", "kind": "k", "controls": controls},
            ],
            "sources": [],
        }
    )
    for item in results:
        asked = {
            "asked": "EmbedImage",
            "parts": [{"image": picture.sha256}, {"text": text}, {"audio": clip.sha256}],
            "detail": {},
            "answer": {"text": text},
        }
        record = {"predicted": text, "correct": 1.0, "group": "A", "map": "[[1, 0], [0, -1]]"}
        store.write_samples(
            item.id,
            [
                SampleRow("1", "h", "ok", record=record, exchange=(asked,)),
                SampleRow("2", "h", "failed", reason=text),
            ],
        )
        store.write_result(item)
    store.write_manifest({"versions": {"python": "3"}, "complete": True})
    store.close()
    return Run.open(path)


def make_page(folder: Path) -> Path:
    """A page with some of everything: two families, twins, failures, slices and a job that failed."""
    clean, planted = (
        result("control:clean", 0.01, 0.0, 0.03),
        result("control:planted", 0.5, 0.4, 0.6),
    )
    slices = [
        Estimate("rate", 0.1 * place, 0.05, 0.9, slice=f"group={place}", n=10, method="Wilson")
        for place in range(1, 5)
    ]
    task = [
        replace(
            item,
            id=f"{item.id}-task",
            family="task",
            probe="text/answers",
            label="text/answers",
            estimates=(*item.estimates, *slices),
            n_failed=1,
            failures={"refused": 1},
        )
        for item in (clean, planted)
    ]
    failed = replace(
        clean, id="failed", label="audio/none", family="robustness", status="failed",
        reason="the disk burned", estimates=(),
    )  # fmt: skip
    run = make_run(folder / "run", clean, planted, *task, failed)
    return write([run], folder / "report.html")
