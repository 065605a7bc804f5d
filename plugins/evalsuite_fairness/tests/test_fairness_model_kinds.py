"""Which probes of fairness each kind of model can be asked, by its configuration alone."""

from __future__ import annotations

import json

import pytest
import transformers
import yaml

from evalsuite.planner import make_plan
from evalsuite.registry import installed
from evalsuite.suite import ModelSpec, parse_suite

# Entries of a suite: a label, the probe, and the options that decide what is asked.
_DECIDES = {"positive": "yes", "negative": ["no"]}
_CUES = {"positive": "yes", "negative": ["no"], "groups": {"a": ["x", "y"], "b": ["v", "w"]}}
ENTRIES = {
    **{
        name: (name, {})
        for name in (
            "stereotype-pairs", "masked-stereotype-pairs", "stereoset", "masked-stereoset",
            "likelihood-bias", "masked-likelihood-bias", "bbq", "bbq-written", "winogender",
            "winobias", "masked-winogender", "masked-winobias", "gap", "translation-gender",
            "generation", "refusal-gap", "paired-images", "voice", "transcription-gap",
            "image-zero-shot-gap", "audio-zero-shot-gap", "image-retrieval-skew",
            "audio-retrieval-skew", "image-harmful-labels", "audio-harmful-labels",
            "recorded-decisions",
        )
    },
    "association": ("association", {}),
    "association of images": ("association", {"media": ["text", "image"]}),
    "association of clips": ("association", {"media": ["audio"]}),
    "paired-images written": ("paired-images", {"by": "generation"}),
    "voice written": ("voice", {"by": "generation"}),
    "voice understood": ("voice", {"understood_only": True}),
    "decisions": ("decisions", {"by": "likelihood", **_DECIDES}),
    "decisions written": ("decisions", {"by": "writing", **_DECIDES}),
    "decisions classified": ("decisions", {**_DECIDES}),
    "decisions nearness": ("decisions", {"by": "nearness", **_DECIDES}),
    "decisions on images": ("decisions", {"by": "likelihood", "medium": "image", **_DECIDES}),
    "decisions on images written": ("decisions", {"by": "writing", "medium": "image", **_DECIDES}),
    "decisions on images nearness": ("decisions", {"by": "nearness", "medium": "image", **_DECIDES}),
    "decisions on clips": ("decisions", {"by": "likelihood", "medium": "audio", **_DECIDES}),
    "decisions on clips written": ("decisions", {"by": "writing", "medium": "audio", **_DECIDES}),
    "decisions on clips nearness": ("decisions", {"by": "nearness", "medium": "audio", **_DECIDES}),
    "decisions on clips classified": ("decisions", {"medium": "audio", **_DECIDES}),
    "counterfactual": ("counterfactual", {"by": "likelihood", **_CUES}),
    "counterfactual written": ("counterfactual", {"by": "writing", **_CUES}),
    "counterfactual classified": ("counterfactual", {**_CUES}),
    "counterfactual nearness": ("counterfactual", {"by": "nearness", **_CUES}),
    "counterfactual pitch": (
        "counterfactual",
        {"by": "likelihood", "medium": "audio", "cue": "pitch", **_CUES,
         "groups": {"low": ["-2", "-3"], "high": ["2", "3"]}},
    ),
    "identity-terms": ("identity-terms", {"positive": "yes"}),
    "identity-terms by likelihood": ("identity-terms", {"by": "likelihood", **_DECIDES}),
}  # fmt: skip

