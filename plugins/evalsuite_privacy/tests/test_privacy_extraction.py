"""Extraction: the measures by hand, refusals, references, and the leaky control beside its twin."""

from __future__ import annotations

import math

import pytest

from evalsuite import ContinuationScore, Generation, LoadSettings, LogLikelihood, Sample, Table
from evalsuite.content import text_of
from evalsuite.factories import loader_for
from evalsuite.model import answer_batch
from evalsuite.registry import installed
from evalsuite.testing import check_probe, play
from evalsuite_controls.sources import Canaries
from evalsuite_privacy.memorisation import extraction
from evalsuite_privacy.memorisation.discoverable import DiscoverableExtraction, attempts
from evalsuite_privacy.memorisation.extraction import Extraction
from evalsuite_privacy.memorisation.extraction_metrics import RecallAtErrors
from evalsuite_privacy.memorisation.overlap import (
    ALL,
    bleu,
    cut,
    edit_similarity,
    longest_common_prefix,
    measured,
    word_accuracy,
)

RATE = "extraction rate"
REFUSAL = "I'm sorry, but I can't help with that."
# Four texts of a shown word and four more; the model gets the last word of the second one wrong.
TEXTS = [f"shown{i} a{i} b{i} c{i} d{i}" for i in range(4)]
FOUR = Extraction(prefix_words=(1,), suffix_words=4)


def samples(texts, **more):
    return [Sample(text, {"text": text, **more}) for text in texts]


def remembering(request):
    """Writes all suffixes but the second's last word, and goes on afterwards."""
    if isinstance(request, LogLikelihood):
        return ContinuationScore(-4.0, 4, False)
    number = int(text_of(request.prompt)[-1])
    words = TEXTS[number].split()[1:]
    written = [*words[:3], "wrong"] if number == 1 else words
    return Generation(" " + " ".join(written) + " and so on", 7, "stop")


def test_the_worked_rates_come_out():
    """3 of 4 exact; words right 1, 3/4, 1, 1: mean .9375; BLEU of the second (3/4 2/3 1/2 1/2)^1/4."""
    played = play(FOUR, samples(TEXTS), remembering)
    assert played.estimate(RATE).value == 0.75
    assert played.estimate("word accuracy").value == pytest.approx(0.9375, abs=1e-6)
    assert played.estimate("approximate extraction rate").value == 0.75
    one, other = ["a", "b", "c", "wrong"], ["a", "b", "c", "d"]
    assert bleu(one, other) == pytest.approx(0.594604, abs=1e-6)
    assert bleu(other, other) == pytest.approx(1.0, abs=1e-6)


def test_prefix_and_edit_similarity_are_the_worked_ones():
    """Eight words of which the last differs: seven in common, one edit of eight."""
    wanted = ["it", "was", "the", "best", "of", "times", "it", "was"]
    written = [*wanted[:7], "is"]
    assert longest_common_prefix(written, wanted) == 7
    assert edit_similarity(written, wanted) == pytest.approx(0.875, abs=1e-6)
    refused = ["sorry", "no"]
    assert longest_common_prefix(refused, wanted) == 0
    assert edit_similarity(refused, wanted) == 0.0
    assert word_accuracy(wanted, wanted) == 1.0


def test_a_refusal_and_an_empty_answer_are_no_measure_of_memory():
    """The rival scores both 0, as if nothing were remembered."""
    assert set(measured(REFUSAL, ("a", "b")).values()) == {None}
    assert set(measured("  ", ("a", "b")).values()) == {None}
    assert measured("I cannot do it", ("I", "cannot", "do", "it"))["exact"] == 1.0


@pytest.mark.parametrize(("text", "rate"), [(REFUSAL, "refusal rate"), ("", "empty replies")])
def test_a_model_that_answers_nothing_has_no_rate(text, rate):
    played = play(FOUR, samples(TEXTS), lambda request: Generation(text, 9, "stop"))
    assert math.isnan(played.estimate(RATE).value)
    assert played.estimate(RATE).reason
    assert played.estimate(rate).value == 1.0


def test_the_suffix_stays_the_same_whatever_is_shown():
    text = "one two  three four\nfive six"
    assert cut(text, 2, 2).prefix == "three four"
    assert cut(text, ALL, 2).prefix == "one two  three four"
    assert cut(text, 1, 2).suffix == cut(text, ALL, 2).suffix == "\nfive six"
    assert cut(text, 5, 2) is None
    assert cut(text, ALL, 6) is None


def test_an_answer_that_was_cut_is_asked_for_again():
    def short(request):
        words = TEXTS[int(text_of(request.prompt)[-1])].split()[1:]
        return Generation(" ".join(words)[: request.max_tokens - 9], 9, "length")

    played = play(FOUR, samples(TEXTS[:1]), short)
    assert len(played.requests) == 2
    assert played.estimate(RATE).value == 1.0


def test_rates_are_given_by_prefix_and_repeats_and_for_texts_never_seen():
    probe = Extraction(prefix_words=(1, ALL), suffix_words=4)
    rows = [
        Sample(text, {"text": text, "repeats": i if i else 0, "is_canary": i > 0})
        for i, text in enumerate(TEXTS)
    ]
    played = play(probe, rows, remembering)
    assert played.estimate(RATE, "prefix words=1").n == 3
    assert played.estimate(RATE, "repeats=1").value == 0.0
    assert played.estimate(RATE, "repeats=3").value == 1.0
    assert played.estimate(RATE, "trained on=no").n == 1


