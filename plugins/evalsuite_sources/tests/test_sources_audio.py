"""Sounds and speech as they are published: clips in order, groups kept, mistakes in their place."""

from __future__ import annotations

import json

import numpy as np
import pytest

from evalsuite import Audio, DataError, UsageError
from evalsuite.options import build
from evalsuite_sources.folders import AudioFolder
from evalsuite_sources.hub import HuggingFace
from evalsuite_sources.sounds.classes import Esc50, Fsdd, SpeechCommands
from evalsuite_sources.sounds.descriptions import AudioCaps, ClothoAqa, ClothoCaptions
from evalsuite_sources.sounds.manifest import AudioManifest
from evalsuite_sources.sounds.speech import CommonVoice, Fleurs, LibriSpeech
from evalsuite_sources.sounds.trials import SpeakerTrials
from evalsuite_sources.tables import JsonLines


def clip(value: float = 0.0, n_samples: int = 80) -> Audio:
    return Audio.from_array(np.full(n_samples, value, np.float32), 8000)


def clips(folder, *names) -> str:
    """Clips that differ, under these names."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(clip(number / 100).encoded())
    return str(folder)


def write(path, *lines) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


def read(source):
    """All samples of a source that is in order and counts itself right."""
    source.check()
    samples = list(source.rows())
    assert source.count() == len(samples)
    assert source.fingerprint() == source.fingerprint()
    return samples


# ------------------------------------------------------------------------------------------------
# Read speech
# ------------------------------------------------------------------------------------------------


def librispeech(folder) -> LibriSpeech:
    write(
        folder / "SPEAKERS.TXT",
        ";ID |SEX| SUBSET |MINUTES| NAME",
        "61  | M | test-clean | 8.0 | A B",
    )
    chapter = folder / "test-clean" / "61" / "70968"
    write(chapter / "61-70968.trans.txt", "61-70968-0000 HE BEGAN", "61-70968-0001 GONE NOW")
    clips(chapter, "61-70968-0000.flac")
    write(folder / "test-clean" / "8" / "1" / "8-1.trans.txt", "8-1-0000 YES")
    clips(folder / "test-clean" / "8" / "1", "8-1-0000.flac")
    return LibriSpeech(str(folder))


def test_librispeechs_tree_tells_text_speaker_and_sex(tmp_path):
    first, missing, unknown = read(librispeech(tmp_path))
    assert first.id == "61-70968-0000"
    assert [first[n] for n in ("text", "speaker", "chapter", "gender")] == [
        "HE BEGAN", "61", "70968", "male",
    ]  # fmt: skip
    assert "61-70968-0001.flac does not exist" in missing.broken
    assert (unknown["speaker"], unknown["gender"]) == ("8", None)


def test_a_missing_split_shows_the_others(tmp_path):
    librispeech(tmp_path)
    with pytest.raises(DataError, match="test-other does not exist.*test-clean"):
        LibriSpeech(str(tmp_path), split="test-other").check()


def test_other_lines_than_librispeechs_are_refused(tmp_path):
    source = librispeech(tmp_path)
    write(tmp_path / "SPEAKERS.TXT", "; comment", "61 male")
    with pytest.raises(DataError, match=r"SPEAKERS.TXT:2: not `ID \| SEX"):
        source.check()
    write(tmp_path / "SPEAKERS.TXT")
    write(tmp_path / "test-clean" / "61" / "70968" / "61-70968.trans.txt", "0000 HE BEGAN")
    with pytest.raises(DataError, match=r"trans.txt:1: '0000' is not SPEAKER-CHAPTER-NUMBER"):
        source.count()


COMMON_VOICE = "client_id\tpath\tsentence\tup_votes\tdown_votes\tage\tgender\taccents\tlocale"


def test_common_voices_groups_are_kept_and_quotes_are_marks(tmp_path):
    write(
        tmp_path / "test.tsv",
        COMMON_VOICE,
        'ab\tx.mp3\t"Stop, he said.\t2\t0\ttwenties\tfemale_feminine\tScottish English\ten',
        "cd\tgone.mp3\tYes.\t2\t0\t\t\t\ten",
        "cd\ty.mp3\tNo.\t2\t0\t\t\t\ten",
    )
    clips(tmp_path / "clips", "x.mp3", "y.mp3")
    first, missing, silent = read(CommonVoice(str(tmp_path)))
    assert [first[n] for n in ("text", "speaker", "age", "gender", "accent")] == [
        '"Stop, he said.', "ab", "twenties", "female_feminine", "Scottish English",
    ]  # fmt: skip
    assert "gone.mp3 does not exist" in missing.broken
    assert (silent["age"], silent["gender"], silent["accent"]) == (None, None, None)


def test_older_common_voice_tables_call_the_accent_otherwise(tmp_path):
    header = COMMON_VOICE.replace("accents", "accent")
    write(tmp_path / "dev.tsv", header, "ab\tx\tYes.\t2\t0\t\t\tindian\ten")
    clips(tmp_path / "clips", "x.mp3")
    (sample,) = read(CommonVoice(str(tmp_path), split="dev"))
    assert (sample.id, sample["accent"]) == ("x", "indian")


def test_a_table_of_other_columns_names_them(tmp_path):
    write(tmp_path / "test.tsv", "client_id\tpath", "ab\tx.mp3")
    with pytest.raises(DataError, match=r"test.tsv:1: no column 'sentence'.*'client_id', 'path'"):
        CommonVoice(str(tmp_path)).check()
    write(tmp_path / "test.tsv", COMMON_VOICE, "ab\tx.mp3\tYes.")
    with pytest.raises(DataError, match=r"test.tsv:2: 3 values for the 9 columns"):
        CommonVoice(str(tmp_path)).check()


FLEURS = "1509\t100.wav\tThe “Big” One.\tthe big one\tt h e | b i g | o n e\t80\tFEMALE"


@pytest.mark.parametrize("folder", ["audio/test", "audio", "test", "."])
def test_fleurs_clips_are_found_where_they_were_unpacked(tmp_path, folder):
    write(tmp_path / "test.tsv", FLEURS)
    clips(tmp_path / folder, "100.wav")
    (sample,) = read(Fleurs(str(tmp_path)))
    assert (sample["text"], sample["gender"], sample["sentence"]) == (
        "The “Big” One.", "female", "1509",
    )  # fmt: skip


def test_fleurs_has_two_writings(tmp_path):
    write(tmp_path / "test.tsv", FLEURS)
    clips(tmp_path, "100.wav")
    source = build(Fleurs, {"path": str(tmp_path), "text": "transcription"}, "The source")
    assert read(source)[0]["text"] == "the big one"
    with pytest.raises(UsageError, match="raw_transcription"):
        build(Fleurs, {"path": str(tmp_path), "text": "words"}, "The source")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (FLEURS.replace("\t80\t", "\tmany\t"), "test.tsv:2: num_samples must be a whole number"),
        ("1509\t100.wav", "test.tsv:2: 2 values for the 7 columns"),
    ],
)
def test_other_lines_than_fleurs_are_refused(tmp_path, line, message):
    write(tmp_path / "test.tsv", FLEURS, line)
    with pytest.raises(DataError, match=message):
        Fleurs(str(tmp_path)).count()


# ------------------------------------------------------------------------------------------------
# Manifests
# ------------------------------------------------------------------------------------------------


def manifest(folder, *rows) -> AudioManifest:
    write(folder / "test.json", *(json.dumps(row) for row in rows))
    return AudioManifest(str(folder / "test.json"))


def test_a_manifest_names_whole_files_and_stretches(tmp_path):
    ramp = np.arange(8000, dtype=np.float32) / 8000
    (tmp_path / "a.wav").write_bytes(Audio.from_array(ramp, 8000).encoded())
    whole, part, last, missing = read(
        manifest(
            tmp_path,
            {"audio_filepath": "a.wav", "duration": 0.9, "text": "all", "gender": "f"},
            {"audio_filepath": "a.wav", "offset": 0.25, "duration": 0.5, "text": "the middle"},
            {"audio_filepath": "a.wav", "offset": 0.75, "duration": 0.26, "text": "the end"},
            {"audio_filepath": "b.wav", "duration": 1.0, "text": "gone"},
        )
    )
    assert (whole["text"], whole["gender"], len(whole["audio"].load()[0])) == ("all", "f", 8000)
    np.testing.assert_array_equal(part["audio"].load()[0], ramp[2000:6000])
    np.testing.assert_array_equal(last["audio"].load()[0], ramp[6000:])  # 260 ms were rounded up
    assert "b.wav does not exist" in missing.broken
    assert len({s["audio"].digest for s in (whole, part, last)}) == 3


def test_a_manifest_may_be_csv_with_columns_of_its_own(tmp_path):
    clips(tmp_path / "wav", "a.wav", "b.wav")
    write(
        tmp_path / "m.csv",
        "key,file,sentence,offset,duration",
        "k1,a.wav,yes,,",
        "k2,b.wav,no,0,0.005",
    )
    options = {"path": str(tmp_path / "m.csv"), "audio": "file", "text": "sentence", "id": "key"}
    source = build(AudioManifest, {**options, "media_path": str(tmp_path / "wav")}, "The source")
    assert [(s.id, s["text"], s["audio"].n_samples()) for s in read(source)] == [
        ("k1", "yes", 80),
        ("k2", "no", 40),
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"audio": "a.wav"}, "no column 'audio_filepath'; its columns are: 'audio'"),
        ({"audio_filepath": "a.wav", "offset": -1, "duration": 1}, "utterance 1: a stretch needs"),
        ({"audio_filepath": "a.wav", "offset": 0.5}, "duration above 0, in seconds .got 0.5 and None"),
        ({"audio_filepath": "a.wav", "offset": "x", "duration": 1}, "got 'x' and 1"),
    ],
)  # fmt: skip
def test_other_lines_than_a_manifests_are_refused(tmp_path, row, message):
    clips(tmp_path, "a.wav")
    with pytest.raises(DataError, match=message):
        manifest(tmp_path, row).check()


# ------------------------------------------------------------------------------------------------
# Classes
# ------------------------------------------------------------------------------------------------


def esc50(folder) -> str:
    write(
        folder / "meta" / "esc50.csv",
        "filename,fold,target,category,esc10,src_file,take",
        "1-100032-A-0.wav,1,0,dog,True,100032,A",
        "1-100038-A-14.wav,1,14,chirping_birds,False,100038,A",
        "2-100210-A-36.wav,2,36,vacuum_cleaner,False,100210,A",
        "5-9032-A-0.wav,5,0,dog,True,9032,A",
    )
    return clips(folder, *(f"audio/{n}" for n in ("1-100032-A-0.wav", "1-100038-A-14.wav", "2-100210-A-36.wav")))  # fmt: skip


def test_esc50s_folds_and_ten_classes_are_chosen(tmp_path):
    path = esc50(tmp_path)
    assert len(read(Esc50(path))) == 4
    first, second = read(build(Esc50, {"path": path, "folds": [1]}, "The source"))
    assert (first["label"], first["fold"], first["recording"]) == ("dog", 1, "100032")
    assert (second["label"], second["is_esc10"]) == ("chirping birds", False)
    ten = read(Esc50(path, esc10_only=True))
    assert [s.id for s in ten] == ["1-100032-A-0", "5-9032-A-0"]
    assert "5-9032-A-0.wav does not exist" in ten[1].broken
    with pytest.raises(DataError, match="esc50.csv holds no clip"):
        Esc50(path, folds=(4,)).check()


def test_speech_commands_splits_are_told_by_lists(tmp_path):
    names = (
        "yes/aa_nohash_0.wav",
        "yes/aa_nohash_1.wav",
        "no/bb_nohash_0.wav",
        "no/cc_nohash_0.wav",
    )
    path = clips(tmp_path, *names, "_background_noise_/white.wav")
    write(tmp_path / "testing_list.txt", "yes/aa_nohash_0.wav", "no/gone_nohash_0.wav")
    write(tmp_path / "validation_list.txt", "no/bb_nohash_0.wav")
    missing, first = read(SpeechCommands(path))
    assert "gone_nohash_0.wav does not exist" in missing.broken
    assert [first[n] for n in ("label", "text", "speaker", "take")] == ["yes", "yes", "aa", "0"]
    assert [s.id for s in read(SpeechCommands(path, split="validation"))] == [names[2]]
    assert [s.id for s in read(SpeechCommands(path, split="train"))] == [names[3], names[1]]
    assert [s.id for s in read(SpeechCommands(path, split="all"))] == sorted(names)


def test_fsdds_names_and_what_is_known_of_the_speakers(tmp_path):
    path = clips(
        tmp_path / "recordings", "7_jackson_4.wav", "0_van_der_0.wav", "7_jackson_5.wav", "x.wav"
    )
    speakers = write(tmp_path / "speakers.json", '{"jackson": {"accent": "USA/neutral"}}')
    zero, four, _, other = read(Fsdd(path, speakers_path=speakers))
    assert (zero["label"], zero["speaker"], zero.get("accent")) == ("zero", "van_der", None)
    assert (four["text"], four["digit"], four["accent"]) == ("seven", 7, "USA/neutral")
    assert "is not named DIGIT_SPEAKER_INDEX" in other.broken
    assert [s.id for s in read(Fsdd(path, split="train"))] == ["7_jackson_5", "x"]
    with pytest.raises(DataError, match="speakers.json:1:1: must be a JSON object from speaker"):
        Fsdd(path, speakers_path=write(tmp_path / "speakers.json", "[]")).check()
    with pytest.raises(ValueError, match="ten words"):
        Fsdd(path, names=("null",))


EMOTIONS = [
    ("1001_DFA_ANG_XX.wav", r"(?P<speaker>\d+)_(?P<sentence>\w+)_(?P<label>[A-Z]+)_\w+", "ANG", "1001"),
    ("03-01-05-01-02-01-12.wav", r"(\d\d-){2}(?P<label>\d\d)-(\d\d-){3}(?P<speaker>\d\d)", "05", "12"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "pattern", "code", "speaker"), EMOTIONS)
def test_emotions_are_told_by_a_pattern_and_the_meaning_of_its_codes(
    tmp_path, name, pattern, code, speaker
):
    options = {"path": clips(tmp_path, f"Actor_1/{name}"), "pattern": pattern}
    options["values"] = {"label": {code: "angry"}}
    (sample,) = read(build(AudioFolder, options, "The source"))
    assert (sample["label"], sample["speaker"]) == ("angry", speaker)


# ------------------------------------------------------------------------------------------------
# Descriptions, questions, trials
# ------------------------------------------------------------------------------------------------


def test_clothos_five_captions_come_with_their_clip(tmp_path):
    write(
        tmp_path / "clotho_captions_evaluation.csv",
        "file_name,caption_1,caption_2,caption_3,caption_4,caption_5",
        '"rain, far.wav","Rain falls, far off.",b,c,d,e',
        "gone.wav,a,b,c,d,e",
    )
    clips(tmp_path / "clips", "rain, far.wav")
    path = str(tmp_path / "clotho_captions_evaluation.csv")
    first, missing = read(ClothoCaptions(path, media_path=str(tmp_path / "clips")))
    assert first["captions"] == ["Rain falls, far off.", "b", "c", "d", "e"]
    assert "gone.wav does not exist" in missing.broken


def test_audiocaps_captions_of_a_clip_are_one_sample(tmp_path):
    path = write(
        tmp_path / "test.csv",
        "audiocap_id,youtube_id,start_time,caption",
        "103549,7fmOlUlwoNg,20,Constant rattling",
        "103541,6BJ455B1aAs,0,A rocket flies",
        "103548,7fmOlUlwoNg,20,Food sizzles",
    )
    clips(tmp_path, "Y7fmOlUlwoNg.wav", "103541.wav")
    one, other = read(AudioCaps(path, names="Y{youtube_id}.wav"))
    assert (one["captions"], one["start_time"]) == (["Constant rattling", "Food sizzles"], "20")
    assert "Y6BJ455B1aAs.wav does not exist" in other.broken
    assert read(AudioCaps(path, names="{audiocap_id}.wav"))[1]["captions"] == ["A rocket flies"]
    with pytest.raises(UsageError, match="names may hold {audiocap_id}"):
        build(AudioCaps, {"path": path, "names": "{video}.wav"}, "The source")


def test_the_answers_to_a_question_are_one_sample(tmp_path):
    path = write(
        tmp_path / "clotho_aqa_test.csv",
        "file_name,QuestionText,answer,confidence",
        "a.wav,Is it raining?,yes,yes",
        "a.wav,Is it raining?,Yes,maybe",
        "a.wav,Is it raining?,no,no",
        "a.wav,What falls?,rain,yes",
        "a.wav,Is it loud?,no,yes",
    )
    clips(tmp_path, "a.wav")
    samples = read(ClothoAqa(path))
    assert samples[0]["question"] == "Is it raining?"
    assert samples[0]["answers"] == ["yes", "Yes", "no"]
    assert samples[0]["confidences"] == ["yes", "maybe", "no"]
    assert [s.id for s in read(ClothoAqa(path, yes_no_only=True))] == ["0", "2"]
    assert [s.id for s in read(ClothoAqa(path, yes_no_only=True, unanimous_only=True))] == ["2"]


def test_trials_name_two_clips_and_their_speakers(tmp_path):
    path = write(
        tmp_path / "veri_test.txt",
        "1 id1/x/1.wav id1/y/1.wav",
        "",
        "0 id1/x/1.wav id2/z/1.wav",
        "nontarget flat.wav id9/none.wav",
        "target flat.wav flat.wav",
    )
    clips(tmp_path / "wav", "id1/x/1.wav", "id1/y/1.wav", "id2/z/1.wav", "flat.wav")
    same, different, missing, flat = read(SpeakerTrials(path, media_path=str(tmp_path / "wav")))
    assert (same["same"], same["speaker_a"], same["speaker_b"]) == (True, "id1", "id1")
    assert (different["same"], different["speaker_b"]) == (False, "id2")
    assert different["audio_a"] is same["audio_a"]
    assert "id9/none.wav does not exist" in missing.broken
    assert "speaker_a" not in flat.fields


@pytest.mark.parametrize("line", ["1 a.wav", "2 a.wav b.wav", "a.wav b.wav 1", "1 a.wav b.wav c"])
def test_other_lines_than_trials_are_refused(tmp_path, line):
    path = write(tmp_path / "trials.txt", "1 a.wav b.wav", line)
    with pytest.raises(DataError, match=r"trials.txt:2: not a trial: a line is 1 or 0"):
        SpeakerTrials(path).count()


# ------------------------------------------------------------------------------------------------
# Hugging Face datasets
# ------------------------------------------------------------------------------------------------


def saved(folder, told) -> HuggingFace:
    """A dataset whose column has the feature Audio, as the hub's have; nothing is decoded."""
    datasets = pytest.importorskip("datasets")
    made = datasets.Dataset.from_dict({"sound": [told], "text": ["yes"]})
    made.cast_column("sound", datasets.Audio(16_000)).save_to_disk(str(folder / "saved"))
    return HuggingFace(str(folder / "saved"))


