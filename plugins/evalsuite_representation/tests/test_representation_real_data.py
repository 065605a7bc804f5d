"""Real images through a small real model: what its vectors hold is far above chance."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from itertools import islice

import numpy as np
import pytest

from evalsuite import Embedding, EmbedImage, EmbedText, LoadSettings, Sample
from evalsuite.cli import run
from evalsuite.factories import loader_for
from evalsuite.registry import installed, register_entry_point
from evalsuite.testing import play
from evalsuite_representation.linear_probe import LinearProbe
from evalsuite_representation.neighbours import WeightedNeighbours
from evalsuite_representation.pairs import PairGeometry
from evalsuite_representation.towers import TowerSimilarity
from evalsuite_sources.idx import Idx
from evalsuite_sources.sprites import ImageSprite

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.fixture(scope="module")
def model():
    loader, reference = loader_for("control:digits-clean", installed())
    return loader.load(reference, LoadSettings(device="cpu"))


def answers(model, samples, texts=()):
    """Every vector that the samples need, asked in batches, as a function of the request."""
    images = [EmbedImage(sample["image"]) for sample in samples]
    words = [EmbedText(text) for text in texts]
    found: dict[str, Embedding] = {}
    for start in range(0, len(images), 100):
        batch = images[start : start + 100]
        found |= {r.digest: e for r, e in zip(batch, model.embed_image(batch), strict=True)}
    if words:
        found |= {r.digest: e for r, e in zip(words, model.embed_text(words), strict=True)}
    return lambda request: found[request.digest]


@pytest.fixture(scope="module")
def digits(data) -> list[Sample]:
    folder = data / "mnist_test"
    files = (folder / f"t10k-{name}-ubyte.gz" for name in ("images-idx3", "labels-idx1"))
    return list(islice(Idx(*map(str, files), names=NAMES).rows(), 1000))


def test_digits_are_read_from_the_vectors_of_a_model_of_digits(model, digits):
    answer = answers(model, digits)
    probe = LinearProbe(inverse_penalties=(1e-3, 1e-2, 1e-1, 1.0), shots=(1, 16))
    found = play(probe, digits, answer)
    neighbours = play(WeightedNeighbours(), digits, answer)
    for estimate in (found.estimate("accuracy"), neighbours.estimate("accuracy")):
        assert estimate.n == 1000
        assert estimate.null.value < 0.13
        assert estimate.low > 0.7
    one, many = (found.estimate(f"accuracy with {n} per class") for n in ("1 shot", "16 shots"))
    assert one.null.value == pytest.approx(0.1)
    assert one.low > 0.1
    assert one.high < many.low
    assert many.value < found.estimate("accuracy").value


def test_fashion_articles_are_read_above_chance_and_shuffled_ones_are_not(model, data):
    path = data / "fashion_mnist_sprite" / "fashion-mnist-sprite.png"
    samples = list(ImageSprite(str(path), 3, 30, 30, 28).rows())
    answer = answers(model, samples)
    for probe in (LinearProbe(inverse_penalties=(1e-2, 1e-1)), WeightedNeighbours()):
        accuracy = play(probe, samples, answer).estimate("accuracy")
        assert accuracy.low > 0.5
        assert accuracy.null.value == pytest.approx(0.1, abs=0.01)
        labels = np.random.default_rng(0).permutation([s["label"] for s in samples])
        shuffled = [
            Sample(s.id, {"image": s["image"], "label": str(name)})
            for s, name in zip(samples, labels, strict=True)
        ]
        assert play(probe, shuffled, answer).estimate("accuracy").verdict == "compatible with null"


def test_digits_and_their_captions_are_arranged_alike(model, digits):
    pairs = [
        Sample(s.id, {"image": s["image"], "caption": f"a photo of a {s['label']}"})
        for s in digits[:300]
    ]
    answer = answers(model, pairs, {s["caption"] for s in pairs})
    geometry = play(PairGeometry(), pairs, answer)
    assert geometry.estimate("alignment").verdict == "differs from null"
    similarity = play(TowerSimilarity(permutations=50), pairs, answer)
    for name in ("debiased CKA", "mutual nearest neighbours"):
        assert similarity.estimate(name).verdict == "differs from null"


@pytest.fixture
def registered():
    """The plugin among the installed ones, also from a checkout that was not installed anew."""
    registry = installed()
    if "representation/knn" in registry.probes:
        yield
        return
    point = EntryPoint("representation", "evalsuite_representation.plugin", "evalsuite")
    assert register_entry_point(registry, point).error is None
    yield
    registry.plugins.pop()
    registry.probes.remove_owned_by("representation")
    registry.manager.unregister(name="representation")


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
@pytest.mark.parametrize("kind", ["knn", "linear-probe"])
def test_the_tasks_run_from_their_files(data, tmp_path, name, kind):
    command = [
        "run", f"task:{name}-{kind}", "-m", "control:digits-clean", "--set", f"data={data}",
        "--limit", "40", "--output", str(tmp_path / "run"),
    ]  # fmt: skip
    assert run(command) == 0
    (job,) = json.loads((tmp_path / "run" / "estimates.json").read_text())["jobs"]
    assert job["n_samples"] == 40
    assert job["family"] == "representation"


@pytest.mark.usefixtures("registered")
def test_every_probe_can_be_shown(capsys):
    for name in ("linear-probe", "knn", "image-text-geometry", "cka"):
        assert run(["show", f"representation/{name}"]) == 0
    assert "asks: EmbedImage, EmbedText" in capsys.readouterr().out