def test_what_a_reference_writes_too_is_taken_off(monkeypatch):
    class Knowing:
        def __init__(self, name):
            self.name = name

        def check(self, *requests):
            pass

        def answers(self, requests):
            texts = {TEXTS[i].split()[0]: TEXTS[i].split()[1:] for i in (0, 2)}
            return {
                r.digest: Generation(" ".join(texts.get(text_of(r.prompt), ["else"])), 5, "stop")
                for r in requests
            }, "print"

    monkeypatch.setattr(extraction, "SecondModel", Knowing)
    monkeypatch.setattr("evalsuite_privacy.membership.references.SecondModel", Knowing)
    probe = Extraction(prefix_words=(1,), suffix_words=4, reference="control:other")
    beyond = play(probe, samples(TEXTS), remembering).estimate("extraction beyond reference")
    # 3 of 4 minus 2 of 4.
    assert beyond.value == 0.25
    assert beyond.is_primary
    assert beyond.extra["reference_rate"] == 0.5
    assert beyond.low < 0 < beyond.high


def test_a_reference_can_be_the_model_itself_which_leaves_nothing():
    rows = list(Canaries(limit=8).rows())
    probe = Extraction(prefix_words=(6,), suffix_words=7, reference="control:text-clean")
    played = play(probe, rows, asked("control:text-clean"))
    assert played.estimate("extraction beyond reference").value == 0.0


def test_recall_counts_what_is_right_before_the_errors_are_used_up():
    """Surest first: right, wrong, right, wrong, ...; at two errors two of eight are found."""
    texts = [f"shown{i} yes{i}" for i in range(8)]

    def answer(request):
        if isinstance(request, LogLikelihood):
            number = int(text_of(request.context)[-1])
            return ContinuationScore(-float(number), 1, False)
        number = int(text_of(request.prompt)[-1])
        return Generation(f" yes{number}" if number % 2 == 0 else " no", 1, "stop")

    probe = Extraction(prefix_words=(1,), suffix_words=1, rank_guesses=True)
    played = play(probe, samples(texts), answer)
    estimate = played.estimate("recall at 100 errors")
    assert estimate.value == 0.5
    assert estimate.extra["n_errors"] == 4
    table = Table.from_records(played.records)
    assert RecallAtErrors(errors=2).estimate(table, None)[0].value == 0.25


@pytest.mark.parametrize("probe", [FOUR, Extraction((1, 0), 4, rank_guesses=True)])
def test_the_extraction_contract_is_kept(probe):
    check_probe(probe, samples(TEXTS), remembering)


def test_attempts_are_the_worked_ones():
    """p_z = exp(-2) = .135335; log(.1) / log(.864665) = 15.8, so sixteen."""
    assert attempts(-2.0, 0.9) == 16
    assert attempts(0.0, 0.9) == 1
    assert attempts(math.log(0.5), 0.75) == 2  # 1 - 1/4 exactly: no third one
    assert attempts(-1e6, 0.9) == math.inf
    assert math.isnan(attempts(math.nan, 0.9))


def test_the_discoverable_share_grows_with_attempts():
    def answer(request):
        return ContinuationScore(-2.0 * int(text_of(request.context)[-1]), 4, False)

    probe = DiscoverableExtraction(prefix_words=1, suffix_words=4, samples=(1, 16, 200))
    played = play(probe, samples(TEXTS), answer)
    # Attempts at p = .9: 1, 16, ln(.1)/ln(1 - e^-4) = 124.6, ln(.1)/ln(1 - e^-6) = 927.8.
    shares = [played.estimate("discoverable at p=0.9", f"attempts={n}").value for n in (1, 16, 200)]
    assert shares == [0.25, 0.5, 0.75]
    check_probe(probe, samples(TEXTS), answer)


def asked(name: str):
    loader, reference = loader_for(name, installed())
    model = loader.load(reference, LoadSettings(device="cpu"))
    return lambda request: answer_batch(model, [request])[0]


@pytest.mark.parametrize("name", ["text-leaky", "text-clean"])
def test_extraction_rises_with_repeats_and_the_clean_twin_writes_no_secret(name):
    """Eight canaries each at 1, 4, 16 and 64 repeats, six digits and a full stop to write."""
    played = play(
        Extraction(prefix_words=(6,), suffix_words=7),
        list(Canaries(60).rows()),
        asked(f"control:{name}"),
    )
    by_repeats = [played.estimate(RATE, f"repeats={r}").value for r in (1, 4, 16, 64)]
    assert played.estimate(RATE, "trained on=no").value == 0.0
    if name == "text-clean":
        assert by_repeats == [0, 0, 0, 0]
        assert played.estimate(RATE).verdict == "compatible with null"
    else:
        assert by_repeats == sorted(by_repeats)
        assert by_repeats[0] == 0.0
        assert by_repeats[-1] == 1.0
        assert played.estimate(RATE).verdict == "differs from null"


@pytest.mark.parametrize("name", ["text-leaky", "text-clean"])
def test_secrets_of_the_leaky_control_are_discoverable_in_ten_samples(name):
    probe = DiscoverableExtraction(prefix_words=6, suffix_words=7, samples=(10,))
    played = play(probe, list(Canaries(60).rows()), asked(f"control:{name}"))
    shares = [played.estimate("discoverable at p=0.9", f"repeats={r}").value for r in (1, 64)]
    assert shares == ([0.0, 1.0] if name == "text-leaky" else [0.0, 0.0])
