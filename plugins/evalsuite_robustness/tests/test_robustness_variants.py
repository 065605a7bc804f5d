"""Every way to make data harder: what it does, what it leaves alone, and what it costs a model."""

from __future__ import annotations

import json

import numpy as np
import pytest

from evalsuite import Audio, DataError, Image, Sample, Text
from evalsuite.factories import make_variant, settings_of
from evalsuite.registry import installed
from evalsuite_robustness.missing import PermutedImages
from evalsuite_robustness.sounds.damage import BandLimit
from evalsuite_robustness.sounds.noise import WhiteNoise
from evalsuite_robustness.texts.typos import Typos

OF_IMAGES = [e.name for e in installed().variants if e.name.startswith("image/")]
WITHOUT_SEVERITY = ("blank", "permuted", "absent", "missing-patches")
CORRUPTIONS = [n for n in OF_IMAGES if n.rpartition("/")[2] not in WITHOUT_SEVERITY]


def picture(seed: int, height: int = 48, width: int = 40) -> Image:
    """A smooth scene with an edge, so that blur and shift have something to change."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    scene = np.stack([rows * 4 % 256, columns * 5 % 256, (rows + columns) * 2 % 256], axis=-1)
    scene[10:30, 8:20] = rng.integers(256, size=3)
    return Image.from_array(scene.astype(np.uint8))


SAMPLES = [Sample(str(i), {"image": picture(i), "label": str(i % 3)}) for i in range(6)]


def setting(name: str, **options):
    return make_variant({"variant": name, **options}, installed())


def pixels_of(sample: Sample) -> np.ndarray:
    return np.asarray(sample["image"].load()).astype(int)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_severity_changes_the_picture_more_and_keeps_its_size(name):
    before = pixels_of(SAMPLES[0])
    changes = []
    for one in settings_of({"variant": name}, installed()):
        after = pixels_of(make_variant(one, installed()).samples(SAMPLES, 0)[0])
        assert after.shape == before.shape
        changes.append(np.abs(after - before).mean())
    assert len(changes) == 5
    assert changes[0] > 0
    assert changes[4] > changes[0]


@pytest.mark.parametrize("name", OF_IMAGES)
def test_order_and_company_change_nothing(name):
    variant = setting(name)
    if name == "image/absent":
        return
    forward = {s.id: s["image"].sha256 for s in variant.samples(SAMPLES, 0)}
    backward = {s.id: s["image"].sha256 for s in variant.samples(SAMPLES[::-1], 0)}
    assert forward == backward
    again = pixels_of(setting(name).samples(SAMPLES, 0)[2])
    assert (pixels_of(variant.samples(SAMPLES, 0)[2]) == again).all()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_pictures_of_one_pixel_and_long_strips_survive(name):
    for height, width in ((1, 1), (2, 90)):
        sample = Sample("0", {"image": picture(0, height, width)})
        assert pixels_of(setting(name, severity=5).samples([sample], 0)[0]).shape[:2] == (
            height,
            width,
        )


def test_gaussian_noise_has_its_standard_deviation():
    """On mid grey nothing is clipped at 0.08: 0.08 x 255 = 20.4 levels."""
    grey = Sample("0", {"image": Image.from_array(np.full((200, 200, 3), 128, np.uint8))})
    noisy = pixels_of(setting("image/gaussian-noise", severity=1).samples([grey], 0)[0])
    assert noisy.std() == pytest.approx(20.4, abs=0.3)


def test_impulse_noise_hits_its_share():
    grey = Sample("0", {"image": Image.from_array(np.full((200, 200, 3), 128, np.uint8))})
    noisy = pixels_of(setting("image/impulse-noise", severity=5).samples([grey], 0)[0])
    assert np.isin(noisy, (0, 255)).mean() == pytest.approx(0.27, abs=0.01)


def test_occlusion_covers_its_share_of_the_area():
    white = Sample("0", {"image": Image.from_array(np.full((100, 100, 3), 255, np.uint8))})
    covered = pixels_of(setting("image/occlusion", severity=3).samples([white], 0)[0])
    assert (covered < 255).all(axis=-1).mean() == pytest.approx(0.2, abs=0.01)


def test_a_blank_picture_is_its_mean_colour():
    sample = SAMPLES[1]
    blank = pixels_of(setting("image/blank").samples([sample], 0)[0])
    assert (blank == np.round(pixels_of(sample).mean(axis=(0, 1)))).all()


def test_permuted_pictures_are_all_there_and_nobody_has_their_own():
    copies = [Sample(str(i), {"image": picture(i % 3)}) for i in range(6)]  # three pairs
    after = PermutedImages().samples(copies, 0)
    before = [s["image"].digest for s in copies]
    assert sorted(s["image"].digest for s in after) == sorted(before)
    assert all(s["image"].digest != d for s, d in zip(after, before))


def test_pictures_that_are_mostly_equal_cannot_be_permuted():
    equal = [Sample(str(i), {"image": picture(0)}) for i in range(3)]
    with pytest.raises(DataError, match="More than half"):
        PermutedImages().samples(equal, 0)


def test_an_absent_picture_leaves_the_text():
    (after,) = setting("image/absent").samples(SAMPLES[:1], 0)
    assert after["image"] == Text("")


def test_broken_samples_stay_broken():
    broken = Sample("x", broken="no such file")
    for name in OF_IMAGES:
        assert setting(name).samples([broken, *SAMPLES], 0)[0] == broken


def test_nothing_to_change_is_said_at_once():
    with pytest.raises(DataError, match="finds nothing to change"):
        setting("image/jpeg").check([Sample("0", {"text": "no picture"})])


def test_severities_are_one_to_five():
    with pytest.raises(Exception, match="severity must be 1, 2, 3, 4 or 5"):
        setting("image/jpeg", severity=6)


# ------------------------------------------------------------------------------------------------
# Sound and text
# ------------------------------------------------------------------------------------------------

RATE = 16_000
TONE = Audio.from_array(np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32), RATE)


def test_noise_has_its_ratio_to_the_clip():
    """10 dB: the noise has a tenth of the clip's power."""
    (after,) = WhiteNoise(10).samples([Sample("0", {"audio": TONE})], 0)
    waveform, _ = TONE.load()
    noise = after["audio"].load()[0] - waveform
    assert 10 * np.log10((waveform**2).mean() / (noise**2).mean()) == pytest.approx(10, abs=1e-3)


