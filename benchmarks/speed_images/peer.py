"""CLIP_benchmark's side; runs in an environment of its own."""

from __future__ import annotations

import contextlib
import io
import sys
import time
from pathlib import Path

import material
import open_clip
import torch
from clip_benchmark.metrics import zeroshot_classification as classification
from clip_benchmark.metrics import zeroshot_retrieval as retrieval
from torchvision.datasets import ImageFolder


def loaded(folder: Path):
    """Model, transform, tokenizer."""
    module, _, transform = open_clip.create_model_and_transforms(material.ARCHITECTURE)
    module.load_state_dict(torch.load(folder / "weights.pt"))
    return module.eval(), transform, open_clip.get_tokenizer(material.ARCHITECTURE)


def class_vectors(folder: Path) -> dict:
    """One class at a time, as the library does it."""
    module, _, tokenizer = loaded(folder)
    names = material.class_names(100)
    begin = time.perf_counter()
    weights = classification.zero_shot_classifier(
        module, tokenizer, names, list(material.TEMPLATES), "cpu", amp=False
    )
    return {"seconds": time.perf_counter() - begin, "values": weights.T.flatten().tolist()}


def recall(folder: Path) -> dict:
    """R@1, R@5 and R@10, both ways."""
    images, captions, owner = material.vectors()
    begin = time.perf_counter()
    scores = torch.tensor(captions) @ torch.tensor(images).T
    positive = torch.zeros_like(scores, dtype=torch.bool)
    positive[torch.arange(len(scores)), torch.tensor(owner)] = True
    values = []
    for matrix, pairs in ((scores.T, positive.T), (scores, positive)):
        for k in (1, 5, 10):
            found = retrieval.batchify(retrieval.recall_at_k, matrix, pairs, 64, "cpu", k=k)
            values.append((found > 0).float().mean().item())
    return {"seconds": time.perf_counter() - begin, "values": values}


def zero_shot(folder: Path) -> dict:
    """Accuracy over a folder of pictures, from files to the figure."""
    module, transform, tokenizer = loaded(folder)
    begin = time.perf_counter()
    data = ImageFolder(str(folder / "pictures"), transform=transform)
    loader = torch.utils.data.DataLoader(data, batch_size=material.BATCH)
    found = classification.evaluate(
        module,
        loader,
        tokenizer,
        data.classes,
        [material.TEMPLATES[0]],
        "cpu",
        amp=False,
    )
    return {"seconds": time.perf_counter() - begin, "values": [found["acc1"]]}


if __name__ == "__main__":
    work, where, threads = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(threads)
    with contextlib.redirect_stderr(io.StringIO()):
        answer = {"class_vectors": class_vectors, "recall": recall, "zero_shot": zero_shot}[work](
            where
        )
    material.told(answer)
