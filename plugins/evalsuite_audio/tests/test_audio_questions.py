"""Questions about clips: options and written answers, in every rotation, and without the clip."""

from __future__ import annotations

import math

import pytest

from evalsuite import Audio, ContinuationScore, DataError, Failure, Generate, Generation, Sample
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_audio.tasks.multiple_choice import MultipleChoice
from evalsuite_audio.tasks.question_answering import QuestionAnswering

CHOICES = ("a cat", "an enormous dog", "a bird", "rain")
SAMPLES = [
    Sample(
        str(i),
        {
            "audio": Audio(data=bytes([i])),
            "question": f"what is heard in clip {i}?",
            "choices": list(CHOICES),
            "answer": i % 4,
        },
    )
    for i in range(24)
]
PLAIN = MultipleChoice()
LETTERED = MultipleChoice(circular=True)
WRITTEN = MultipleChoice(by="generation")
WRITTEN_ROUND = MultipleChoice(by="generation", circular=True)
ALL = (PLAIN, LETTERED, WRITTEN, WRITTEN_ROUND)


def contents(request):
    return request.prompt if isinstance(request, Generate) else request.context


def listens(request):
    """Knows what is heard by the clip alone, as a letter or in words."""
    parts = contents(request)
    if not isinstance(parts[0], Audio):
        answer = (CHOICES[0],)
    else:
        words = CHOICES[parts[0].data[0] % 4]
        lines = [line for line in parts[-1].text.splitlines() if line.endswith(f". {words}")]
        answer = (words, lines[0][0] if lines else "")
    if isinstance(request, Generate):
        return Generation(answer[-1], 4, "stop")
    is_right = request.continuation.strip() in answer
    return ContinuationScore(-1.0 if is_right else -50.0, len(request.continuation.split()), False)


@pytest.mark.parametrize("probe", ALL)
def test_one_who_listens_is_right_in_every_way(probe):
    for estimate in play(probe, SAMPLES, listens).estimates:
        assert estimate.value == (0.0 if estimate.metric == "unparsed answers" else 1.0)


def test_without_the_clip_listening_is_worth_nothing():
    blind = play(MultipleChoice(without_audio=True), SAMPLES, listens)
    assert blind.estimate("accuracy").value == 0.25
    assert not any(isinstance(part, Audio) for r in blind.requests for part in contents(r))


def test_equal_scores_are_exactly_at_chance():
    def level(request):
        return ContinuationScore(-3.0, 1, False)

    played = play(LETTERED, SAMPLES, level)
    assert play(PLAIN, SAMPLES, level).estimate("accuracy").value == 0.25
    for name, chance in (("accuracy", 1 / 4), ("circular accuracy", 4**-4)):
        assert played.estimate(name).value == played.estimate(name).null.value == chance


def test_scores_are_also_ranked_per_byte_and_per_token():
    # "an enormous dog" has 15 bytes, 3 tokens and -6: -.4 a byte, -2 a token. "rain" has 4 bytes,
    # 1 token and -3: -.75 a byte, -3 a token. In total rain wins, per byte and token the dog.
    given = {"an enormous dog": (-6.0, 3), "rain": (-3.0, 1)}

    def answer(request):
        total, n = given.get(request.continuation.strip(), (-90.0, 2))
        return ContinuationScore(total, n, False)

    (record,) = play(PLAIN, [SAMPLES[1]], answer).records
    assert [record[f"correct{x}"] for x in ("", "_per_byte", "_per_token")] == [0, 1, 1]


def test_a_letter_written_always_is_at_chance_over_rotations():
    played = play(WRITTEN_ROUND, SAMPLES, lambda request: Generation("C", 1, "stop"))
    assert played.estimate("mean accuracy over rotations").value == 0.25
    assert played.estimate("circular accuracy").value == 0.0


@pytest.mark.parametrize("text", ["", "A or B, I think", "I cannot hear anything"])
def test_what_settles_on_no_option_is_wrong_and_counted(text):
    played = play(WRITTEN, SAMPLES, lambda request: Generation(text, 4, "stop"))
    assert played.estimate("accuracy").value == 0.0
    assert played.estimate("unparsed answers").value == 1.0


@pytest.mark.parametrize("probe", ALL)
def test_the_contract_of_choices_about_clips_is_kept(probe):
    check_probe(probe, SAMPLES, listens)


# ------------------------------------------------------------------------------------------------
# Written answers
# ------------------------------------------------------------------------------------------------

ANSWERS = (
    ["yes", "yes", "no"],
    ["rain", "rain", "water"],
    ["yes", "Yes", "yes"],
    ["no", "no", "no"],
)
QUESTIONS = [
    Sample(
        str(i),
        {
            "audio": Audio(data=bytes([i])),
            "question": f"question {i % 4}?",
            "answers": ANSWERS[i % 4],
        },
    )
    for i in range(24)
]  # fmt: skip


def answers_right(request):
    return Generation(("Yes.", "The rain", "yes", "No")[request.prompt[0].data[0] % 4], 1, "stop")


def always(text):
    return lambda request: Generation(text, 1, "stop")


def test_the_majoritys_answer_is_right_in_its_normal_form():
    played = play(QuestionAnswering(), QUESTIONS, answers_right)
    assert played.estimate("majority match").value == 1.0
    assert played.estimate("majority match").unit == "audio_id"
    assert {e.slice for e in played.estimates} == {"", "kind=open", "kind=yes/no"}


def test_yes_is_right_for_half_and_for_two_of_three_yes_no_questions():
    played = play(QuestionAnswering(), QUESTIONS, always("yes"))
    whole = played.estimate("majority match")
    assert whole.value == whole.null.value == 0.5  # yes is the data's most frequent answer
    assert whole.verdict == "compatible with null"
    assert played.estimate("majority match", "kind=yes/no").value == pytest.approx(2 / 3)
    assert played.estimate("majority match", "kind=open").value == 0.0


def test_an_empty_answer_is_wrong_and_a_refusal_none():
    played = play(QuestionAnswering(), QUESTIONS, always(" "))
    assert played.estimate("majority match").value == 0.0
    assert played.estimate("empty answers").value == 1.0
    refused = play(QuestionAnswering(), QUESTIONS, lambda request: Failure("refused", "no"))
    assert math.isnan(refused.estimate("majority match").value)


def test_the_blind_baseline_asks_the_question_alone():
    played = play(QuestionAnswering(without_audio=True), QUESTIONS[:1], always("no"))
    assert [part.text for part in played.requests[0].prompt] == ["question 0? Answer in one word."]


def test_a_single_answer_may_be_a_text():
    sample = Sample("0", {**QUESTIONS[0].fields, "answers": "yes", "kind": "mine"})
    (record,) = play(QuestionAnswering(), [sample], always("yes")).records
    assert (record["score"], record["kind"]) == (1.0, "mine")
    with pytest.raises(DataError, match="answers must be"):
        play(QuestionAnswering(), [Sample("0", {**sample.fields, "answers": []})], always("yes"))


def test_the_contract_of_questions_about_clips_is_kept():
    check_probe(QuestionAnswering(), QUESTIONS, answers_right)
    check_probe(QuestionAnswering(metric="anls"), QUESTIONS, answers_right)


@pytest.mark.parametrize(
    ("name", "probe"),
    [("multiple-choice", MultipleChoice), ("question-answering", QuestionAnswering)],
)
def test_questions_about_clips_are_registered(name, probe):
    assert installed().require("probe", f"audio/{name}").load() is probe