def test_a_band_limit_takes_what_is_above_it():
    high = np.sin(2 * np.pi * 5000 * np.arange(RATE) / RATE).astype(np.float32)
    clip = Audio.from_array(high, RATE)
    (after,) = BandLimit(2000).samples([Sample("0", {"audio": clip})], 0)
    assert np.abs(after["audio"].load()[0][1000:-1000]).max() < 1e-3
    (after,) = BandLimit(2000).samples([Sample("0", {"audio": TONE})], 0)
    assert np.abs(after["audio"].load()[0] - TONE.load()[0])[1000:-1000].max() < 1e-3


def test_typos_hit_about_their_rate_and_no_other_field():
    text = "a quick brown fox jumps over the lazy dog " * 40
    sample = Sample("0", {"question": text, "answer": text})
    (after,) = Typos(rate=0.1).samples([sample], 0)
    assert after["answer"] == text
    changed = sum(a != b for a, b in zip(text.split(), after["question"].split()))
    # a word of 3.7 letters stays whole with probability 0.9 ** 3.7 = 0.68
    assert changed / len(text.split()) == pytest.approx(0.32, abs=0.06)
    assert after["question"].count(" ") == text.count(" ")


# ------------------------------------------------------------------------------------------------
# In a run
# ------------------------------------------------------------------------------------------------

SUITE = """
version: 1
name: harder
models: ["control:digits-clean", "control:digits-shortcut"]
sources:
  digits: {type: control/digits, limit: 60}
probes:
  - probe: vision/zero-shot
    source: digits
    options: {templates: ["a photo of the digit {}"]}
    variants:
      - {variant: image/gaussian-noise, severity: [1, 5]}
      - image/permuted
      - image/blank
"""


