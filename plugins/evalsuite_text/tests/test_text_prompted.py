"""Prompted tasks: what is asked, and what a record makes of the answers."""

from __future__ import annotations

import json
import math

import pytest

from evalsuite import (
    ContinuationScore,
    DataError,
    Generate,
    Generation,
    LogLikelihood,
    Sample,
    template,
)
from evalsuite.content import text_of, turns_of
from evalsuite.testing import check_probe, play
from evalsuite_text.prompted import filters
from evalsuite_text.prompted.choice import MultipleChoice
from evalsuite_text.prompted.cloze import Cloze, LastWord
from evalsuite_text.prompted.examples import Examples
from evalsuite_text.prompted.generation import PromptedGeneration
from evalsuite_text.prompted.letters import LetterChoice
from evalsuite_text.prompted.prompt import Solved, compose
from evalsuite_text.prompted.true_mass import TrueMass


def score(total: float, n_tokens: int = 1, greedy: bool = False) -> ContinuationScore:
    return ContinuationScore(total, n_tokens, greedy)


def prompt_of(request) -> str:
    return text_of(getattr(request, "context", None) or request.prompt)


QUESTIONS = [
    Sample(
        str(i), {"question": f"what is {i}", "choices": ["red", "blue", "green"], "answer": i % 3}
    )
    for i in range(6)
]

# ------------------------------------------------------------------------------------------------
# Templates, examples, prompts
# ------------------------------------------------------------------------------------------------


def test_a_template_sees_the_fields_and_the_letters():
    assert template.render("{{ q }} {{ letters[1] }}", {"q": "why?"}) == "why? B"


def test_a_missing_field_names_those_there_are():
    with pytest.raises(DataError, match=r"'quesion' is undefined; the fields are answer, question"):
        template.render("{{ quesion }}", {"question": "a", "answer": "b"})


def test_a_template_cannot_reach_out_of_its_sandbox():
    with pytest.raises(DataError):
        template.render("{{ q.__class__.__mro__ }}", {"q": "a"})


def test_a_broken_template_is_refused_when_the_probe_is_made():
    with pytest.raises(ValueError, match="prompt is not a Jinja template"):
        MultipleChoice(prompt="{{ question")


def examples(count: int, pick: str = "first", fixed=()) -> Examples:
    return Examples(tuple(fixed), tuple(QUESTIONS), count, pick, 0)


def test_a_sample_is_never_its_own_example():
    for pick in ("first", "drawn"):
        for sample in QUESTIONS:
            found = examples(5, pick).before(sample)
            assert len(found) == 5
            assert sample.fields not in found


def test_a_copy_of_a_sample_is_no_example_either():
    copy = Sample("copy", dict(QUESTIONS[0].fields))
    assert QUESTIONS[0].fields not in examples(5).before(copy)


def test_drawn_examples_depend_on_the_sample_only():
    one = examples(3, "drawn").before(QUESTIONS[2])
    assert one == examples(3, "drawn").before(QUESTIONS[2])
    reverse = Examples((), tuple(QUESTIONS), 3, "drawn", 0).before(QUESTIONS[2])
    assert one == reverse
    assert one != examples(3, "drawn").before(QUESTIONS[3])


def test_first_examples_are_the_same_for_all_but_themselves():
    assert examples(2).before(QUESTIONS[4]) == examples(2).before(QUESTIONS[5])


def test_the_plain_reading_and_the_turns_are_one_prompt():
    content = compose("Be brief.", "Answer.", [Solved("Q: 1\nA:", " one")], "Q: 2\nA:", "\n\n")
    assert text_of(content) == "Be brief.\n\nAnswer.\n\nQ: 1\nA: one\n\nQ: 2\nA:"
    assert [(turn.role, turn.parts[0].text) for turn in turns_of(content)] == [
        ("system", "Be brief."),
        ("user", "Answer.\n\nQ: 1\nA:"),
        ("assistant", "one"),
        ("user", "Q: 2\nA:"),
    ]


# ------------------------------------------------------------------------------------------------
# Multiple choice
# ------------------------------------------------------------------------------------------------


