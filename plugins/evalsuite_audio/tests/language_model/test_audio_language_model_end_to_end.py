"""Every task for a model that listens and writes, from files to a report, on a saved Qwen2-Audio."""

from __future__ import annotations

import json
import math

import jiwer
import pytest

SOUNDS = ("a bell", "a dog", "rain")
SUITE = """
models:
  - name: "hf:{model}"
    options: {{transcribe_prompt: "write in {{language}} what is said ."}}
sources:
  captions: {{type: clotho-captions, path: captions.csv}}
  questions: {{type: clotho-aqa, path: questions.csv}}
  choices: {{type: jsonl, path: choices.jsonl, audio: audio}}
  speech: {{type: audio-folder, path: speech}}
probes:
  - {{probe: audio/captioning, source: captions, options: {{max_tokens: 4}}}}
  - {{probe: audio/question-answering, source: questions, options: {{max_tokens: 4}}}}
  - probe: audio/question-answering
    source: questions
    label: questions unheard
    options: {{max_tokens: 4, without_audio: true}}
  - {{probe: audio/multiple-choice, source: choices, label: ranked}}
  - {{probe: audio/multiple-choice, source: choices, label: turned, options: {{circular: true}}}}
  - {{probe: audio/multiple-choice, source: choices, label: written, options: {{by: generation}}}}
  - probe: audio/multiple-choice
    source: choices
    label: written and turned
    options: {{by: generation, circular: true}}
  - probe: audio/multiple-choice
    source: choices
    label: unheard
    options: {{without_audio: true}}
  - probe: audio/transcription
    source: speech
    options: {{language: english}}
    variants: [audio/silence]
"""


def write_data(folder, clips):
    """Three clips that are described, asked about and transcribed."""
    (folder / "speech").mkdir()
    captions = ["file_name,caption_1,caption_2,caption_3,caption_4,caption_5"]
    questions = ["file_name,QuestionText,answer,confidence"]
    choices = []
    for place, (clip, sound) in enumerate(zip(clips, SOUNDS)):
        name = f"{place}.wav"
        for where in (folder / name, folder / "speech" / name):
            where.write_bytes(clip.encoded())
        (folder / "speech" / f"{place}.txt").write_text(f"this is {sound}")
        captions.append(
            f"{name},{sound} is heard,{sound} far away,one hears {sound},{sound},{sound}"
        )
        questions += [f"{name},is it {sound} ?,{answer},yes" for answer in ("yes", "yes", "no")]
        asked = {"question": "what is it ?", "choices": SOUNDS, "answer": place}
        choices.append(json.dumps({"audio": name, **asked}))
    (folder / "captions.csv").write_text("\n".join(captions))
    (folder / "questions.csv").write_text("\n".join(questions))
    (folder / "choices.jsonl").write_text("\n".join(choices))


@pytest.fixture
def jobs(suite_folder, checkpoints, clips):
    write_data(suite_folder.path, clips[:3])
    return suite_folder.jobs(SUITE.format(model=checkpoints["qwen2-audio"]))


def value(job, metric):
    return next(e for e in job.estimates if e.metric.startswith(metric) and not e.slice)


def test_a_model_that_listens_and_writes_does_every_task(jobs, suite_folder):
    assert {job.status for job in jobs.values()} == {"finished"}
    assert [job.n_failed for job in jobs.values()] == [0] * 10
    of = {label: suite_folder.records(job) for label, job in jobs.items()}

    assert math.isfinite(value(jobs["audio/captioning"], "CIDEr-D").value)
    assert all(record["n_words"] <= 4 for record in of["audio/captioning"])
    found = value(jobs["audio/question-answering"], "majority match")
    assert (found.n, found.null.value) == (3, 1.0)  # "yes" always would be right

    # One question without a clip has one answer; three clips are told apart.
    assert len({record["margin"] for record in of["ranked"]}) == 3
    assert len({record["predicted"] for record in of["unheard"]}) == 1
    assert value(jobs["unheard"], "accuracy").value == pytest.approx(1 / 3)
    for label in ("turned", "written and turned"):
        circular = value(jobs[label], "circular accuracy")
        assert circular.null.value == pytest.approx(3**-3)
        assert value(jobs[label], "mean accuracy over rotations").null.value == pytest.approx(1 / 3)
    assert 0 <= value(jobs["written"], "unparsed answers").value <= 1

    said = of["audio/transcription"]
    rate = value(jobs["audio/transcription"], "word error rate (basic")
    expected = jiwer.wer([r["reference"] for r in said], [r["hypothesis"] for r in said])
    assert rate.value == pytest.approx(expected)
    harder = jobs["audio/transcription under audio/silence"]
    assert value(harder, "answers unchanged").n == 3

    page = suite_folder.report()
    for label in jobs:
        assert label in page