@pytest.fixture(scope="module")
def harder(tmp_path_factory):
    from evalsuite.cli import run
    from evalsuite.store import Run

    folder = tmp_path_factory.mktemp("harder")
    (folder / "suite.yaml").write_text(SUITE)
    assert run(["run", str(folder / "suite.yaml"), "-q", "-o", str(folder / "run")]) == 0
    return Run.open(folder / "run")


def estimate(run, label: str, metric: str, model: str = "control:digits-clean"):
    (result,) = [r for r in run.results if r.label == label and r.model == model]
    return next(e for e in result.estimates if e.metric == metric and not e.slice)


def test_each_setting_is_a_job_beside_the_clean_one(harder):
    labels = [r.label for r in harder.results if r.model == "control:digits-clean"]
    assert labels == [
        "vision/zero-shot",
        "vision/zero-shot under image/gaussian-noise 1",
        "vision/zero-shot under image/gaussian-noise 5",
        "vision/zero-shot under image/permuted",
        "vision/zero-shot under image/blank",
        "vision/zero-shot under all changes",
    ]


def test_without_its_picture_a_model_falls_to_chance_and_the_loss_says_so(harder):
    clean = estimate(harder, "vision/zero-shot", "accuracy")
    assert clean.value > 0.8
    for name in ("image/permuted", "image/blank"):
        label = f"vision/zero-shot under {name}"
        after = estimate(harder, label, "accuracy")
        assert after.verdict == "compatible with null", name
        lost = estimate(harder, label, "accuracy lost")
        assert lost.value == pytest.approx(clean.value - after.value)
        assert lost.verdict == "differs from null"


def test_noise_costs_more_when_there_is_more(harder):
    mild, strong = (
        estimate(harder, f"vision/zero-shot under image/gaussian-noise {s}", "accuracy lost")
        for s in (1, 5)
    )
    assert strong.value > mild.value


def test_the_report_draws_a_curve_and_keeps_variants_out_of_the_scorecard(harder, tmp_path):
    from evalsuite.report.page import render

    page = render([harder])
    assert "When the input gets worse" in page
    assert "vision/zero-shot: accuracy under image/gaussian-noise" in page
    scorecard = page[page.index('id="scorecard"') : page.index('id="scorecard"') + 4000]
    assert "under image" not in scorecard


def test_the_plan_says_what_was_done_to_the_data(harder):
    plan = json.loads((harder.path / "plan.json").read_text())
    assert plan["jobs"][2]["variant"] == {"variant": "image/gaussian-noise", "severity": 5}
    assert plan["jobs"][2]["base"] == plan["jobs"][0]["id"]


SEEING = """
version: 1
name: seeing
models: ["control:vlm-clean", "control:vlm-blind"]
sources:
  shapes: {type: control/shape-questions, limit: 60}
probes:
  - probe: vision/visual-question-answering
    source: shapes
    variants: [image/permuted, image/blank, image/absent]
"""


def test_a_model_that_looks_falls_to_chance_and_a_blind_one_changes_no_answer(tmp_path):
    from evalsuite.cli import run
    from evalsuite.store import Run

    (tmp_path / "suite.yaml").write_text(SEEING)
    assert run(["run", str(tmp_path / "suite.yaml"), "-q", "-o", str(tmp_path / "run")]) == 0
    found = Run.open(tmp_path / "run")
    clean = "vision/visual-question-answering"
    assert estimate(found, clean, "accuracy", "control:vlm-clean").value > 0.7
    for name in ("image/permuted", "image/blank", "image/absent"):
        label = f"{clean} under {name}"
        seeing = estimate(found, label, "accuracy", "control:vlm-clean")
        assert seeing.verdict == "compatible with null", name
        lost = estimate(found, label, "accuracy lost", "control:vlm-clean")
        assert lost.verdict == "differs from null", name
        blind = estimate(found, label, "answers unchanged", "control:vlm-blind")
        assert blind.value > 0.9, name