def test_examples_stand_before_the_question():
    asked = []

    def answer(request):
        asked.append(prompt_of(request))
        return score(-1)

    probe = MultipleChoice(prompt="Q: {{ question }}\nA:", shots=1)
    play(probe, QUESTIONS, answer)
    assert asked[-1] == "Q: what is 0\nA: red\n\nQ: what is 5\nA:"
    assert asked[0] == "Q: what is 1\nA: blue\n\nQ: what is 0\nA:"


def test_normalisations_by_hand():
    # totals: red -3, blue -4, green -4.5; per byte (3, 4, 5): -1, -1, -0.9;
    # per token (1, 4, 1): -3, -1, -4.5; relative to -1, -3.5, -1: -2, -0.5, -3.5
    totals = {" red": (-3, 1), " blue": (-4, 4), " green": (-4.5, 1)}
    alone = {" red": -1, " blue": -3.5, " green": -1}

    def answer(request):
        if prompt_of(request) == "A:":
            return score(alone[request.continuation])
        return score(*totals[request.continuation])

    probe = MultipleChoice(unconditional="A:")
    (record,) = play(probe, [QUESTIONS[1]], answer).records  # blue is right
    assert record["correct"] == 0
    assert record["correct_normalised"] == 0
    assert record["correct_per_token"] == 1
    assert record["correct_relative"] == 1
    (record,) = play(probe, [QUESTIONS[2]], answer).records  # green is right
    assert record["correct_normalised"] == 1


def test_choices_and_answers_may_be_templates():
    sample = Sample("0", {"question": "q", "right": "yes", "wrong": "no", "label": 1})
    probe = MultipleChoice(choices=("{{ wrong }}", "{{ right }}"), answer="{{ label }}")
    played = play(probe, [sample], lambda r: score(-1 if r.continuation == " yes" else -2))
    assert played.records[0]["correct"] == 1
    assert probe.fields == ("question",)


# ------------------------------------------------------------------------------------------------
# Letters
# ------------------------------------------------------------------------------------------------


def letter_scores(pick):
    """Answers that prefer the letter which ``pick`` makes of the listed choices."""

    def answer(request):
        listed = prompt_of(request).split("\n")[-4:-1]
        chosen = pick([line[3:] for line in listed])
        return score(-1 if request.continuation.strip() == "ABC"[chosen] else -5)

    return answer


def test_letters_are_listed_with_their_choices():
    asked = []

    def answer(request):
        asked.append((prompt_of(request), request.continuation))
        return score(-1)

    play(LetterChoice(), QUESTIONS[:1], answer)
    assert asked[1] == ("what is 0\nA. red\nB. blue\nC. green\nAnswer:", " B")


def test_who_knows_is_right_in_every_order():
    knows = letter_scores(lambda listed: listed.index("blue"))
    played = play(LetterChoice(cyclic=True), [QUESTIONS[1]] * 3, knows)
    assert played.estimate("accuracy").value == 1
    assert played.estimate("right in every order").value == 1
    # each rotation has blue at another letter: A, B and C once each
    assert played.estimate("position bias").value == pytest.approx(0)


def test_who_always_says_a_is_right_once_in_three_and_fully_biased():
    played = play(LetterChoice(cyclic=True), QUESTIONS, letter_scores(lambda listed: 0))
    assert played.estimate("accuracy").value == pytest.approx(1 / 3)
    assert played.estimate("right in every order").value == 0
    # shares 1, 0, 0 against 1/3 each: (2/3 + 1/3 + 1/3) / 2
    assert played.estimate("position bias").value == pytest.approx(2 / 3)


def test_a_prompt_without_the_list_is_refused():
    with pytest.raises(ValueError, match="options"):
        LetterChoice(prompt="{{ question }}")


# ------------------------------------------------------------------------------------------------
# Gaps and last words
# ------------------------------------------------------------------------------------------------

GAP = Sample(
    "0",
    {
        "sentence": "The cup broke the plate because the _ was hard.",
        "choices": ["cup", "plate"],
        "answer": 0,
    },
)


def test_what_follows_the_gap_is_scored():
    asked = []

    def answer(request):
        asked.append((prompt_of(request), request.continuation))
        return score(-1 if "the cup" in prompt_of(request) else -2)

    played = play(Cloze(), [GAP], answer)
    assert asked[0] == ("The cup broke the plate because the cup", " was hard.")
    assert asked[1] == ("The cup broke the plate because the plate", " was hard.")
    assert played.records[0]["correct"] == 1


