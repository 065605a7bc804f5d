"""Our side: through the executor, the probe, and a whole run."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import material
import numpy as np
import torch

from evalsuite import EmbedText, LoadSettings
from evalsuite.cli import run
from evalsuite.executor import BudgetMemory, LocalExecutor
from evalsuite.store import Run
from evalsuite.zero_shot import class_vectors as ensemble
from evalsuite.zero_shot import fill
from evalsuite_vision.models.open_clip import Loader
from evalsuite_vision.tasks.retrieval import Retrieval

SUITE = """
version: 1
name: speed
models: ["open_clip:{architecture}/{weights}"]
sources:
  pictures: {{type: image-folder, path: "{pictures}"}}
probes:
  - {{probe: vision/zero-shot, source: pictures, options: {{templates: ["{template}"]}}}}
"""
SECOND = "  - {{probe: representation/knn, source: pictures, options: {{medium: image}}}}\n"


def model(folder: Path):
    """By the path of any checkpoint."""
    settings = LoadSettings(device="cpu", dtype="float32")
    return Loader().load(f"{material.ARCHITECTURE}/{folder / 'weights.pt'}", settings)


def class_vectors(folder: Path) -> dict:
    """Every prompt of every class in one pool."""
    loaded = model(folder)
    names = material.class_names(100)
    begin = time.perf_counter()
    asked = [EmbedText(fill(t, name)) for name in names for t in material.TEMPLATES]
    found: dict = {}
    LocalExecutor(memory=BudgetMemory(Path("/nonexistent"))).answer(loaded, asked, found.update)
    width = len(material.TEMPLATES)
    vectors = [found[request.digest].vector for request in asked]
    classes = ensemble([vectors[i : i + width] for i in range(0, len(vectors), width)])
    return {"seconds": time.perf_counter() - begin, "values": classes.flatten().tolist()}


def recall(folder: Path) -> dict:
    """The probe's own tabulation: every recall, MRR, mAP and median rank, both ways."""
    images, captions, _ = material.vectors()
    each = material.CAPTIONS_EACH
    records = [
        {
            "image_id": str(i),
            "captions": "",
            "_medium": images[i],
            "_texts": captions[i * each : (i + 1) * each],
            "_captions": [f"{i} {j}" for j in range(each)],
        }
        for i in range(len(images))
    ]
    begin = time.perf_counter()
    rows = Retrieval().tabulate(records, None, np.random.default_rng(0))
    values = [
        float(np.mean([row[f"{way}_at_{k}"] for row in rows]))
        for way in ("image_to_text", "text_to_image")
        for k in (1, 5, 10)
    ]
    return {"seconds": time.perf_counter() - begin, "values": values}


def whole(folder: Path, second: str = "") -> tuple[float, float]:
    """Seconds of a run after its model is loaded, and its accuracy."""
    with tempfile.TemporaryDirectory() as place:
        suite = Path(place) / "suite.yaml"
        suite.write_text(
            SUITE.format(
                architecture=material.ARCHITECTURE,
                weights=folder / "weights.pt",
                pictures=folder / "pictures",
                template=material.TEMPLATES[0].replace("{c}", "{}"),
            )
            + second.format()
        )
        if run(["run", str(suite), "-q", "--json", "-o", f"{place}/run"]):
            raise SystemExit("the run failed")
        done = Run.open(f"{place}/run")
        facts = next(iter(done.manifest["models"].values()))
        return float(facts["seconds"]), done.results[0].estimates[0].value


def zero_shot(folder: Path) -> dict:
    """A whole run, beside a bare pass of the image tower, and with a second probe."""
    loaded = model(folder)
    pictures = sorted((folder / "pictures").rglob("*.png"))
    from PIL import Image as pillow  # noqa: N813

    begin = time.perf_counter()
    with torch.inference_mode():
        for start in range(0, len(pictures), material.BATCH):
            part = [pillow.open(p).convert("RGB") for p in pictures[start : start + material.BATCH]]
            loaded.module.encode_image(torch.stack([loaded.transform(p) for p in part]))
    bare = time.perf_counter() - begin
    one, accuracy = whole(folder)
    two, _ = whole(folder, SECOND)
    return {"seconds": one, "values": [accuracy], "bare": bare, "with_second": two}


if __name__ == "__main__":
    work, where, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(threads)
    material.told(
        {"class_vectors": class_vectors, "recall": recall, "zero_shot": zero_shot}[work](where)
    )
