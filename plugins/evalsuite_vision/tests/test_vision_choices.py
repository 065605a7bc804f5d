"""Multiple choice about images: normalised scores, rotations, written answers."""

from __future__ import annotations

import math

import pytest

from evalsuite import (
    ContinuationScore,
    DataError,
    Generate,
    Generation,
    Image,
    LoadSettings,
    Sample,
)
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.sources import ShapeQuestions
from evalsuite_vision.tasks.question_answering import VisualQuestionAnswering

CHOICES = ("a cat", "an enormous dog", "a bird", "fish")
SAMPLES = [
    Sample(
        str(i),
        {
            "image": Image(data=bytes([i])),
            "question": f"what is thing {i}?",
            "choices": list(CHOICES),
            "answer": i % 4,
        },
    )
    for i in range(24)
]
PLAIN = VisualQuestionAnswering()
LETTERED = VisualQuestionAnswering(circular=True)
WRITTEN = VisualQuestionAnswering(by="generation")
WRITTEN_ROUND = VisualQuestionAnswering(by="generation", circular=True)
ALL = (PLAIN, LETTERED, WRITTEN, WRITTEN_ROUND)


def right_answer(text: str) -> tuple[str, str]:
    """The letter and the words of the right answer to a prompt."""
    number = int(text.partition("?")[0].split()[-1])
    words = CHOICES[number % 4]
    lines = [line for line in text.splitlines() if line.endswith(f". {words}")]
    return (lines[0][0] if lines else ""), words


def knows(request):
    text = (request.prompt if isinstance(request, Generate) else request.context)[-1].text
    letter, words = right_answer(text)
    if isinstance(request, Generate):
        return Generation(f"{letter}. {words}", 4, "stop")
    right = request.continuation.strip() in (letter, words)
    return ContinuationScore(-1.0 if right else -50.0, len(request.continuation.split()), right)


def always(text):
    return lambda request: Generation(text, 4, "stop")


def scores(total):
    return lambda request: ContinuationScore(total, 1, False)


@pytest.mark.parametrize("probe", ALL)
def test_one_who_knows_is_right_in_every_way(probe):
    played = play(probe, SAMPLES, knows)
    for estimate in played.estimates:
        wanted = 0.0 if estimate.metric == "unparsed answers" else 1.0
        assert estimate.value == wanted


def test_equal_scores_are_exactly_at_chance():
    assert play(PLAIN, SAMPLES, scores(-3.0)).estimate("accuracy").value == 0.25
    played = play(LETTERED, SAMPLES, scores(-3.0))
    for name, chance in (
        ("accuracy", 1 / 4),
        ("mean accuracy over rotations", 1 / 4),
        ("circular accuracy", 4**-4),
    ):
        estimate = played.estimate(name)
        assert estimate.value == estimate.null.value == chance


def test_a_letter_written_always_is_at_chance_over_rotations_and_never_right_in_all():
    played = play(WRITTEN_ROUND, SAMPLES, always("C"))
    assert played.estimate("mean accuracy over rotations").value == 0.25
    assert played.estimate("accuracy").value == 0.25  # every answer stands at C equally often
    assert played.estimate("circular accuracy").value == 0.0


def test_scores_are_also_ranked_per_byte_and_per_token():
    # "an enormous dog" has 15 bytes, 3 tokens and -6: -.4 a byte, -2 a token. "fish" has 4 bytes,
    # 1 token and -3: -.75 a byte, -3 a token. In total fish wins, per byte and token the dog.
    given = {"an enormous dog": (-6.0, 3), "fish": (-3.0, 1)}

    def answer(request):
        total, n = given.get(request.continuation.strip(), (-90.0, 2))
        return ContinuationScore(total, n, False)

    played = play(PLAIN, [SAMPLES[1], SAMPLES[3]], answer)
    by_sample = [
        (r["correct"], r["correct_per_byte"], r["correct_per_token"]) for r in played.records
    ]
    assert by_sample == [(0, 1, 1), (1, 0, 0)]


def test_every_choice_stands_once_at_every_letter():
    played = play(WRITTEN_ROUND, SAMPLES[:1], always("A"))
    firsts = [request.prompt[-1].text.splitlines()[1] for request in played.requests]
    assert firsts == [f"A. {choice}" for choice in CHOICES]


def test_an_unparsed_answer_is_wrong_and_counted():
    played = play(WRITTEN, SAMPLES, always("A or B, I think"))
    assert played.estimate("accuracy").value == 0.0
    assert played.estimate("unparsed answers").value == 1.0
    assert play(WRITTEN, SAMPLES, always("")).estimate("unparsed answers").value == 1.0


def test_one_wrong_rotation_costs_the_circular_credit_only():
    def answer(request):
        text = request.prompt[-1].text
        return always("A")(request) if text.splitlines()[1] == "A. fish" else knows(request)

    played = play(WRITTEN_ROUND, [SAMPLES[0]], answer)
    record = played.records[0]
    assert (record["correct"], record["all_correct"], record["mean_correct"]) == (1, 0, 0.75)


@pytest.mark.parametrize("probe", ALL)
def test_the_contract_of_multiple_choice_is_kept(probe):
    check_probe(probe, SAMPLES, knows)


@pytest.mark.parametrize("answer", ["B", 1, "an enormous dog"])
def test_the_answer_is_an_index_a_letter_or_a_choice(answer):
    sample = Sample("1", {**SAMPLES[1].fields, "answer": answer})
    assert play(PLAIN, [sample], knows).records[0]["target"] == "an enormous dog"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"answer": 4}, "index from 0 to 3"),
        ({"answer": "a horse"}, "one of the choices"),
        ({"choices": ["one"]}, "two or more"),
    ],
)
def test_wrong_fields_are_refused(fields, message):
    with pytest.raises(DataError, match=message):
        play(PLAIN, [Sample("0", {**SAMPLES[0].fields, **fields})], knows)


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="must contain {options}"):
        VisualQuestionAnswering(circular=True, listing="{question}")
    with pytest.raises(ValueError, match="likelihood or generation"):
        VisualQuestionAnswering(by="magic")


@pytest.fixture(scope="module", params=["vlm-clean", "vlm-blind"])
def control(request):
    loader, reference = loader_for(f"control:{request.param}", installed())
    return request.param, loader.load(reference, LoadSettings(device="cpu"))


def test_the_controls_choose_alike_by_likelihood_and_by_generation(control):
    # The controls know single words, no letters: the list is left out of their prompt.
    name, model = control
    rows = list(ShapeQuestions(limit=60).rows())
    written = VisualQuestionAnswering(by="generation", listing="{question}", max_tokens=2)
    answers = {"generate": model.generate, "loglikelihood": model.loglikelihood}
    found = [play(p, rows, lambda r: answers[r.method]([r])[0]) for p in (PLAIN, written)]
    accuracies = [played.estimate("accuracy") for played in found]
    assert math.isclose(accuracies[0].value, accuracies[1].value, abs_tol=0.1)
    for accuracy in accuracies:
        assert (accuracy.value > 0.7) == (name == "vlm-clean")
        assert (accuracy.verdict == "differs from null") == (name == "vlm-clean")
    assert found[1].estimate("unparsed answers").value < 0.05
