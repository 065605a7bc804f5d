"""Transcripts explained, from files to a report: by gradients where a model has them, or not."""

from __future__ import annotations

from tiny_speech_models import noises

SUITE = """models:
  - {{name: "hf:{model}", options: {{language: en}}}}
  - pocketsphinx:en-us
sources: {{clips: {{type: audio-folder, path: clips}}}}
probes:
  - probe: explain/attribution
    source: clips
    label: by gradients
    options:
      medium: audio
      target: transcript
      subject: {{moments: 3}}
      explainers: [integrated_gradients]
      explainer_settings: {{integrated_gradients: {{n_steps: 4}}}}
  - probe: explain/attribution
    source: clips
    label: by attention
    options: {{medium: audio, target: transcript, subject: {{moments: 3}}, explainers: [relevance]}}
"""


def test_a_transcripts_gradients_and_attention_are_held_against_what_is_heard(
    suite_folder, small_whisper
):
    folder = suite_folder.path / "clips" / "a"
    folder.mkdir(parents=True)
    for number, clip in enumerate(noises(8000, 12000)):
        (folder / f"{number}.wav").write_bytes(clip.encoded())
    jobs = suite_folder.jobs(SUITE.format(model=small_whisper))
    assert set(jobs) == {"by gradients", "by attention"}
    results = suite_folder.results()
    whisper = [job for job in results if job.model.startswith("hf:")]
    assert [(job.status, job.n_failed) for job in whisper] == [("finished", 0)] * 2
    for job in whisper:
        assert all(len(record["map"]) > 2 for record in suite_folder.records(job))
    # pocketsphinx has no gradients; the reason names the explainers that do without
    reasons = {job.reason for job in results if job.model.startswith("pocketsphinx")}
    (reason,) = reasons
    assert "does not answer Attribute" in reason
    assert "occlusion, shapley, sampled_shapley, kernel_shap, lime" in reason
    assert "occlusion, shapley" in suite_folder.report()
