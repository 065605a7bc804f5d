"""Samples that belong together are resampled whole."""

from __future__ import annotations

import numpy as np
import pytest
from word_reader import reading

from evalsuite import Audio, DataError, Image, Sample, TimedWord, Transcript
from evalsuite.testing import check_probe, play
from evalsuite_explain.probes.localisation import AudioLocalisation, ImageLocalisation
from evalsuite_explain.probes.plausibility import ContinuationPlausibility, LabelPlausibility
from evalsuite_explain.probes.spoken_words import TranscriptLocalisation


def documents(number=4, each=6):
    """Of every second document people marked the word that decides, of the others another one."""
    rows = []
    for document in range(number):
        for i in range(each):
            text = f"film {document} {i} was really good tonight"
            begin = text.index("good") if document % 2 else 0
            fields = {"text": text, "rationale": [[begin, begin + 4]], "document": f"d{document}"}
            rows.append(Sample(f"{document}-{i}", fields))
    return rows


def test_intervals_of_plausibility_are_over_documents():
    # every sample of a document is as good as the others: between four units, not 24, it varies
    name = "plausibility: F1 of words"
    by_row = play(LabelPlausibility(), documents(), reading("good")).estimate(name)
    played = play(LabelPlausibility(cluster_by="document"), documents(), reading("good"))
    by_unit = played.estimate(name)
    assert by_row.value == by_unit.value == 0.5
    assert (by_row.unit, by_unit.unit) == ("sample", "document")
    # the deviation of a mean of four is that of a mean of 24 times the root of six, 2.4
    assert by_unit.high - by_unit.low > 1.8 * (by_row.high - by_row.low)
    assert {e.unit for e in played.estimates if e.method} == {"document"}


def test_the_same_unit_repeated_tells_no_more():
    few, many = (
        play(LabelPlausibility(cluster_by="document"), rows, reading("good"))
        .estimate("plausibility: F1 of words")
        for rows in (documents(each=1), documents(each=8))
    )  # fmt: skip
    assert (few.low, few.high) == pytest.approx((many.low, many.high), abs=1e-9)


@pytest.mark.parametrize(
    "probe",
    [
        LabelPlausibility(cluster_by="document"),
        ContinuationPlausibility(cluster_by="document"),
        ImageLocalisation(cluster_by="drawing"),
        AudioLocalisation(cluster_by="recording"),
        TranscriptLocalisation(cluster_by="speaker"),
    ],
)
def test_every_metric_has_the_unit(probe):
    assert {metric.clusters for metric in probe.metrics} == {probe.cluster_by}
    assert {metric.clusters for metric in type(probe)().metrics} == {None}


def test_a_unit_that_is_not_there_is_told_before_anything_is_asked():
    def answer(request):
        raise AssertionError(request)

    with pytest.raises(DataError, match="no field 'author'"):
        play(LabelPlausibility(cluster_by="author"), documents(), answer)
    pixels = Image.from_array(np.zeros((8, 8, 3), np.uint8))
    sample = Sample("0", {"image": pixels, "text": "a", "boxes": [[0, 0, 2, 2]]})
    with pytest.raises(DataError, match="no field 'drawing'"):
        play(ImageLocalisation(cluster_by="drawing"), [sample], answer)


def hears_the_first_second(request):
    """Hears "one" where the first of two seconds sounds, and "two" always."""
    waveform, _ = request.audio.load(8000)
    heard = [TimedWord("two", 1.0, 2.0)]
    if np.abs(waveform[:8000]).mean() > 0.01:
        heard.insert(0, TimedWord("one", 0.0, 0.99))
    return Transcript(" ".join(w.text for w in heard), tuple(heard) if request.word_times else ())


def test_clips_of_one_speaker_are_one_unit():
    rng = np.random.default_rng(0)
    clips = [Audio.from_array(rng.normal(0, 0.1, 16000).astype(np.float32), 8000) for _ in range(4)]
    rows = [Sample(str(i), {"audio": clip, "speaker": i % 2}) for i, clip in enumerate(clips)]
    probe = TranscriptLocalisation(moment_s=1.0, fill="silence", cluster_by="speaker")
    found = play(probe, rows, hears_the_first_second).estimate("pointing game")
    assert (found.unit, found.n) == ("speaker", 4)
    check_probe(probe, rows, hears_the_first_second)