def test_a_saved_datasets_sounds_are_taken_as_bytes(tmp_path):
    (sample,) = read(saved(tmp_path, {"bytes": clip(0.5).encoded(), "path": "a.wav"}))
    assert sample["audio"] == sample["sound"] == clip(0.5)  # at 8 kHz: the harness resamples
    assert sample["text"] == "yes"


def test_sounds_that_lie_beside_a_dataset_are_found(tmp_path):
    clips(tmp_path, "a.wav")
    (sample,) = read(saved(tmp_path, {"bytes": None, "path": str(tmp_path / "a.wav")}))
    assert sample["audio"] == clip(0.0)


@pytest.mark.parametrize("channels", [1, 2])
def test_sounds_that_were_decoded_before_are_taken_as_samples(tmp_path, channels):
    datasets = pytest.importorskip("datasets")
    samples = [0.0, 0.5, -0.5]
    array = samples if channels == 1 else [samples, [0.0, 0.0, 0.0]]
    rows = {"sound": [{"array": array, "sampling_rate": 8000}]}
    datasets.Dataset.from_dict(rows).save_to_disk(str(tmp_path / "saved"))
    waveform, rate = read(HuggingFace(str(tmp_path / "saved")))[0]["audio"].load()
    assert rate == 8000
    np.testing.assert_array_equal(waveform, np.array(samples, np.float32) / channels)