SCORED = {
    "stereotype-pairs", "stereoset", "likelihood-bias", "bbq", "winogender", "winobias", "gap",
    "decisions", "counterfactual", "identity-terms by likelihood",
}  # fmt: skip
WRITTEN = {
    "bbq-written", "translation-gender", "generation", "refusal-gap", "decisions written",
    "counterfactual written",
}  # fmt: skip
EMBEDDED = {"association", "decisions nearness", "counterfactual nearness"}
SEEN = {"paired-images", "decisions on images"}
SEEN_WRITTEN = {"paired-images written", "decisions on images written"}
HEARD = {"voice", "decisions on clips", "counterfactual pitch"}
HEARD_WRITTEN = {"voice written", "decisions on clips written"}
# Decisions that stand in the data need no model.
ALWAYS = {"recorded-decisions"}
OF_KIND = {
    "GPT2LMHeadModel": SCORED | WRITTEN,
    "T5ForConditionalGeneration": SCORED | WRITTEN,
    "BertForMaskedLM": {
        "masked-stereotype-pairs", "masked-stereoset", "masked-likelihood-bias",
        "masked-winogender", "masked-winobias",
    },
    "BertModel": EMBEDDED,
    "BertForSequenceClassification": {
        "decisions classified", "counterfactual classified", "identity-terms",
    },
    "CLIPModel": EMBEDDED | {
        "association of images", "image-zero-shot-gap", "image-retrieval-skew",
        "image-harmful-labels", "decisions on images nearness",
    },
    "ClapModel": EMBEDDED | {
        "association of clips", "audio-zero-shot-gap", "audio-retrieval-skew",
        "audio-harmful-labels", "decisions on clips nearness",
    },
    "LlavaForConditionalGeneration": SCORED | WRITTEN | SEEN | SEEN_WRITTEN,
    "Qwen2AudioForConditionalGeneration": SCORED | WRITTEN | HEARD | HEARD_WRITTEN,
    # Of text alone it knows nothing, though it scores transcripts of clips.
    "WhisperForConditionalGeneration": {"transcription-gap", *HEARD, "voice understood"},
    "Wav2Vec2ForCTC": {"transcription-gap"},
    "Wav2Vec2ForSequenceClassification": {"decisions on clips classified"},
    "Wav2Vec2Model": {"association of clips"},
}  # fmt: skip
SERVED = {
    "completions": SCORED | WRITTEN,
    "chat": WRITTEN,
    "embeddings": EMBEDDED,
    "transcriptions": {"transcription-gap"},
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """The labels that are planned for a model, on one row that has every field."""
    folder = tmp_path_factory.mktemp("kinds")
    registry = installed()
    made = [registry.require("probe", f"fairness/{p}").load()(**o) for p, o in ENTRIES.values()]
    row = {field: "x" for probe in made for field in probe.fields}
    (folder / "row.jsonl").write_text(json.dumps(row), encoding="utf-8")
    entries = [
        {"probe": f"fairness/{probe}", "label": label, "source": "row", "options": options}
        for label, (probe, options) in ENTRIES.items()
    ]
    sources = {"row": {"type": "jsonl", "path": str(folder / "row.jsonl")}}
    document = {"version": 1, "name": "kinds", "models": ["recorded:x"], "sources": sources}
    suite = parse_suite(yaml.safe_dump({**document, "probes": entries}, sort_keys=False))

    def labels(name: str, **options) -> set[str]:
        plan = make_plan(suite, registry, models=(ModelSpec(name=name, options=options),))
        return {job.label for job in plan.jobs if job.applicable} - ALWAYS

    return labels


@pytest.mark.parametrize("name", sorted(OF_KIND))
def test_a_checkpoint_is_asked_all_that_fits_its_kind(name, asked, tmp_path):
    config = getattr(transformers, name).config_class()
    config.architectures = [name]
    config.save_pretrained(tmp_path)
    assert asked(f"hf:{tmp_path}") == OF_KIND[name]


@pytest.mark.parametrize("endpoint", sorted(SERVED))
def test_a_served_model_is_asked_all_that_fits_its_endpoint(endpoint, asked):
    options = {"base_url": "http://localhost:1/v1", "endpoint": endpoint}
    assert asked("api:some-model", **options) == SERVED[endpoint]


def test_a_chat_model_that_sees_and_hears_is_shown_and_played_to(asked):
    options = {"base_url": "http://localhost:1/v1", "endpoint": "chat"}
    found = asked("api:some-model", **options, modalities=["image", "audio"])
    assert found == WRITTEN | SEEN_WRITTEN | HEARD_WRITTEN


def test_every_probe_fits_some_kind_of_model():
    found = set().union(*OF_KIND.values(), *SERVED.values()) | ALWAYS
    assert found == set(ENTRIES)
    registered = {e.name for e in installed().probes if e.name.startswith("fairness/")}
    assert {f"fairness/{probe}" for probe, _ in ENTRIES.values()} == registered