@pytest.mark.parametrize("sentence", ["no gap here.", "_ and _ too.", "the last is _"])
def test_a_sentence_without_one_scorable_gap_is_a_failure(sentence):
    sample = Sample("0", {**GAP.fields, "sentence": sentence})
    with pytest.raises(DataError, match="gap"):
        play(Cloze(), [sample], lambda request: score(-1))


def test_the_last_word_is_scored_after_the_rest():
    asked = []

    def answer(request):
        asked.append((prompt_of(request), request.continuation))
        return score(-math.log(4), greedy=True)

    played = play(LastWord(), [Sample(str(i), {"text": "he came home"}) for i in range(3)], answer)
    assert asked[0] == ("he came", " home")
    assert played.estimate("accuracy").value == 1
    assert played.estimate("perplexity of the last word").value == pytest.approx(4)


# ------------------------------------------------------------------------------------------------
# Written answers
# ------------------------------------------------------------------------------------------------

SUMS = [Sample(str(i), {"question": f"{i} + 1", "answer": f"so #### {i + 1}"}) for i in range(4)]
NUMBERS = PromptedGeneration(filters=("number",), target_filters=("number",))


def writes(text: str, reason: str = "stop"):
    return lambda request: Generation(text, 3, reason)


def test_the_number_that_is_written_is_compared_with_the_right_one():
    played = play(NUMBERS, SUMS, writes("It is 1, or rather $2.00."))
    assert [record["exact_match"] for record in played.records] == [0, 1, 0, 0]
    assert json.loads(played.records[3]["references"]) == ["4"]


def test_an_answer_that_cannot_be_found_is_wrong_and_counted():
    played = play(NUMBERS, SUMS, writes("I would rather not say."))
    assert played.estimate("exact match").value == 0
    assert played.estimate("parse rate").value == 0
    assert played.estimate("empty answers").value == 0


def test_an_empty_answer_is_wrong_and_counted():
    played = play(NUMBERS, SUMS, writes("", "length"))
    assert played.estimate("exact match").value == 0
    assert played.estimate("empty answers").value == 1
    assert played.estimate("answers cut at the limit").value == 1


def test_the_majority_over_repeats_decides():
    texts = {0: "2", 1: "3", 2: "2"}
    probe = PromptedGeneration(
        filters=("number",), target_filters=("number",), repeats=3, temperature=1.0
    )
    played = play(probe, SUMS, lambda request: Generation(texts[request.seed], 1, "stop"))
    by_sample = [
        (r["exact_match"], r["majority_correct"], r["any_correct"]) for r in played.records
    ]
    assert by_sample[1] == (pytest.approx(2 / 3), 1, 1)  # 1 + 1: two of three, the majority
    assert by_sample[2] == (pytest.approx(1 / 3), 0, 1)  # 2 + 1: one of three
    assert by_sample[3] == (0, 0, 0)


def test_a_field_with_several_answers_accepts_any():
    sample = Sample("0", {"question": "q", "answer": ["a car", "an auto"]})
    played = play(PromptedGeneration(), [sample], writes("an auto"))
    assert played.records[0]["exact_match"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": ("numbr",)}, "there is no filter 'numbr'; there are strip"),
        ({"filters": ({"filter": "regex"},)}, "needs a pattern"),
        ({"filters": ({"filter": "regex", "pattern": "("},)}, "is no regex"),
        ({"filters": ({"filter": "number", "wich": "last"},)}, "has no option 'wich'"),
        ({"repeats": 2}, "temperature above 0"),
        ({"scorers": ()}, "at least one"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        PromptedGeneration(**options)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("number", "1,234.50 apples", "1234.5"),
        ("number", "from 3 to -7.", "-7"),
        ("number", "none", None),
        ("letter", "The answer is (B), not A.", "B"),
        ("letter", "A? No: the answer is C. Answer: D", "D"),
        ("letter", "\\boxed{A}", "A"),
        ("letter", "C", "C"),
        ("letter", "Bad", None),
        ("first-line", "\n\n two\nthree", " two"),
        ("remove-thinking", "<think>3?</think> 4", " 4"),
        ("remove-thinking", "<think>3? 4? 5?", None),
        ("remove-thinking", "4", "4"),
    ],
)
def test_filters_by_hand(name, text, expected):
    assert filters.apply(filters.build([name]), text) == expected


