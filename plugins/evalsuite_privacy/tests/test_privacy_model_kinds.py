"""Which probes of privacy each kind of model can be asked, by its configuration alone."""

from __future__ import annotations

import json

import pytest
import transformers
import yaml

from evalsuite.planner import make_plan
from evalsuite.registry import installed
from evalsuite.suite import ModelSpec, parse_suite

NAMES = (
    "membership-inference", "masked-membership-inference", "conditional-membership-inference",
    "image-membership-inference", "audio-membership-inference", "transcript-membership-inference",
    "image-entropy-membership", "audio-entropy-membership", "image-pair-membership", "audio-pair-membership",
    "image-identity-inference", "audio-identity-inference", "canary-exposure", "noise-masking",
)  # fmt: skip
WRITES = {"conditional-membership-inference", "canary-exposure"}
OF_KIND = {
    "GPT2LMHeadModel": WRITES | {"membership-inference"},
    "T5ForConditionalGeneration": WRITES,
    "BertForMaskedLM": {"masked-membership-inference"},
    "BertModel": set(),
    "BertForSequenceClassification": set(),
    "CLIPModel": {"image-pair-membership", "image-identity-inference"},
    "ClapModel": {"audio-pair-membership", "audio-identity-inference"},
    "LlavaForConditionalGeneration": WRITES | {
        "image-membership-inference", "image-entropy-membership",
    },
    "Qwen2AudioForConditionalGeneration": WRITES | {
        "audio-membership-inference", "audio-entropy-membership",
    },
    "WhisperForConditionalGeneration": {"audio-membership-inference", "noise-masking"},
    "Wav2Vec2ForCTC": {"transcript-membership-inference", "noise-masking"},
}  # fmt: skip


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """The probes that are planned for a model, on one row that has every field."""
    folder = tmp_path_factory.mktemp("kinds")
    registry = installed()
    made = [registry.require("probe", f"privacy/{name}").load()() for name in NAMES]
    row = {field: "x" for probe in made for field in probe.fields}
    (folder / "row.jsonl").write_text(json.dumps(row), encoding="utf-8")
    document = {
        "version": 1,
        "name": "kinds",
        "models": ["recorded:x"],
        "sources": {"row": {"type": "jsonl", "path": str(folder / "row.jsonl")}},
        "probes": [{"probe": f"privacy/{name}", "source": "row"} for name in NAMES],
    }
    suite = parse_suite(yaml.safe_dump(document, sort_keys=False))

    def names(model: str) -> set[str]:
        jobs = make_plan(suite, registry, models=(ModelSpec(name=model), OTHER)).jobs
        return {
            job.probe.removeprefix("privacy/")
            for job in jobs
            if job.applicable and job.model == model
        }

    return names


# A second model that answers something, so that there is a plan even where the first answers none.
OTHER = ModelSpec(name="control:text-clean")


@pytest.mark.parametrize("name", sorted(OF_KIND))
def test_a_checkpoint_is_asked_all_that_fits_its_kind(name, asked, tmp_path):
    config = getattr(transformers, name).config_class()
    config.architectures = [name]
    config.save_pretrained(tmp_path)
    assert asked(f"hf:{tmp_path}") == OF_KIND[name]


def test_an_open_clip_model_is_asked_what_clip_is(asked):
    assert asked("control:shapes-clean") == OF_KIND["CLIPModel"]


def test_every_probe_of_media_and_of_membership_fits_some_kind():
    assert set().union(*OF_KIND.values()) == set(NAMES)
