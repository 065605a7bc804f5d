"""A run with something for every part of the explorer, and the page of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from report.small_runs import result

from evalsuite import Audio, Image
from evalsuite.report import write
from evalsuite.store import Run, SampleRow, Store

# Of the probe "answers": 120 samples, of which these stand out.
FAILED, REFUSED, DIFFERENT = {3}, {5, 6}, {7, 8, 9}


def answers(model: str) -> list[SampleRow]:
    """Questions n = 0 to 119; m:b answers 7, 8 and 9 otherwise, and both are wrong from 110 on."""
    rows = []
    for n in range(120):
        said = f"{model} says" if n in DIFFERENT else f"reply {n * n}"
        record = {
            "predicted": "" if n in REFUSED else said,
            "is_empty": float(n in REFUSED),
            "correct": float(n < 110),
            "target": f"reply {n * n}",
            "group": "even" if n % 2 == 0 else "odd",
        }
        exchange = {
            "asked": "Generate",
            "parts": [{"text": f"Question {n}: how much is it?"}],
            "detail": {},
            "answer": {"text": said},
        }
        if n in FAILED:
            rows.append(SampleRow(str(n), "h", "failed", "the disk burned", exchange=(exchange,)))
        else:
            rows.append(SampleRow(str(n), "h", "ok", record=record, exchange=(exchange,)))
    return rows


def seen(picture: str, clip: str) -> list[SampleRow]:
    """A picture and a clip with maps and curves, a transcript, and words with scores."""

    def row(name: str, part: dict[str, str], **record: str) -> SampleRow:
        asked = {"asked": "Ask", "parts": [part], "detail": {}, "answer": {}}
        return SampleRow(name, "h", "ok", record={"predicted": name, **record}, exchange=(asked,))

    alignment = '[["=", "one"], ["S", "two", "too"], ["D", "three", ""]]'
    falling = "[[0, 0.9, 0.9], [0.5, 0.2, 0.6], [1, 0.1, 0.1]]"
    rising = "[[0, 0.1, null], [1, 0.9, null]]"
    lime = {"word_scores of lime": '[["good", 1.0], ["bad", 1.0]]', "curve of lime": falling}
    second = {"explainer": "saliency", **lime, **{f"fact_{i}": "x" for i in range(20)}}
    label = {"word_scores": '[["said", 2.0]]', "word_scores of another label": '[["said", -1.0]]'}
    return [
        row("picture", {"image": picture}, map="[[1, 0], [0, -1]]", curve=falling),
        row("clip", {"audio": clip}, map="[[1, -1]]", curve=falling, insertion_curve=rising),
        row("words", {"text": "good bad"}, word_scores='[["good", 2.0], ["bad", -1.0]]', **second),
        row("transcript", {"text": "said"}, word_alignment=alignment, **label),
    ]


def browsed_page(folder: Path) -> Path:
    """The report of a run of two models and three probes, the last of which is sensitive."""
    store = Store(folder / "run")
    picture = Image.from_array(np.zeros((8, 8, 3), np.uint8))
    clip = Audio.from_array(0.1 * np.sin(np.arange(8000, dtype=np.float32)), 8000)
    for part in (picture, clip):
        store.write_media(part.sha256, part.encoded())
    store.write_plan({"suite_name": "browsed", "models": [{"name": "m:a"}, {"name": "m:b"}]})
    secret = [SampleRow("s", "h", "ok", record={"predicted": "PIN 1234"})]
    secret[0] = replace(secret[0], exchange=({"parts": [{"image": picture.sha256}]},))
    for model in ("m:a", "m:b"):
        for label, rows in (
            ("answers", answers(model)),
            ("seen", seen(picture.sha256, clip.sha256)),
            ("secret", secret),
        ):
            item = result(model, 0.5, 0.4, 0.6, name=label, sensitive=label == "secret")
            item = replace(item, id=f"{model[-1]}-{label}", n_samples=len(rows), seconds=6.0)
            store.write_samples(item.id, rows)
            store.write_result(item)
    store.write_manifest({"versions": {}, "complete": True})
    store.close()
    return write([Run.open(folder / "run")], folder / "report.html")
