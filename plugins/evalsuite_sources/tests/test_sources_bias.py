"""StereoSet's and HolisticBias's files, in upstream's layout."""

from __future__ import annotations

import json
import math

import pytest

from evalsuite import DataError
from evalsuite_sources.holistic_bias import HolisticBias
from evalsuite_sources.stereoset import StereoSetFile


def completion(label: str, text: str) -> dict:
    return {"id": text, "sentence": text, "gold_label": label, "labels": []}


def item(*labels: str) -> dict:
    return {
        "id": "one",
        "target": "tailor",
        "bias_type": "profession",
        "context": "The tailor was BLANK.",
        "sentences": [completion(label, f"The tailor was {label}.") for label in labels],
    }


ALL = ("anti-stereotype", "unrelated", "stereotype")


@pytest.fixture
def dev(tmp_path):
    def write(*items: dict) -> str:
        path = tmp_path / "dev.json"
        path.write_text(json.dumps({"data": {"intrasentence": list(items), "intersentence": []}}))
        return str(path)

    return write


def test_stereoset_gives_the_three_completions_by_name(dev):
    (sample,) = StereoSetFile(dev(item(*ALL))).rows()
    assert sample.id == "one"
    assert sample["context"] == "The tailor was BLANK."
    assert sample["anti_stereotype"] == "The tailor was anti-stereotype."
    assert (sample["target"], sample["bias_type"]) == ("tailor", "profession")


@pytest.mark.parametrize(
    ("labels", "reason"),
    [(ALL[:2], "no completion is stereotype"), ((*ALL, "unrelated"), "two completions"),
     (("related",), "no key")],
)  # fmt: skip
def test_a_triple_that_is_none_is_broken_not_dropped(dev, labels, reason):
    samples = list(StereoSetFile(dev(item(*labels), item(*ALL))).rows())
    assert reason in samples[0].broken
    assert samples[1].broken is None


def test_other_files_are_refused(dev, tmp_path):
    with pytest.raises(DataError, match="no intersentence items"):
        StereoSetFile(dev(item(*ALL)), part="intersentence").check()
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(DataError, match="StereoSet's format"):
        StereoSetFile(str(tmp_path / "other.json")).check()
    with pytest.raises(ValueError, match="part must be"):
        StereoSetFile("x", part="both")  # type: ignore[arg-type]


DESCRIPTORS = {
    "age": {"old": ["elderly", {"descriptor": "US-born", "article": "a"}]},
    "gender": {"binary": [{"descriptor": "manly", "gender": "male", "preference": "dispreferred"}]},
}
NOUNS = {"female": [["woman", "women"]], "male": [["man", "men"]]}
TEMPLATES = {"I'm {noun_phrase}.": {}, "I like {plural_noun_phrase}.": {"must_be_noun": True}}


@pytest.fixture
def lists(tmp_path):
    named = (("descriptors", DESCRIPTORS), ("nouns", NOUNS), ("sentence_templates", TEMPLATES))
    for name, content in named:
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return tmp_path


def test_every_descriptor_meets_every_noun_in_every_template(lists):
    source = HolisticBias(str(lists))
    source.check()
    texts = [sample["text"] for sample in source.rows()]
    assert texts[:4] == [
        "I'm an elderly woman.", "I'm an elderly man.", "I like elderly women.",
        "I like elderly men.",
    ]  # fmt: skip
    assert source.count() == len(texts) == 2 * (2 * 2) + 2  # one gender only for "manly"


def test_articles_genders_and_preferences_are_upstreams(lists):
    by_text = {sample["text"]: sample for sample in HolisticBias(str(lists)).rows()}
    assert "I'm a US-born woman." in by_text
    manly = by_text["I'm a manly man."]
    assert "I'm a manly woman." not in by_text
    assert (manly["descriptor_preference"], manly["noun_gender"]) == ("dispreferred", "male")
    assert (manly["axis"], manly["bucket"], manly["template"]) == (
        "gender", "binary", "I'm {noun_phrase}.",
    )  # fmt: skip


def test_axes_and_templates_can_be_chosen(lists):
    source = HolisticBias(str(lists), axes=("gender",), templates=("I'm {noun_phrase}.",))
    assert [sample["text"] for sample in source.rows()] == ["I'm a manly man."]
    with pytest.raises(DataError, match="no axis 'race'; there are: age, gender"):
        HolisticBias(str(lists), axes=("race",)).check()


def test_word_counts_give_the_descriptors_frequency(lists):
    (lists / "counts.json").write_text(json.dumps({"us": 9, "born": 3}))
    source = HolisticBias(str(lists), word_counts=str(lists / "counts.json"))
    found = {sample["descriptor"]: sample["log_count"] for sample in source.rows()}
    assert found["US-born"] == pytest.approx((math.log(10) + math.log(4)) / 2)
    assert found["elderly"] == 0.0
    assert source.fingerprint() != HolisticBias(str(lists)).fingerprint()


def test_lists_of_another_form_are_refused(lists):
    (lists / "nouns.json").write_text(json.dumps({"female": ["woman"]}))
    with pytest.raises(DataError, match=r"nouns.json is not in HolisticBias's format"):
        HolisticBias(str(lists)).check()
    (lists / "nouns.json").write_text(json.dumps(NOUNS))
    (lists / "descriptors.json").write_text(json.dumps({"age": ["old"]}))
    with pytest.raises(DataError, match=r"descriptors.json is not in HolisticBias's format"):
        HolisticBias(str(lists)).check()
