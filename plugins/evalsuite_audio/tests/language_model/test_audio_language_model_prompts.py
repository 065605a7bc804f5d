"""Prompts with clips in their places; what is too long, too short or broken is not answered."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from transformers import AutoConfig

from evalsuite import (
    Audio,
    EmbedAudio,
    Failure,
    Generate,
    Image,
    LoadSettings,
    LogLikelihood,
    ModelError,
    Role,
    Transcribe,
    Transcript,
    UsageError,
)
from evalsuite.content import as_content
from evalsuite.testing import check_model
from evalsuite_audio.models.audio_text_to_text import Loader
from evalsuite_transformers.dispatch import kind_of
from evalsuite_transformers.generative.media import unread

HEARD = "<|audio_bos|><|AUDIO|><|audio_eos|>"


def text_of(model, *content):
    prompt = model.writer.write(as_content(content))
    assert not isinstance(prompt, Failure), prompt
    return prompt.text


def noise(seconds, rate_hz=16_000):
    draw = np.random.default_rng(1).normal(0, 0.1, round(seconds * rate_hz))
    return Audio.from_array(draw.astype(np.float32), rate_hz)


def answer_to(model, *content):
    (answer,) = model.generate([Generate(content, max_tokens=2)])
    return answer


def test_roles_become_turns_with_clips_in_their_places(loaded, clips):
    # The template that comes with Qwen2-Audio's processor numbers the clips.
    text = text_of(
        loaded["qwen2-audio"],
        Role("system"), "be brief", Role("user"), "hear", clips[0], "and", clips[1],
        Role("assistant"), " yes\n", Role("user"), "which ?",
    )  # fmt: skip
    assert text == (
        "<|im_start|>system\nbe brief<|im_end|>\n"
        f"<|im_start|>user\nhearAudio 1: {HEARD}\nandAudio 2: {HEARD}\n<|im_end|>\n"
        "<|im_start|>assistant\nyes<|im_end|>\n"
        "<|im_start|>user\nwhich ?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_a_system_prompt_replaces_the_templates_own(load, checkpoints, loaded):
    own = text_of(loaded["qwen2-audio"], "hello")
    assert own.startswith("<|im_start|>system\nYou are a helpful assistant.")
    model = load(checkpoints["qwen2-audio"], system_prompt="be kind")
    assert text_of(model, "hello").startswith("<|im_start|>system\nbe kind<|im_end|>")


def test_without_a_template_the_parts_are_joined(load, checkpoints, clips):
    model = load(checkpoints["qwen2-audio"], chat_template=False)
    assert text_of(model, "hear ", clips[0], " and ", clips[1]) == f"hear {HEARD} and {HEARD}"
    check_model(
        model,
        [
            LogLikelihood((clips[0], "it is "), "a dog"),
            Generate((clips[0], clips[1]), max_tokens=4),
        ],
    )


def test_a_prompt_without_a_clip_works(loaded, kind):
    check_model(
        loaded[kind],
        [LogLikelihood("does it rain ?", " no"), Generate("does it rain ?", max_tokens=4)],
    )


@pytest.mark.parametrize(
    "options",
    [
        {"audio_cache_mib": -1},
        {"image_cache_mib": 1},
        {"transcribe_prompt": 3},
        {"chat_template": "no"},
        {"max_length": 1},
    ],
)
def test_wrong_options_are_refused(load, checkpoints, options):
    with pytest.raises(UsageError):
        load(checkpoints["qwen2-audio"], **options)


def test_options_that_change_answers_change_the_fingerprint(load, checkpoints, loaded):
    folder = checkpoints["qwen2-audio"]
    marks = {
        loaded["qwen2-audio"].fingerprint,
        load(folder, system_prompt="be kind").fingerprint,
        load(folder, transcribe_prompt="what is said ?").fingerprint,
    }
    assert len(marks) == 3
    assert load(folder, audio_cache_mib=1).fingerprint == loaded["qwen2-audio"].fingerprint


def test_a_clip_that_would_be_cut_is_a_failure(loaded, kind):
    # One window of a second; windows up to four seconds where the processor makes several.
    longest_s = {"qwen2-audio": 1, "audio-flamingo-3": 4, "glm-asr": 4}[kind]
    assert loaded[kind].info.details["longest clip"] == f"{longest_s} s"
    whole = answer_to(loaded[kind], noise(longest_s), "what ?")
    cut = answer_to(loaded[kind], noise(longest_s + 0.01), "what ?")
    assert not isinstance(whole, Failure)
    assert (cut.kind, f"{longest_s + 0.01:.2f} s" in cut.message) == ("clip too long", True)


def test_only_whole_windows_count(tmp_path, builders, load):
    # The processor drops what is left of 5 s after windows of 2 s.
    folder = builders["glm-asr"](tmp_path)
    path = Path(folder) / "processor_config.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | {"max_audio_len": 5}))
    model = load(folder)
    assert model.info.details["longest clip"] == "4 s"
    assert answer_to(model, noise(4.5), "what ?").kind == "clip too long"


def test_several_windows_are_heard_to_the_end(loaded):
    # Two clips that differ after the first window only.
    whole = noise(3)
    waveform = whole.load()[0].copy()
    waveform[40_000:] = 0
    other = Audio.from_array(waveform, 16_000)
    for kind in ("audio-flamingo-3", "glm-asr"):
        asked = [LogLikelihood((clip, "what ?"), " dog") for clip in (whole, other)]
        one, two = loaded[kind].loglikelihood(asked)
        assert abs(one.total - two.total) > 1e-3


@pytest.mark.parametrize("seconds", [1 / 16_000, 0.01, 0.02])
def test_a_clip_that_comes_to_no_token_is_a_failure(loaded, kind, seconds):
    assert answer_to(loaded[kind], noise(seconds), "what ?").kind == "clip too short"


def test_one_clip_at_most_where_the_processor_takes_no_more(loaded, clips):
    for kind in ("audio-flamingo-3", "glm-asr"):
        answer = answer_to(loaded[kind], clips[0], clips[1], "which ?")
        assert (answer.kind, "takes 1" in answer.message) == ("too many clips", True)


def test_pictures_are_refused(loaded, kind):
    picture = Image.from_array(np.zeros((8, 8, 3), np.uint8))
    answer = answer_to(loaded[kind], picture, "what ?")
    assert (answer.kind, "images" in answer.message) == ("unsupported part", True)


def test_any_sample_rate_and_number_of_channels_is_heard_alike(loaded, tmp_path):
    import soundfile

    time_s = np.arange(16_000) / 16_000
    mono = (0.3 * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32)
    soundfile.write(tmp_path / "eight.wav", np.tile(mono[:, None], (1, 8)), 16_000, subtype="FLOAT")
    asked = [
        LogLikelihood((Audio(tmp_path / "eight.wav"), "what ?"), " dog"),
        LogLikelihood((Audio.from_array(mono, 16_000), "what ?"), " dog"),
        LogLikelihood((noise(0.5, 96_000), "what ?"), " dog"),
    ]
    eight, one, high = loaded["qwen2-audio"].loglikelihood(asked)
    assert eight.total == pytest.approx(one.total, abs=1e-5)
    assert not isinstance(high, Failure)


def test_broken_sound_is_a_failure_and_its_neighbours_are_answered(loaded, clips):
    from evalsuite.executor import LocalExecutor

    nan = Audio.from_array(np.full(800, np.nan, np.float32), 16_000)
    empty = Audio.from_array(np.zeros(0, np.float32), 16_000)
    asked = [
        LogLikelihood((clip, "what ?"), " dog")
        for clip in (Audio(data=b"nothing"), nan, clips[0], empty)
    ]
    answers = {}
    LocalExecutor().answer(loaded["qwen2-audio"], asked, answers.update)
    kinds = [getattr(answers[request.digest], "kind", "answered") for request in asked]
    assert kinds == ["unreadable media", "unreadable media", "answered", "unreadable media"]


def test_without_a_prompt_for_it_the_model_does_not_transcribe(loaded, kind):
    assert not loaded[kind].info.answers(Transcribe)
    assert not loaded[kind].info.answers(EmbedAudio)


def test_a_transcript_is_what_is_written_after_the_prompt_for_it(load, checkpoints, kind, clips):
    model = load(checkpoints[kind], transcribe_prompt="what is said ?", max_length=110)
    assert "transcribe" in model.info.methods
    asked = [Transcribe(clip) for clip in clips[:3]]
    check_model(model, asked)
    written = model.generate([Generate((clip, "what is said ?"), 200) for clip in clips[:3]])
    for answer, generation in zip(model.transcribe(asked), written, strict=True):
        assert generation.text.startswith(answer.text)


def test_a_transcript_may_be_empty_but_a_failure_is_none(load, checkpoints):
    model = load(checkpoints["qwen2-audio"], transcribe_prompt="what is said ?")
    fits, too_long = model.transcribe([Transcribe(noise(0.5)), Transcribe(noise(2))])
    assert isinstance(fits, Transcript)
    assert too_long.kind == "clip too long"


def test_the_language_of_a_request_goes_into_the_prompt(load, checkpoints, clips):
    model = load(checkpoints["qwen2-audio"], transcribe_prompt="write down the {language} :")
    german, unknown, translated = model.transcribe(
        [
            Transcribe(clips[0], language="German"),
            Transcribe(clips[0]),
            Transcribe(clips[0], language="German", task="translate"),
        ]
    )
    (written,) = model.generate([Generate((clips[0], "write down the German :"), 78)])
    assert german.text == written.text
    assert (unknown.kind, translated.kind) == ("no language", "other task")


def test_missing_weights_are_an_error(tmp_path, builders, kind):
    folder = builders[kind](tmp_path)
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    del weights[next(name for name in weights if "multi_modal_projector" in name)]
    save_file(weights, path, {"format": "pt"})
    with pytest.raises(ModelError, match="multi_modal_projector"):
        Loader().load(folder, LoadSettings("cpu"))


def test_a_configuration_describes_without_weights(checkpoints, kind):
    info = Loader().describe(
        checkpoints[kind], LoadSettings(options={"transcribe_prompt": "what is said ?"})
    )
    assert (info.kind, info.modalities) == ("audio language model", {"text", "audio"})
    scored = {"loglikelihood", "token_entropies"}
    assert info.methods == {"generate", "transcribe", "differentiate", *scored}


@pytest.mark.parametrize(
    ("model_type", "architecture", "expected"),
    [
        ("qwen2_audio", "Qwen2AudioForConditionalGeneration", "audio-text-to-text"),
        ("audioflamingo3", "AudioFlamingo3ForConditionalGeneration", "audio-text-to-text"),
        ("glmasr", "GlmAsrForConditionalGeneration", "audio-text-to-text"),
        (
            "qwen2_5_omni_thinker",
            "Qwen2_5OmniThinkerForConditionalGeneration",
            "image-text-to-text",
        ),
        ("llava", "LlavaForConditionalGeneration", "image-text-to-text"),
        ("t5", "T5ForConditionalGeneration", "sequence-to-sequence"),
        ("clap", "ClapModel", "audio-text-dual-encoder"),
    ],
)
def test_the_configuration_selects_the_kind(model_type, architecture, expected, tmp_path):
    config = AutoConfig.for_model(model_type, architectures=[architecture])
    assert kind_of(config, str(tmp_path)).name == f"hf/{expected}"


def test_a_family_that_nobody_looked_into_is_refused(tmp_path):
    config = AutoConfig.for_model("voxtral", architectures=["VoxtralForConditionalGeneration"])
    with pytest.raises(ModelError, match="no installed plugin can run"):
        kind_of(config, str(tmp_path))


def test_a_family_named_by_hand_is_refused_as_well(tmp_path):
    AutoConfig.for_model("llama").save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="family 'llama'.*qwen2_audio"):
        Loader().describe(str(tmp_path), LoadSettings())


def test_a_report_says_where_a_models_hearing_is_not_used():
    # Gemma 3n's processor has a token for sounds; its way with long clips was not looked into.
    details = unread(SimpleNamespace(audio_token="<audio_soft_token>"), ())
    assert details["clips"].startswith("not read")
    assert unread(SimpleNamespace(image_token="<image>"), ()) == {}
