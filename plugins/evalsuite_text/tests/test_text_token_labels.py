"""Labels of words: accuracy, entities, maps, calibration."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalsuite import DataError, Failure, LabelTokens, Sample, TokenLabels
from evalsuite.testing import check_probe, play
from evalsuite_text.tasks.token_labels import TokenLabelling


def sentence(index: int, words: str, labels: str) -> Sample:
    return Sample(str(index), {"words": words.split(), "labels": labels.split()})


def tagging(tags: dict[str, str]):
    def answer(request: LabelTokens) -> TokenLabels:
        labels = tuple(tags[" ".join(request.words)].split())
        return TokenLabels(labels, (0.5,) * len(labels))

    return answer


ENTITIES = [
    sentence(0, "Ada Lovelace met Zürich", "B-PER I-PER O B-LOC"),
    sentence(1, "Paris slept", "B-LOC O"),
]
TAGS = {"Ada Lovelace met Zürich": "B-PER I-PER O B-PER", "Paris slept": "B-LOC O"}


def test_parts_of_speech_are_counted_by_word() -> None:
    samples = [sentence(0, "a dog runs", "DET NOUN VERB"), sentence(1, "dogs run", "NOUN VERB")]
    tags = tagging({"a dog runs": "DET NOUN NOUN", "dogs run": "NOUN VERB"})
    found = play(TokenLabelling(), samples, tags).estimate("token accuracy")
    # 4 of 5 words; the most frequent label is 2 of 5
    assert (found.value, found.null.value) == pytest.approx((4 / 5, 2 / 5))
    assert found.is_primary


def test_entities_are_counted_whole() -> None:
    # right: PER(0,2) and LOC(0,1). Zürich is a spurious PER and a missed LOC: F1 = 4/6
    played = play(TokenLabelling(scheme="bio"), ENTITIES, tagging(TAGS))
    assert played.estimate("span F1").value == pytest.approx(2 / 3)
    assert played.estimate("span precision").value == pytest.approx(2 / 3)
    assert played.estimate("span F1", "type=LOC").value == pytest.approx(2 / 3)
    assert played.estimate("token accuracy").value == pytest.approx(5 / 6)
    assert played.estimate("span F1").is_primary
    assert not played.estimate("token accuracy").is_primary


def test_labels_of_the_model_are_mapped() -> None:
    tags = {"Paris slept": "B-GPE B-MISC"}
    probe = TokenLabelling(scheme="bio", label_map=("GPE=LOC", "MISC=O"))
    assert play(probe, ENTITIES[1:], tagging(tags)).estimate("span F1").value == 1
    whole = TokenLabelling(label_map=("NN=NOUN",))
    played = play(whole, [sentence(0, "dog", "NOUN")], tagging({"dog": "NN"}))
    assert played.records[0]["n_correct"] == 1
    with pytest.raises(ValueError, match="theirs=ours"):
        TokenLabelling(label_map=("GPE",))
    with pytest.raises(ValueError, match="scheme must be"):
        TokenLabelling(scheme="iob")


def test_bad_sentences_are_refused_in_words() -> None:
    with pytest.raises(DataError, match="2 words, but 1 labels"):
        play(TokenLabelling(), [sentence(0, "a b", "X")], tagging(TAGS))
    with pytest.raises(DataError, match="gave 3 labels to 2 words"):
        play(TokenLabelling(), ENTITIES[1:], tagging({"Paris slept": "O O O"}))
    with pytest.raises(DataError, match="list with one entry"):
        play(TokenLabelling(), [Sample("0", {"words": "a b", "labels": ["O"]})], tagging(TAGS))
    with pytest.raises(DataError, match="'LOC' is not written in the scheme"):
        play(TokenLabelling(scheme="bio"), ENTITIES[1:], tagging({"Paris slept": "LOC O"}))


def test_a_tagger_that_reads_is_found_and_one_that_does_not_is_silent() -> None:
    rng = np.random.default_rng(0)
    labels = ["O", "O", "O", "B-PER", "B-LOC"]
    samples = [
        sentence(i, " ".join(f"w{i}-{j}" for j in range(6)), " ".join(rng.choice(labels, 6)))
        for i in range(120)
    ]
    gold = {" ".join(s["words"]): " ".join(s["labels"]) for s in samples}
    blind = {words: " ".join(rng.choice(labels, 6)) for words in gold}
    some = {words: tags if i % 3 else blind[words] for i, (words, tags) in enumerate(gold.items())}
    outside = dict.fromkeys(gold, "O O O O O O")
    probe = TokenLabelling(scheme="bio")
    found = play(probe, samples, tagging(some))
    assert found.estimate("span F1").verdict == "differs from null"
    assert found.estimate("token accuracy").verdict == "differs from null"
    for tags in (blind, outside):
        still = play(probe, samples, tagging(tags))
        assert still.estimate("span F1").verdict == "compatible with null"
        assert still.estimate("token accuracy").verdict == "compatible with null"


@pytest.mark.parametrize("scheme", ["", "bio"])
def test_the_contract_is_kept(scheme) -> None:
    check_probe(TokenLabelling(scheme=scheme), ENTITIES, tagging(TAGS))
    refused = play(TokenLabelling(scheme=scheme), ENTITIES, lambda _: Failure("refused", "no"))
    assert all(math.isnan(e.value) and e.reason for e in refused.estimates)