def test_filters_follow_one_another():
    steps = filters.build(
        [{"filter": "regex", "pattern": r"answer is (.*?)\.", "which": "last"}, "number"]
    )
    assert filters.apply(steps, "The answer is 3. No, the answer is about 4.") == "4"
    assert filters.apply(steps, "no idea") is None


# ------------------------------------------------------------------------------------------------
# Wordings
# ------------------------------------------------------------------------------------------------


def test_the_spread_over_wordings_by_hand():
    # first wording right on all 6, second on those with answer 0 (2 of 6), third on none
    probe = MultipleChoice(prompt="a {{ question }}", other_prompts=("b {{ question }}", "c"))

    def answer(request):
        prompt = prompt_of(request)
        right = ["red", "blue", "green"]
        if prompt.startswith("a"):
            wanted = right[int(prompt[-1]) % 3]
        else:
            wanted = "red" if prompt.startswith("b") else "none"
        return score(
            -1 if request.continuation.strip() == wanted else -2 - len(request.continuation)
        )

    played = play(probe, QUESTIONS, answer)
    assert played.estimate("accuracy").value == 1
    assert played.estimate("best over wordings").value == 1
    # with "none" the shortest wins: red, right for 2 of 6
    assert played.estimate("worst over wordings").value == pytest.approx(1 / 3)
    assert played.estimate("spread over wordings").value == pytest.approx(2 / 3)
    assert played.estimate("mean over wordings").value == pytest.approx((1 + 1 / 3 + 1 / 3) / 3)
    assert played.estimate("agreement over wordings").value == pytest.approx(1 / 3)


def test_one_wording_has_no_spread():
    played = play(MultipleChoice(), QUESTIONS, lambda request: score(-1))
    assert all("wordings" not in estimate.metric for estimate in played.estimates)


# ------------------------------------------------------------------------------------------------
# The contract
# ------------------------------------------------------------------------------------------------


def anything(request):
    if isinstance(request, LogLikelihood):
        return score(-float(len(request.continuation)) - len(prompt_of(request)) % 3)
    assert isinstance(request, Generate)
    return Generation(f"it is {len(prompt_of(request)) % 5}", 4, "stop")


@pytest.mark.parametrize(
    ("probe", "samples"),
    [
        (MultipleChoice(shots=2, pick="drawn", unconditional="A:"), QUESTIONS),
        (MultipleChoice(other_prompts=("{{ question }}?",)), QUESTIONS),
        (LetterChoice(cyclic=True), QUESTIONS),
        (Cloze(), [GAP, Sample("1", {**GAP.fields, "answer": 1})]),
        (LastWord(), [Sample(str(i), {"text": f"he came {i} times"}) for i in range(4)]),
        (NUMBERS, SUMS),
        (PromptedGeneration(repeats=2, temperature=1.0, filters=("number",)), SUMS),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_every_form_keeps_the_contract(probe, samples):
    check_probe(probe, samples, anything)


# ------------------------------------------------------------------------------------------------
# Several true choices
# ------------------------------------------------------------------------------------------------

CLAIMS = [
    Sample(str(i), {"question": f"q{i}", "choices": ["a", "b", "c", "d"], "labels": [1, 1, 0, 0]})
    for i in range(4)
]


def test_mass_on_true_choices_is_their_share_of_probability():
    """Probabilities .2, .1 true and .05, .05 false: .3 / .4 = .75; even would be .5."""
    probabilities = {" a": 0.2, " b": 0.1, " c": 0.05, " d": 0.05}

    def answer(request):
        return score(math.log(probabilities[request.continuation]))

    record = play(TrueMass(), CLAIMS, answer).records[0]
    assert record["mass_true"] == pytest.approx(0.75)
    assert record["above_even"] == pytest.approx(0.25)
    check_probe(TrueMass(), CLAIMS, answer)


def test_a_model_that_sees_no_difference_has_the_share_of_the_true_ones():
    record = play(TrueMass(), CLAIMS, lambda request: score(-900.0)).records[0]
    assert record["above_even"] == pytest.approx(0.0)


def test_labels_without_a_false_one_are_refused():
    sample = Sample("0", {"question": "q", "choices": ["a", "b"], "labels": [1, 1]})
    with pytest.raises(DataError, match="one must be true and one false"):
        play(TrueMass(), [sample], lambda request: score(-1.0))
