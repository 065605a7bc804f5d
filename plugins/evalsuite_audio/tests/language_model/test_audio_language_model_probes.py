"""Probes that ask audio language models: what they learned about sounds is what is measured."""

from __future__ import annotations

import jiwer
import numpy as np
import pytest
import torch

from evalsuite import Audio, Failure, Generate, LogLikelihood, Sample
from evalsuite.content import as_content
from evalsuite.testing import check_model, play
from evalsuite_audio.tasks.transcription import Transcription
from evalsuite_transformers.generative.paths import KEPT, PLAIN, SEPARATE, SHARED

QUESTION = "is it high ?"
ANSWERS = (" yes", " no")
LOW_HZ, HIGH_HZ = range(300, 700, 25), range(2_000, 3_600, 100)


def tone(hertz, seconds=0.5):
    time_s = np.arange(int(16_000 * seconds)) / 16_000
    return Audio.from_array((0.3 * np.sin(2 * np.pi * hertz * time_s)).astype(np.float32), 16_000)


def teach_to_tell_high_from_low(model):
    """From small random weights, until the first token of the answer depends on the clip."""
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in model.module.parameters():
            if weight.ndim > 1:
                weight.normal_(0, 0.1)
    prompts = [
        model.writer.write(as_content((tone(hertz), QUESTION))) for hertz in (*HIGH_HZ, *LOW_HZ)
    ]
    rows = [model.paths.plain.prepare(prompt) for prompt in prompts]
    inputs = {name: torch.cat([row[name] for row in rows]) for name in rows[0]}
    yes, no = (model.writer.joint(prompts[0].text, answer)[1][0] for answer in ANSWERS)
    wanted = torch.tensor([yes] * len(HIGH_HZ) + [no] * len(LOW_HZ))
    optimizer = torch.optim.Adam(model.module.parameters(), lr=3e-3)
    for _ in range(400):
        chosen = torch.randperm(len(wanted))[:8]
        logits = model.module(**{name: value[chosen] for name, value in inputs.items()}).logits
        loss = torch.nn.functional.cross_entropy(logits[:, -1], wanted[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() < 0.01:
            break
    model.paths.encoder.forget()


@pytest.fixture(scope="module")
def taught(checkpoints, load):
    model = load(checkpoints["qwen2-audio"], chat_template=False)
    teach_to_tell_high_from_low(model)
    return model


def share_right(model, hear=tone):
    """Of tones between those that were taught."""
    pitches = [*range(2_050, 3_500, 150), *range(310, 690, 40)]
    asked = [LogLikelihood((hear(hertz), QUESTION), a) for hertz in pitches for a in ANSWERS]
    totals = np.array([score.total for score in model.loglikelihood(asked)]).reshape(-1, 2)
    return float(np.mean(totals.argmax(1) == (np.array(pitches) < 1_000)))


@pytest.mark.parametrize("path", [SHARED, SEPARATE, KEPT, PLAIN])
def test_what_was_learned_about_sounds_is_found_on_every_path(taught, path, monkeypatch):
    monkeypatch.setattr(taught.paths, "name", path)
    assert share_right(taught) == 1.0


def test_it_is_also_what_the_model_writes(taught):
    yes, no = taught.generate([Generate((tone(h), QUESTION), 1) for h in (2_550, 430)])
    first = [taught.tokenizer(answer)["input_ids"][0] for answer in ANSWERS]
    assert [yes.text, no.text] == [taught.tokenizer.decode([token]) for token in first]


def test_nothing_is_found_where_the_clip_says_nothing(taught):
    # One silent clip for all: one answer, right for half of the twenty.
    assert (
        share_right(taught, lambda _: Audio.from_array(np.zeros(8_000, np.float32), 16_000)) == 0.5
    )


def test_speech_recognition_is_measured_on_an_audio_language_model(checkpoints, load, clips):
    model = load(
        checkpoints["audio-flamingo-3"], transcribe_prompt="what is said ?", max_length=100
    )
    references = ["a bell", "it rains", "nobody speaks here"]
    samples = [
        Sample(str(i), {"audio": clip, "text": text})
        for i, (clip, text) in enumerate(zip(clips[:3], references, strict=True))
    ]
    samples.append(Sample("long", {"audio": tone(440, seconds=5), "text": "a tone"}))
    played = play(Transcription("none"), samples, lambda request: model.transcribe([request])[0])
    hypotheses = [record["hypothesis"] for record in played.records]
    rate = next(e for e in played.estimates if e.metric.startswith("word error rate"))
    assert rate.value == pytest.approx(jiwer.process_words(references, hypotheses).wer)
    assert [failure.split(":")[0] for failure in played.failures] == ["clip too long"]


def test_recorded_digits_are_heard_alike_in_any_company(loaded, kind, data):
    folder = data / "fsdd_test"
    if not folder.is_dir():
        pytest.skip("the spoken digits are not here")
    paths = sorted(folder.rglob("*.wav"))[::37]
    words = (" zero", " five", " nine")
    asked = [
        LogLikelihood((Audio(path), "which digit ?"), word) for path in paths for word in words
    ]
    answers = loaded[kind].loglikelihood(asked)
    heard = [a for a in answers if not isinstance(a, Failure)]
    assert len(heard) >= 0.9 * len(answers)
    assert {a.kind for a in answers if isinstance(a, Failure)} <= {"clip too long"}
    check_model(loaded[kind], asked[:6], tolerance=1e-5)
