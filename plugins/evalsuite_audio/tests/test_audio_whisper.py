"""Whisper of random weights through the real loading path: nothing is cut, the company is no matter."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForSpeechSeq2Seq,
    AutoProcessor,
    SpeechT5Config,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)
from transformers.models.whisper.generation_whisper import _dynamic_time_warping

from evalsuite import (
    Audio,
    Failure,
    LoadSettings,
    LogLikelihood,
    ModelError,
    Text,
    Transcribe,
    Transcript,
    UsageError,
)
from evalsuite.executor import BudgetMemory, LocalExecutor
from evalsuite.testing import check_model
from evalsuite_audio.models import whisper_words
from evalsuite_audio.models.speech_seq2seq import Loader
from evalsuite_transformers.dispatch import kind_of

RATE_HZ = 16_000
LANGUAGES = ("en", "de", "zh")
SPECIAL = [
    "<|startoftranscript|>",
    *(f"<|{code}|>" for code in LANGUAGES),
    *("<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>"),
    "<|notimestamps|>",
]
# A window of one second is 50 positions of the encoder.
LONGEST = 24
TIMES = [f"<|{i * 0.02:.2f}|>" for i in range(51)]


def tokenizer():
    base = Tokenizer(models.BPE())
    base.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    base.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    base.train_from_iterator(["the cat sat on the mat", "ein kleiner Hund"] * 4, trainer)
    body = json.loads(base.to_str())["model"]
    end = "<|endoftext|>"
    made = WhisperTokenizer(
        vocab=body["vocab"],
        merges=[tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in body["merges"]],
        **{f"{name}_token": end for name in ("unk", "bos", "eos", "pad")},
    )
    made.add_special_tokens({"additional_special_tokens": SPECIAL})
    made.add_tokens([AddedToken(time, special=False) for time in TIMES])
    return made


def unreadable(words):
    """Ordinary tokens that are no Latin letters, with or without a space before them."""
    ordinary = {t: i for t, i in words.get_vocab().items() if not t.startswith("<|")}
    is_word = lambda token: token.lstrip("\u0120").isascii() and token.lstrip("\u0120").isalpha()
    return sorted(i for token, i in ordinary.items() if not is_word(token))


def save(directory, multilingual=True, heads=True, complete=True, suppressed=(), **overrides):
    """A tiny Whisper; ``complete`` says whether its generation settings are up to date."""
    torch.manual_seed(0)
    words = tokenizer()
    ids = words.convert_tokens_to_ids
    ends = {f"{name}_token_id": ids("<|endoftext|>") for name in ("pad", "bos", "eos")}
    config = WhisperConfig(
        vocab_size=len(words),
        num_mel_bins=16,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_source_positions=50,
        max_target_positions=LONGEST,
        decoder_start_token_id=ids("<|startoftranscript|>"),
        begin_suppress_tokens=None,
        suppress_tokens=None,
        tie_word_embeddings=False,
        **ends,
    )
    model = WhisperForConditionalGeneration(config)
    torch.manual_seed(1)
    with torch.no_grad():  # attention to the sound so sharp that clips differ
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                sharpness = 20 if "encoder_attn" in name else 1.5
                weight.normal_(0, sharpness * weight[0].numel() ** -0.5)
    own = model.generation_config
    facts = {
        "begin_suppress_tokens": [ids("<|endoftext|>")],
        "suppress_tokens": [*unreadable(words), *suppressed],
        "max_length": LONGEST,
    }
    if complete:
        facts |= {
            "is_multilingual": multilingual,
            "no_timestamps_token_id": ids("<|notimestamps|>"),
            "prev_sot_token_id": ids("<|startofprev|>"),
            "max_initial_timestamp_index": 50,
        }
        if multilingual:
            facts["lang_to_id"] = {f"<|{code}|>": ids(f"<|{code}|>") for code in LANGUAGES}
            facts["task_to_id"] = {t: ids(f"<|{t}|>") for t in ("translate", "transcribe")}
    if heads:
        facts["alignment_heads"] = [[0, 1], [1, 0]]
    for name, value in (facts | overrides).items():
        setattr(own, name, value)
    own._from_model_config = False
    model.save_pretrained(directory)
    extractor = WhisperFeatureExtractor(
        feature_size=16, sampling_rate=RATE_HZ, hop_length=160, chunk_length=1, n_fft=400
    )
    WhisperProcessor(feature_extractor=extractor, tokenizer=words).save_pretrained(directory)
    return directory


def load(directory, **options):
    return Loader().load(str(directory), LoadSettings(device="cpu", options=options))


def clips(*lengths):
    rng = np.random.default_rng(0)
    found = []
    for n in lengths:
        t = np.arange(n) / RATE_HZ
        tone = np.sin(2 * np.pi * rng.uniform(200, 4000) * t * (1 + rng.uniform(0, 2) * t))
        noise = 0.05 * rng.standard_normal(n)
        found.append(Audio.from_array((0.3 * tone + noise).astype(np.float32), RATE_HZ))
    return found


SHORT = clips(4000, 16000, 9000, 12345)
LONG = clips(40000, 17000)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return save(tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="module")
def model(directory):
    return load(directory)


@cache
def plain_model(directory):
    module = AutoModelForSpeechSeq2Seq.from_pretrained(directory).eval()
    return module, AutoProcessor.from_pretrained(directory)


def plainly(directory, audio, language="en", task="transcribe", **more):
    """What the library itself writes for one clip."""
    module, processor = plain_model(directory)
    waveform = audio.load(RATE_HZ)[0]
    if len(waveform) > RATE_HZ:
        more = {"return_timestamps": True, **more}
        inputs = processor(
            audio=waveform,
            sampling_rate=RATE_HZ,
            return_tensors="pt",
            truncation=False,
            padding="longest",
        )
    else:
        more = {"force_unique_generate_call": True, **more}
        inputs = processor(audio=waveform, sampling_rate=RATE_HZ, return_tensors="pt")
    ids = module.generate(inputs["input_features"], language=language, task=task, **more)
    return processor.decode(ids[0], skip_special_tokens=True).strip()


def test_a_window_is_written_as_the_library_writes_it(model, directory):
    for task in ("transcribe", "translate"):
        answers = model.transcribe([Transcribe(clip, "en", task) for clip in SHORT])
        assert [a.text for a in answers] == [plainly(directory, c, "en", task) for c in SHORT]
        assert len({answer.text for answer in answers}) >= 3


def test_features_by_the_extractor_change_no_transcript(directory):
    requests = [Transcribe(clip, "en") for clip in (*SHORT, *LONG)]
    ours, plain = load(directory), load(directory)
    assert ours.features.mel is not None
    plain.features.mel = None
    assert ours.transcribe(requests) == plain.transcribe(requests)


def test_half_precision_writes_and_scores(directory):
    model = Loader().load(str(directory), LoadSettings(device="cpu", dtype="bfloat16"))
    assert model.dtype is torch.bfloat16
    requests = [Transcribe(clip, code, word_times=True) for clip in SHORT for code in ("en", None)]
    check_model(model, [*requests, Transcribe(LONG[1], "en")])
    assert all(isinstance(answer, Transcript) for answer in model.transcribe(requests))
    asked = [LogLikelihood((clip,), "the cat") for clip in SHORT]
    exact = [score.total for score in load(directory).loglikelihood(asked)]
    # bfloat16 has 8 bits; sums of log-probabilities are in float32
    found = [score.total for score in model.loglikelihood(asked)]
    assert found == pytest.approx(exact, rel=0.1)


def test_languages_and_tasks_are_told_apart(model):
    def texts(*asked):
        return tuple(a.text for a in model.transcribe([Transcribe(c, *asked) for c in SHORT]))

    assert len({texts(code) for code in LANGUAGES} | {texts("de", "translate")}) == 4
    assert texts("de") == texts("german") == texts("de-AT")


def told(answer):
    """All but the confidences, which differ by what float32 leaves open."""
    return answer.text, [(word.text, word.start_s, word.end_s) for word in answer.words]


def test_company_order_and_batch_change_no_token(model):
    requests = [
        *(Transcribe(clip, code) for clip in SHORT for code in ("en", None)),
        *(Transcribe(clip, "de", "translate", word_times=True) for clip in SHORT),
        Transcribe(LONG[1], "en"),
    ]
    check_model(model, requests)
    by_threes = [a for i in range(0, 12, 3) for a in model.transcribe(requests[i : i + 3])]
    at_once = model.transcribe(requests)[:12]
    assert list(map(told, by_threes)) == list(map(told, at_once))
    sure = [
        [word.confidence for a in answers for word in a.words] for answers in (by_threes, at_once)
    ]
    assert sure[0] == pytest.approx(sure[1], abs=1e-6)


def test_the_language_is_heard_where_none_is_said(model, directory):
    clip = SHORT[1]
    module, processor = plain_model(directory)
    inputs = processor(audio=clip.load()[0], sampling_rate=RATE_HZ, return_tensors="pt")
    (found,) = module.detect_language(inputs["input_features"]).tolist()
    code = processor.tokenizer.convert_ids_to_tokens(found).strip("<|>")
    heard, said = model.transcribe([Transcribe(clip), Transcribe(clip, code)])
    assert heard == said


def test_a_default_language_is_an_option(directory):
    model = load(directory, language="german")
    assert model.info.details["language where none is asked for"] == "de"
    default, said = model.transcribe([Transcribe(SHORT[0]), Transcribe(SHORT[0], "de")])
    assert default == said
    with pytest.raises(ModelError, match="does not know the language 'fr'"):
        load(directory, language="fr")


def test_a_language_that_was_not_learned_is_a_failure(model):
    unknown, fine = model.transcribe([Transcribe(SHORT[0], "fr"), Transcribe(SHORT[0], "en")])
    assert unknown.kind == "other language"
    assert isinstance(fine, Transcript)


def test_an_english_model_writes_and_translates_nothing_else(tmp_path):
    model = load(save(tmp_path, multilingual=False))
    clip = SHORT[0]
    plain, english, german, translated = model.transcribe(
        [
            Transcribe(clip),
            Transcribe(clip, "english"),
            Transcribe(clip, "de"),
            Transcribe(clip, task="translate"),
        ]
    )
    assert isinstance(plain, Transcript)
    assert plain == english
    assert german.kind == "other language"
    assert translated.kind == "no translation"
    assert model.info.details["languages"] == "English only"


def test_old_generation_settings_are_completed_from_the_tokenizer(directory, tmp_path, model):
    old = load(save(tmp_path, complete=False, forced_decoder_ids=[[1, 3], [2, 4]]))
    requests = [Transcribe(clip, "de", "translate") for clip in SHORT]
    assert old.transcribe(requests) == model.transcribe(requests)


def test_a_checkpoints_own_beams_and_penalties_are_set_aside(tmp_path, model):
    other = load(save(tmp_path, num_beams=3, repetition_penalty=5.0, no_repeat_ngram_size=1))
    assert "num_beams=3" in other.info.details["generation settings set aside"]
    requests = [Transcribe(clip, "en") for clip in SHORT]
    assert other.transcribe(requests) == model.transcribe(requests)


def test_suppressed_tokens_stay_suppressed(tmp_path, model):
    requests = [Transcribe(clip, "en") for clip in SHORT]
    letter = model.transcribe(requests)[0].text[0]
    ids = [i for t, i in model.tokenizer.get_vocab().items() if letter in t and "<|" not in t]
    other = load(save(tmp_path, suppressed=ids))
    assert all(letter not in answer.text for answer in other.transcribe(requests))


# ------------------------------------------------------------------------------------------------
# Long clips
# ------------------------------------------------------------------------------------------------


def test_a_long_clip_is_heard_to_its_end(model, directory):
    """Cut to one window, the end of a clip would not matter."""
    waveform = LONG[0].load()[0]
    other = waveform.copy()
    other[-8000:] = clips(8000, 8000)[1].load()[0]
    whole, changed, cut = model.transcribe(
        [
            Transcribe(LONG[0], "en"),
            Transcribe(Audio.from_array(other, RATE_HZ), "en"),
            Transcribe(Audio.from_array(waveform[:16000], RATE_HZ), "en"),
        ]
    )
    assert whole.text == plainly(directory, LONG[0])
    assert len({whole.text, changed.text, cut.text}) == 3


def test_long_and_short_clips_do_not_touch_each_other(model):
    requests = [Transcribe(clip, "en") for clip in (*LONG, *SHORT)]
    check_model(model, requests)


def test_words_of_long_clips_are_timed_in_order(model):
    clip = LONG[0]
    (plain,) = model.transcribe([Transcribe(clip, "en")])
    (timed,) = model.transcribe([Transcribe(clip, "en", word_times=True)])
    assert timed.text == plain.text
    assert all(0 <= word.start_s <= word.end_s <= 2.5 for word in timed.words)
    assert max(word.start_s for word in timed.words) > 1.0


# ------------------------------------------------------------------------------------------------
# Word times
# ------------------------------------------------------------------------------------------------


def test_asking_for_times_changes_no_word(model):
    for clip in SHORT:
        (plain,) = model.transcribe([Transcribe(clip, "en")])
        (timed,) = model.transcribe([Transcribe(clip, "en", word_times=True)])
        (again,) = model.transcribe([Transcribe(clip, "en")])
        assert plain == again
        assert timed.text == plain.text
        assert " ".join(word.text for word in timed.words) == " ".join(plain.text.split())
        starts = [word.start_s for word in timed.words]
        assert starts == sorted(starts)
        assert all(word.end_s <= len(clip.load()[0]) / RATE_HZ for word in timed.words)


def test_without_alignment_heads_there_are_no_word_times(tmp_path):
    model = load(save(tmp_path, heads=False))
    plain, timed = model.transcribe(
        [Transcribe(SHORT[0], "en", word_times=t) for t in (False, True)]
    )
    assert isinstance(plain, Transcript)
    assert timed.kind == "no word times"


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (5, 9), (9, 5), (12, 60)])
def test_the_cheapest_path_is_the_librarys(shape):
    costs = np.random.default_rng(sum(shape)).standard_normal(shape)
    rows, columns = _dynamic_time_warping(costs)
    assert whisper_words.cheapest_path(costs) == list(zip(rows.tolist(), columns.tolist()))


def test_attention_on_a_diagonal_gives_its_times():
    # Token k looks at moments 10 k to 10 k + 9, so it begins at 10 k.
    weights = np.full((2, 4, 40), 1e-4)
    for token in range(4):
        weights[:, token, 10 * token : 10 * token + 10] = 1.0
    path = whisper_words.cheapest_path(-whisper_words.attention(weights, filter_width=7))
    assert whisper_words.first_moments(path) == [0, 10, 20, 30]


def test_words_are_split_at_spaces_and_signs_at_their_last_token():
    words = tokenizer()
    ids = words(" the caf\u00e9 \u732b", add_special_tokens=False).input_ids
    found = whisper_words.words_of(words, ids, has_spaces=True)
    assert [text.strip() for text, _, _ in found] == ["the", "caf\u00e9", "\u732b"]
    assert found[0][1] == 0
    assert found[-1][2] == len(ids)
    signs = words("\u732b\u72ac", add_special_tokens=False).input_ids
    assert [text for text, _, _ in whisper_words.words_of(words, signs, has_spaces=False)] == [
        "\u732b",
        "\u72ac",
    ]


# ------------------------------------------------------------------------------------------------
# Beams and guards
# ------------------------------------------------------------------------------------------------


def test_beams_are_the_librarys(directory):
    model = load(directory, num_beams=3)
    assert model.info.details["decoding"] == "3 beams"
    requests = [Transcribe(clip, "en") for clip in SHORT]
    assert [a.text for a in model.transcribe(requests)] == [
        plainly(directory, clip, num_beams=3) for clip in SHORT
    ]
    check_model(model, requests)


def test_guards_are_off_unless_asked_for_and_named(directory, model):
    assert model.info.details["guards against made-up words"] == "off"
    guarded = load(
        directory, temperature_fallback=True, logprob_threshold=-0.5, no_speech_threshold=0.6
    )
    assert "logprob_threshold=-0.5" in guarded.info.details["guards against made-up words"]
    assert guarded.info.details["temperature fallback"].startswith("0.0, 0.2")
    assert guarded.fingerprint != model.fingerprint


def test_what_is_sampled_again_depends_on_the_clip_alone(directory, model):
    guarded = load(directory, temperature_fallback=True, logprob_threshold=-0.01)
    requests = [Transcribe(clip, "en") for clip in SHORT[:2]]
    state = torch.random.get_rng_state()
    once = guarded.transcribe(requests)
    assert torch.equal(state, torch.random.get_rng_state())
    assert once == guarded.transcribe(requests[::-1])[::-1]
    assert once != model.transcribe(requests)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"num_beams": 0}, "num_beams"),
        ({"temperature_fallback": True}, "needs compression_ratio_threshold"),
        ({"no_speech_threshold": 0.6}, "needs logprob_threshold"),
        ({"logprob_threshold": "low"}, "must be a number"),
        ({"beams": 2}, "no option 'beams'"),
    ],
)
def test_wrong_options_are_named(directory, options, told):
    with pytest.raises(UsageError, match=told):
        Loader().describe(str(directory), LoadSettings(options=options))


# ------------------------------------------------------------------------------------------------
# Scores of given words
# ------------------------------------------------------------------------------------------------


def by_a_plain_loop(directory, audio, language, before, continuation):
    """One token after another, with nothing kept from step to step."""
    module, processor = plain_model(directory)
    words = processor.tokenizer
    names = ["<|startoftranscript|>", f"<|{language}|>", "<|transcribe|>", "<|notimestamps|>"]
    ids = words.convert_tokens_to_ids(names) + words(before, add_special_tokens=False).input_ids
    features = processor(audio=audio.load()[0], sampling_rate=RATE_HZ, return_tensors="pt")
    total = 0.0
    for token in words(continuation, add_special_tokens=False).input_ids:
        with torch.no_grad():
            logits = module(**features, decoder_input_ids=torch.tensor([ids])).logits[0, -1]
        total += float(logits.double().log_softmax(-1)[token])
        ids.append(token)
    return total


def test_scores_are_those_of_a_plain_loop(directory):
    model = load(directory, language="de")
    requests = [
        LogLikelihood((SHORT[0],), "the cat"),
        LogLikelihood((SHORT[1], Text("the cat")), " sat on"),
        LogLikelihood((SHORT[0],), " the mat"),
    ]
    found = model.loglikelihood(requests)
    expected = [
        by_a_plain_loop(directory, SHORT[0], "de", "", " the cat"),
        by_a_plain_loop(directory, SHORT[1], "de", " the cat", " sat on"),
        by_a_plain_loop(directory, SHORT[0], "de", "", " the mat"),
    ]
    assert [score.total for score in found] == pytest.approx(expected, abs=1e-4)
    assert all(s.total == pytest.approx(sum(s.token_logprobs), abs=1e-5) for s in found)
    check_model(model, requests)


def test_a_clip_is_encoded_once_for_all_texts_about_it(directory, monkeypatch, tmp_path):
    model = load(directory)
    requests = [LogLikelihood((clip,), word) for word in ("cat", "mat", "Hund") for clip in SHORT]
    encode, n_encoded = model.states_of, []

    def counting(features):
        n_encoded.append(len(features))
        return encode(features)

    monkeypatch.setattr(model, "states_of", counting)
    executor = LocalExecutor(memory=BudgetMemory(tmp_path / "budgets.json"))
    found = {}
    executor.answer(model, requests, found.update)
    assert sum(n_encoded) == len(SHORT)
    alone = [model.loglikelihood([request])[0].total for request in requests]
    assert [found[r.digest].total for r in requests] == pytest.approx(alone, abs=1e-4)


def test_the_score_says_whether_greedy_search_would_write_it(tmp_path):
    model = load(save(tmp_path, begin_suppress_tokens=None, suppress_tokens=None), language="en")
    tokens = range(len(model.tokenizer) - len(SPECIAL) - len(TIMES) - 1)
    for clip in SHORT:
        texts = {model.tokenizer.decode([t]) for t in tokens}
        words = sorted(t for t in texts if t.startswith(" ") and t.strip().isalpha())
        found = model.loglikelihood([LogLikelihood((clip,), word) for word in words])
        assert sum(score.is_greedy for score in found) <= 1
        best = max(found, key=lambda score: score.total / score.n_tokens)
        assert all(score.total <= best.total for score in found if score.is_greedy)


def test_scores_need_one_clip_of_one_window_first(model):
    kinds = [
        answer.kind
        for answer in model.loglikelihood(
            [
                LogLikelihood("no clip", "a"),
                LogLikelihood((Text("after"), SHORT[0]), "a"),
                LogLikelihood((SHORT[0], SHORT[1]), "a"),
                LogLikelihood((LONG[0],), "a"),
                LogLikelihood((SHORT[0],), ""),
                LogLikelihood((SHORT[0],), "word " * 40),
            ]
        )
    ]
    assert kinds == ["one clip"] * 3 + [
        "clip too long",
        "empty continuation",
        "text too long",
    ]


# ------------------------------------------------------------------------------------------------
# Which models
# ------------------------------------------------------------------------------------------------


def test_a_clip_without_a_window_is_a_failure(model):
    short, enough = model.transcribe([Transcribe(clip, "en") for clip in clips(399, 400)])
    assert isinstance(short, Failure)
    assert short.kind == "too short"
    assert isinstance(enough, Transcript)


def test_silence_gives_what_the_model_says(model, directory):
    silence = Audio.from_array(np.zeros(8000, np.float32), RATE_HZ)
    (answer,) = model.transcribe([Transcribe(silence, "en")])
    assert answer.text == plainly(directory, silence)


def test_hf_finds_whisper(directory):
    from transformers import AutoConfig

    assert kind_of(AutoConfig.from_pretrained(directory), "w").name == "hf/speech-seq2seq"


def test_a_family_that_was_not_looked_into_is_refused(tmp_path):
    SpeechT5Config().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="speecht5.*moonshine, whisper"):
        Loader().describe(str(tmp_path), LoadSettings())
