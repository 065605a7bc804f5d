"""CTC models of random weights, of every family: a clip's letters depend on the clip alone."""

from __future__ import annotations

import json

import pytest
import torch
import transformers
from safetensors.torch import save_file
from tiny_speech_models import FAMILIES, PADDED, RATE_HZ, TINY, extractor_of, module_of, noises
from tokenizers import Tokenizer, decoders, models
from transformers import (
    ParakeetCTCConfig,
    ParakeetFeatureExtractor,
    ParakeetForCTC,
    ParakeetProcessor,
    ParakeetTokenizer,
    SeamlessM4TFeatureExtractor,
    Wav2Vec2BertConfig,
    Wav2Vec2BertForCTC,
    Wav2Vec2BertProcessor,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2Processor,
)

from evalsuite import (
    Align,
    Failure,
    LoadSettings,
    ModelError,
    Transcribe,
    Transcript,
    UsageError,
)
from evalsuite.executor import BudgetMemory, LocalExecutor
from evalsuite.testing import check_model
from evalsuite_audio.models.ctc import Loader

LETTERS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghijklmno"]
VOCABULARY = {"vocab_size": len(LETTERS), "pad_token_id": 0}


def letters_of(directory):
    path = directory / "letters.json"
    path.write_text(json.dumps({letter: i for i, letter in enumerate(LETTERS)}))
    return Wav2Vec2CTCTokenizer(str(path))


def save(directory, family, norm="layer", has_mask=True):
    """A model of random weights whose letters change from frame to frame."""
    model = module_of(family, "ForCTC", norm, **VOCABULARY)
    torch.nn.init.normal_(model.lm_head.weight, std=1.0)
    model.save_pretrained(directory)
    Wav2Vec2Processor(extractor_of(norm, has_mask), letters_of(directory)).save_pretrained(
        directory
    )
    return directory


def load(directory):
    return Loader().load(str(directory), LoadSettings(device="cpu"))


def clips(*lengths):
    return [Transcribe(clip) for clip in noises(*lengths)]


SPEECH = clips(3001, 8000, 4803, 6400)


