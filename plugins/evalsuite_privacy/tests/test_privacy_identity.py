"""Identity inference: planted persons are found, their twin is silent, shuffled names are nobody's."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from evalsuite import (
    Audio,
    EmbedAudio,
    Embedding,
    EmbedImage,
    EmbedText,
    Failure,
    Image,
    LoadSettings,
    Sample,
)
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.data import named_shapes, named_sounds
from evalsuite_controls.data.encoding import png_bytes, wav_bytes
from evalsuite_controls.data.invented_names import nobody
from evalsuite_controls.sources import NamedShapes, NamedSounds
from evalsuite_privacy.identity.inference import AudioIdentityInference, ImageIdentityInference
from evalsuite_privacy.identity.names import common_names
from evalsuite_privacy.identity.rates import FALSE_RATE, LEAK, SHUFFLED, TRUE_RATE, leak_of
from evalsuite_privacy.identity.voting import NO_NAME, closest, majority, prompts_right

NOBODY = ("nil", "nul", "zed")
NAMES = [f"person{i}" for i in range(12)]
PROBE = ImageIdentityInference(templates=("{}", "a photo of {}"), names=NOBODY)


def picture(seed: int) -> Image:
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3)).astype(np.uint8)
    return Image(data=png_bytes(pixels))


PICTURES = {name: [picture(10 * i + j) for j in range(4)] for i, name in enumerate(NAMES)}
OWNER = {image.digest: name for name, images in PICTURES.items() for image in images}
SAMPLES = [
    Sample(
        f"{name}/{j}",
        {"image": image, "name": name, "member": i < 6, "fame": f"band {i % 2}"},
    )
    for i, name in enumerate(NAMES)
    for j, image in enumerate(PICTURES[name])
]
ALL = [*NAMES, *NOBODY]


def knowing(known: set[str]):
    """A model that has a direction for each name, and puts the pictures of some persons there."""

    def answer(request):
        vector = np.zeros(len(ALL) + 1, dtype=np.float32)
        if isinstance(request, EmbedText):
            vector[ALL.index(request.text.removeprefix("a photo of "))] = 1
        else:
            name = OWNER[request.image.digest]
            vector[ALL.index(name if name in known else "zed")] = 1
        return Embedding(vector)

    return answer


def test_the_published_example_of_a_vote():
    """Three prompts of three pictures: the member's name (7) wins under two, the other's never.

    A stranger's pictures are called 3, 4, 5: a tie, which names nobody.
    """
    member = majority(np.array([[7, 7, 1], [7, 2, 2], [1, 7, 2]]))
    stranger = majority(np.array([[3, 1, 9], [4, 1, 9], [5, 2, 8]]))
    assert member.tolist() == [7, 7, 2]
    assert stranger.tolist() == [NO_NAME, 1, 9]
    assert prompts_right([member, stranger], np.array([7, 6])).tolist() == [2, 0]


def test_equally_close_names_are_no_name_whatever_their_order():
    assert closest(np.array([[0.1, 0.9, 0.9], [0.3, 0.2, 0.1]])).tolist() == [NO_NAME, 0]


def test_known_members_are_found_and_the_interval_is_that_of_two_rates():
    """5 of 6 members are named, no other: TPR 5/6, FPR 0; accuracy 11/12."""
    played = play(PROBE, SAMPLES, knowing(set(NAMES[:5])))
    assert played.estimate(TRUE_RATE).value == pytest.approx(5 / 6)
    assert played.estimate(FALSE_RATE).value == 0
    assert played.estimate("accuracy").value == pytest.approx(11 / 12)
    leak = played.estimate(LEAK)
    assert leak.value == pytest.approx(5 / 6)
    assert leak.verdict == "differs from null"
    # Clopper-Pearson of 0/6 ends at 1 - .025^(1/6) = .4593, that of 5/6 begins at .3588.
    assert leak.low == pytest.approx(5 / 6 - math.hypot(5 / 6 - 0.3588, 0.4593), abs=1e-3)


def test_shuffled_names_are_hardly_ever_right():
    """A person keeps the own name in one deal of twelve: 5/6 times 1/12."""
    estimate = play(PROBE, SAMPLES, knowing(set(NAMES[:5]))).estimate(SHUFFLED)
    assert estimate.value == pytest.approx(5 / 72, abs=0.02)
    assert estimate.extra["p_value"] < 0.01


def test_a_model_that_knows_everybody_leaks_no_membership():
    """Fame or a name that fits a face is not training: matched non-members are named as often."""
    leak = play(PROBE, SAMPLES, knowing(set(NAMES))).estimate(LEAK)
    assert leak.value == 0
    assert leak.verdict == "compatible with null"


def test_without_non_members_nothing_is_said():
    members = [sample for sample in SAMPLES if sample["member"]]
    estimate = play(PROBE, members, knowing(set(NAMES))).estimate(LEAK)
    assert math.isnan(estimate.value)
    assert "non-members" in estimate.reason


def test_matched_persons_are_compared_within_their_stratum():
    """Band A: TPR 1/1, FPR 1/2; band B: 1/2, 0/1. By members: (1 x .5 + 2 x .5) / 3 = .5."""
    called = np.array([True, True, False, True, False, False])
    member = np.array([True, False, False, True, True, False])
    strata = np.array(["A", "A", "A", "B", "B", "B"], dtype=object)
    value, interval = leak_of(called, member, strata, np.random.default_rng(0))
    assert value == pytest.approx(0.5)
    assert math.isnan(interval.low)  # six persons, two strata: too many draws lack a kind
    often = [np.tile(column, 6) for column in (called, member, strata)]
    value, interval = leak_of(*often, np.random.default_rng(0))
    assert value == pytest.approx(0.5)
    assert interval.low < value < interval.high


def test_persons_without_a_match_are_left_out_and_counted():
    probe = ImageIdentityInference(templates=("{}",), names=NOBODY, match_by="fame")
    samples = [
        Sample(s.id, {**s.fields, "fame": "alone" if s["name"] == NAMES[0] else "band"})
        for s in SAMPLES
    ]
    leak = play(probe, samples, knowing(set(NAMES[:6]))).estimate(LEAK)
    assert leak.n == 11
    assert leak.extra["n_unmatched"] == 1


def test_a_split_that_the_pictures_give_away_is_worthless():
    samples = []
    for i in range(40):
        level = 200 + i if i < 20 else 2 * i - 30
        image = Image(data=png_bytes(np.full((8, 8, 3), level, np.uint8)))
        samples.append(Sample(str(i), {"image": image, "name": f"n{i}", "member": i < 20}))

    def answer(request):
        return Embedding(np.ones(2, dtype=np.float32) / math.sqrt(2))

    estimate = play(PROBE, samples, answer).estimate(LEAK)
    assert math.isnan(estimate.value)
    assert "worthless" in estimate.reason


def test_a_model_that_refuses_is_not_private():
    played = play(PROBE, SAMPLES, lambda request: Failure("refused", "no"))
    assert all(math.isnan(estimate.value) for estimate in played.estimates)


def test_the_probe_keeps_the_contract_of_probes():
    check_probe(PROBE, SAMPLES, knowing(set(NAMES[:5])))


def test_names_that_compete_are_a_thousand_and_distinct():
    assert len(set(common_names())) == 1000


@pytest.mark.parametrize("options", [{"tau": 0}, {"tau": 3}, {"max_media": 0}])
def test_a_tau_out_of_reach_is_refused(options):
    with pytest.raises(ValueError, match="tau must lie between 1 and"):
        ImageIdentityInference(templates=("{}", "this is {}"), **options)


def test_a_template_without_a_name_is_refused():
    with pytest.raises(ValueError, match="place of the name"):
        ImageIdentityInference(templates=("a photo",))


def test_voices_are_asked_about_as_pictures_are():
    draw = np.random.default_rng(0)
    clips = [wav_bytes(draw.normal(0, 0.1, 800), 16_000) for _ in range(8)]
    samples = [
        Sample(str(i), {"audio": Audio(data=clip), "name": f"v{i}", "member": i % 2 == 0})
        for i, clip in enumerate(clips)
    ]
    names = [f"v{i}" for i in range(8)] + ["nobody"]
    heard = {s["audio"].digest: int(s.id) for s in samples}

    def answer(request):
        vector = np.zeros(len(names), dtype=np.float32)
        if isinstance(request, EmbedAudio):
            number = heard[request.audio.digest]
            vector[number if number % 2 == 0 else 8] = 1
        else:
            vector[names.index(request.text.split()[-1])] = 1
        return Embedding(vector)

    probe = AudioIdentityInference(templates=("{}", "the voice of {}"), names=("nobody",))
    played = play(probe, samples, answer)
    assert played.estimate(LEAK).value == 1
    assert not any(isinstance(request, EmbedImage) for request in played.requests)


# Shapes with their looks, and sounds with their voices: a planted model each, and its twin.
CONTROLS = {
    "shapes": (ImageIdentityInference, named_shapes, NamedShapes),
    "sounds": (AudioIdentityInference, named_sounds, NamedSounds),
}
FOUND_AT_LEAST = {"shapes": 0.9, "sounds": 0.8}


@cache
def on_control(kind: str, twin: str):
    loader, reference = loader_for(f"control:{kind}-{twin}", installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    probe, data, source = CONTROLS[kind]
    asking = probe(templates=data.TEMPLATES, names=nobody())
    return play(asking, list(source().rows()), cache(lambda r: answer_batch(model, [r])[0]))


@pytest.mark.parametrize("kind", CONTROLS)
def test_planted_persons_are_found_and_not_by_others_names(kind):
    played = on_control(kind, "named")
    assert played.estimate(TRUE_RATE).value >= FOUND_AT_LEAST[kind]
    assert played.estimate(FALSE_RATE).value <= 0.05
    assert played.estimate(LEAK).verdict == "differs from null"
    assert played.estimate(LEAK).low > 0.5
    assert played.estimate(SHUFFLED).high < 0.1


def test_more_pictures_of_a_person_tell_more():
    played = on_control("shapes", "named")
    few, many = (played.estimate(TRUE_RATE, part).value for part in ("images=1", ""))
    assert few < many


@pytest.mark.parametrize("kind", CONTROLS)
def test_the_twin_that_read_names_under_any_look_or_voice_knows_nobody(kind):
    played = on_control(kind, "unnamed")
    assert played.estimate(LEAK).verdict == "compatible with null"
    assert played.estimate(SHUFFLED).low <= played.estimate(TRUE_RATE).value
    assert played.estimate(TRUE_RATE).value <= played.estimate(SHUFFLED).high