def test_a_dataset_that_is_a_script_says_what_to_do_instead(tmp_path):
    # as google/fleurs was: the datasets library runs no scripts any more
    pytest.importorskip("datasets")
    (tmp_path / "fleurs").mkdir()
    (tmp_path / "fleurs" / "fleurs.py").write_text("import datasets\n")
    with pytest.raises(DataError, match="no longer supported.*revision: refs/convert/parquet"):
        HuggingFace(str(tmp_path / "fleurs")).check()


# ------------------------------------------------------------------------------------------------
# Real data
# ------------------------------------------------------------------------------------------------


def test_all_spoken_digits_are_read_with_their_accents(data):
    folder = data / "fsdd_test"
    samples = read(Fsdd(str(folder), speakers_path=str(folder / "speakers.json")))
    assert len(samples) == 300
    assert {s["speaker"]: s["accent"] for s in samples} == {
        "george": "GRC/Greek", "jackson": "USA/neutral", "lucas": "DEU/German",
        "nicolas": "BEL/French", "theo": "USA/neutral", "yweweler": "DEU/German",
    }  # fmt: skip
    assert sum(s["label"] == "seven" for s in samples) == 30


def test_no_published_clip_is_taken_for_cut(data):
    for folder, count in (("fsdd_test", 300), ("esc10_fold1", 80), ("fleurs_fixtures", 50)):
        samples = list(AudioFolder(str(data / folder)).rows())
        assert len(samples) == count
        assert all(len(s["audio"].load()[0]) == s["audio"].n_samples() for s in samples)


def test_several_audio_columns_keep_their_names(tmp_path):
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(Audio.from_array(np.zeros(8, np.float32), 8000).encoded())
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps({"audio_a": "a.wav", "audio_b": "b.wav"}) + "\n")
    (sample,) = JsonLines(str(path), audio=("audio_a", "audio_b")).rows()
    assert [sample[name].path.name for name in ("audio_a", "audio_b")] == ["a.wav", "b.wav"]
    assert "audio" not in sample.fields
    with pytest.raises(DataError, match="no column 'audio_c'"):
        JsonLines(str(path), audio=("audio_a", "audio_c")).check()