@pytest.mark.parametrize("norm", ["layer", "group"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_company_of_a_clip_changes_no_letter(family, norm, tmp_path):
    model = load(save(tmp_path, family, norm))
    texts = {answer.text for answer in model.transcribe(SPEECH)}
    assert len(texts) == len(SPEECH)
    is_padded = family in PADDED and norm == "layer"
    assert model.info.details["batches"].startswith("padded" if is_padded else "one clip")
    check_model(model, SPEECH)


@pytest.mark.parametrize("family", ["Wav2Vec2", "WavLM"])
def test_half_precision_hears_the_same_clips(family, tmp_path):
    directory = save(tmp_path, family)
    exact = load(directory)
    half = Loader().load(str(directory), LoadSettings(device="cpu", dtype="bfloat16"))
    assert half.dtype is torch.bfloat16
    check_model(half, SPEECH)
    waveform = SPEECH[0].audio.load(RATE_HZ)[0]
    (found,), (expected,) = half.logits([waveform]), exact.logits([waveform])
    assert found.dtype is torch.float32
    # bfloat16 has 8 bits; logits are of the size of 4
    torch.testing.assert_close(found, expected, atol=0.3, rtol=0)


@pytest.mark.parametrize("norm", ["layer", "group"])
def test_without_a_mask_nothing_is_padded(norm, tmp_path):
    model = load(save(tmp_path, "Wav2Vec2", norm, has_mask=False))
    assert model.info.details["batches"] == "one clip at a time"
    check_model(model, SPEECH)


@pytest.mark.parametrize("family", ["Wav2Vec2Conformer", "Data2VecAudio", "SEW", "SEWD"])
def test_padding_really_changes_the_families_that_are_kept_alone(family, tmp_path):
    model = load(save(tmp_path, family))
    assert padded_difference(model) > 1e-3


def test_padding_changes_group_norm_in_spite_of_a_mask(tmp_path):
    model = load(save(tmp_path, "Wav2Vec2", "group"))
    assert padded_difference(model) > 1e-2


@pytest.mark.parametrize("family", PADDED)
def test_padding_changes_layer_norm_by_rounding_only(family, tmp_path):
    assert padded_difference(load(save(tmp_path, family))) < 1e-5


def padded_difference(model):
    """How far padding moves the logits of a clip's own frames, over the largest logit."""
    short, long = (request.audio.load()[0] for request in SPEECH[:2])

    def logits(waveforms):
        inputs = model.extractor(
            waveforms, sampling_rate=RATE_HZ, padding=True, return_tensors="pt"
        )
        with torch.inference_mode():
            return model.module(**inputs).logits[0]

    alone, padded = logits([short]), logits([short, long])
    return float((alone - padded[: len(alone)]).abs().max() / alone.abs().max())


def test_frames_of_padding_would_add_letters(tmp_path):
    """The trap of a naive loop, beside the transcript without it."""
    model = load(save(tmp_path, "Wav2Vec2"))
    waveforms = [request.audio.load()[0] for request in SPEECH[:2]]
    inputs = model.processor(
        audio=waveforms, sampling_rate=RATE_HZ, padding=True, return_tensors="pt"
    )
    with torch.inference_mode():
        naive = model.processor.tokenizer.decode(model.module(**inputs).logits[0].argmax(-1))
    ours = model.transcribe(SPEECH[:2])[0].text
    assert naive.startswith(ours)
    assert len(naive) > len(ours)


def test_silence_of_the_decoder_is_an_answer(tmp_path):
    model = load(save(tmp_path, "Wav2Vec2"))
    with torch.no_grad():  # the blank wins every frame
        model.module.lm_head.weight.zero_()
        model.module.lm_head.bias.zero_()
        model.module.lm_head.bias[0] = 1
    assert model.transcribe(SPEECH) == [Transcript("")] * 4


def test_repeated_letters_need_a_blank_between_them(tmp_path):
    # a a <pad> a | | b: "aa b"
    model = load(save(tmp_path, "Wav2Vec2"))
    path = [5, 5, 0, 5, 4, 4, 6]
    assert model.processor.tokenizer.decode(path) == "aa b"


def test_only_the_clip_without_a_frame_fails(tmp_path):
    # kernels 10, 8, 4 and strides 5, 4, 2: one frame needs 10 + 5 * 7 + 20 * 3 = 105 samples
    model = load(save(tmp_path, "Wav2Vec2"))
    before, short, enough, after = model.transcribe(clips(4000, 104, 105, 4000))
    assert isinstance(short, Failure)
    assert (short.kind, "104 samples" in short.message) == ("too short", True)
    assert all(isinstance(answer, Transcript) for answer in (before, enough, after))


def test_a_checkpoint_of_another_language_says_so(tmp_path):
    model = load(save(tmp_path, "Wav2Vec2"))
    model.processor.tokenizer.target_lang = "eng"
    audio = SPEECH[0].audio
    french, english = model.transcribe([Transcribe(audio, "fra"), Transcribe(audio, "eng")])
    assert french.kind == "other language"
    assert isinstance(english, Transcript)


def test_a_family_that_was_not_looked_into_is_refused(tmp_path):
    config = transformers.LasrCTCConfig(vocab_size=12, pad_token_id=0)
    config.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="lasr_ctc.*wav2vec2"):
        Loader().describe(str(tmp_path), LoadSettings())


def test_an_error_costs_its_own_clip_and_is_no_empty_transcript(tmp_path, monkeypatch):
    model = load(save(tmp_path, "Wav2Vec2"))
    heard = model.logits

    def breaks_at_8000(waveforms):
        if any(len(waveform) == 8000 for waveform in waveforms):
            raise ValueError("the encoder broke")
        return heard(waveforms)

    expected = model.transcribe(SPEECH)
    monkeypatch.setattr(model, "logits", breaks_at_8000)
    answers = {}
    memory = BudgetMemory(tmp_path / "budgets.json")
    LocalExecutor(memory=memory).answer(model, SPEECH, answers.update)
    found = [answers[request.digest] for request in SPEECH]
    assert found[1] == Failure("ValueError", "the encoder broke")
    assert found[:1] + found[2:] == expected[:1] + expected[2:]


# ------------------------------------------------------------------------------------------------
# Models that read spectrograms
# ------------------------------------------------------------------------------------------------


def save_bert(directory):
    torch.manual_seed(0)
    config = Wav2Vec2BertConfig(
        vocab_size=len(LETTERS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        conv_depthwise_kernel_size=3,
        pad_token_id=0,
    )
    Wav2Vec2BertForCTC(config).save_pretrained(directory)
    processor = Wav2Vec2BertProcessor(SeamlessM4TFeatureExtractor(), letters_of(directory))
    processor.save_pretrained(directory)


def save_parakeet(directory):
    torch.manual_seed(0)
    encoder = {
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "subsampling_conv_channels": 8,
        "num_mel_bins": 16,
    }
    config = ParakeetCTCConfig(vocab_size=20, pad_token_id=19, encoder_config=encoder)
    ParakeetForCTC(config).save_pretrained(directory)
    pieces = {"<unk>": 0, "\u2581": 1, **{c: i for i, c in enumerate("abcdefghijklmnopq", 2)}}
    pieces["<pad>"] = 19
    pieces_model = Tokenizer(models.BPE(vocab=pieces, merges=[], unk_token="<unk>"))
    pieces_model.decoder = decoders.Metaspace()
    tokenizer = ParakeetTokenizer(
        tokenizer_object=pieces_model, pad_token="<pad>", unk_token="<unk>"
    )
    extractor = ParakeetFeatureExtractor(feature_size=16, sampling_rate=RATE_HZ)
    ParakeetProcessor(extractor, tokenizer).save_pretrained(directory)


@pytest.mark.parametrize("save_model", [save_bert, save_parakeet])
def test_spectrograms_are_heard_one_at_a_time(save_model, tmp_path):
    save_model(tmp_path)
    model = load(tmp_path)
    requests = clips(799, 800, 8000, 24000, 16001)
    answers = model.transcribe(requests)
    assert answers[0].kind == "too short"
    assert all(isinstance(answer, Transcript) for answer in answers[1:])
    assert answers[3].text
    check_model(model, requests[1:])


# ------------------------------------------------------------------------------------------------
# Languages, translations, adapters
# ------------------------------------------------------------------------------------------------


def test_a_model_that_does_not_name_its_language_writes_it_whatever_is_asked(tmp_path):
    save(tmp_path, "Wav2Vec2")
    audio = SPEECH[0].audio
    plain, named = (load(tmp_path).transcribe([Transcribe(audio, code)]) for code in (None, "en"))
    assert plain == named
    assert "does not say" in load(tmp_path).info.details["language"]


def test_a_model_whose_language_is_given_writes_no_other(tmp_path):
    save(tmp_path, "Wav2Vec2")
    audio = SPEECH[0].audio
    settings = LoadSettings(device="cpu", options={"language": "en"})
    model = Loader().load(str(tmp_path), settings)
    english, british, french = model.transcribe(
        [Transcribe(audio, language) for language in ("en", "en-GB", "fr")]
    )
    assert english == british
    assert isinstance(english, Transcript)
    assert french.kind == "other language"


def test_a_ctc_head_does_not_translate(tmp_path):
    model = load(save(tmp_path, "Wav2Vec2"))
    plain, translated = model.transcribe([SPEECH[0], Transcribe(SPEECH[0].audio, task="translate")])
    assert isinstance(plain, Transcript)
    assert translated.kind == "no translation"


def test_word_times_are_those_of_the_written_words(tmp_path):
    model = load(save(tmp_path, "Wav2Vec2"))
    requests = [Transcribe(request.audio, word_times=True) for request in SPEECH]
    for plain, timed in zip(model.transcribe(SPEECH), model.transcribe(requests), strict=True):
        assert timed.text == plain.text
        assert [word.text for word in timed.words] == plain.text.split()
        assert all(word.start_s < word.end_s for word in timed.words)
    check_model(model, requests)


@pytest.mark.parametrize(
    ("tiny", "expected"),
    [
        (5_000_000, [[8000, 8000], [4000, 4000, 2000, 2000]]),
        # a large model pays for padding
        (0, [[8000, 8000], [4000, 4000], [2000, 2000]]),
    ],
)
def test_clips_of_similar_length_are_heard_together(tmp_path, monkeypatch, tiny, expected):
    model = load(save(tmp_path, "Wav2Vec2"))
    place = "evalsuite_audio.models.ctc_model."
    monkeypatch.setattr(f"{place}TINY", tiny)
    for name in ("CPU_FRAMES", "CPU_FRAMES_TINY"):
        monkeypatch.setattr(f"{place}{name}", 400)
    # 40 samples a frame: 8000 are 199 frames, 4000 are 99, 2000 are 49
    requests = clips(2000, 8000, 4000, 8000, 2000, 4000)
    together = model.transcribe(requests)
    sizes = []
    heard = model.logits
    monkeypatch.setattr(model, "logits", lambda w: sizes.append(list(map(len, w))) or heard(w))
    assert model.transcribe(requests) == together
    assert sizes == expected
    assert [model.transcribe([request])[0] for request in requests] == together


def save_adapters(directory):
    """An MMS-like model: English inside, French beside it."""
    model = module_of("Wav2Vec2", "ForCTC", adapter_attn_dim=4, **VOCABULARY)
    torch.nn.init.normal_(model.lm_head.weight, std=1.0)
    model.save_pretrained(directory)
    french = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4, "\u00e9": 5, "z": 6}
    weights = {name: torch.randn_like(w) for name, w in model._get_adapters().items()}
    weights["lm_head.weight"] = torch.randn(len(french), TINY["hidden_size"])
    weights["lm_head.bias"] = torch.zeros(len(french))
    save_file(weights, directory / "adapter.fra.safetensors")
    english = {letter: i for i, letter in enumerate(LETTERS)}
    (directory / "letters.json").write_text(json.dumps({"eng": english, "fra": french}))
    tokenizer = Wav2Vec2CTCTokenizer(str(directory / "letters.json"), target_lang="eng")
    Wav2Vec2Processor(extractor_of(), tokenizer).save_pretrained(directory)
    return directory


def test_an_adapter_brings_its_languages_letters(tmp_path):
    save_adapters(tmp_path)
    options = {"target_lang": "fra"}
    english = load(tmp_path)
    french = Loader().load(str(tmp_path), LoadSettings(device="cpu", options=options))
    assert (english.writes, french.writes) == ("eng", "fra")
    assert english.fingerprint != french.fingerprint
    # English has no z, French nothing but e acute and z
    assert "z" in "".join(answer.text for answer in french.transcribe(SPEECH))
    assert french.transcribe([Transcribe(SPEECH[0].audio, "eng")])[0].kind == "other language"
    check_model(french, [*SPEECH, Align(SPEECH[1].audio, "z\u00e9 z")])


def test_a_missing_adapter_is_named(tmp_path):
    save_adapters(tmp_path)
    with pytest.raises(ModelError, match="no letters for 'deu'; it has those of 2"):
        Loader().load(str(tmp_path), LoadSettings(options={"target_lang": "deu"}))
    (tmp_path / "adapter.fra.safetensors").unlink()
    with pytest.raises(ModelError, match="adapter .* for 'fra' could not be loaded"):
        Loader().load(str(tmp_path), LoadSettings(options={"target_lang": "fra"}))


def test_a_model_without_adapters_has_no_target_language(tmp_path):
    save(tmp_path, "Wav2Vec2")
    with pytest.raises(UsageError, match="no adapters"):
        Loader().describe(str(tmp_path), LoadSettings(options={"target_lang": "fra"}))
