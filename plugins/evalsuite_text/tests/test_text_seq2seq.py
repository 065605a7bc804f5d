"""Sequence-to-sequence models equal plain transformers code, whatever the batch."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace

import pytest
import torch
from tokenizers import processors
from transformers import (
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    BartConfig,
    BartForConditionalGeneration,
    M2M100Config,
    M2M100ForConditionalGeneration,
    M2M100Tokenizer,
    MarianConfig,
    MarianMTModel,
    MarianTokenizer,
    MBartConfig,
    MBartForConditionalGeneration,
    MBartTokenizer,
    NllbTokenizer,
    T5Config,
    T5ForConditionalGeneration,
)

from evalsuite import Generate, LogLikelihood, UsageError
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite.testing import check_model

TEXTS = [
    "the old house at the river",
    "a small dog",
    "she said that he was a good friend of mine and of yours",
    "where is Rome ?",
]
PAIRS = [(text, target) for text in TEXTS for target in ("a cat", " the garden is green")]
SMALL = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "max_position_embeddings": 24,
    "init_std": 0.3,
}


def ends_only(tokenizer):
    """T5's and Marian's template: the text and an end token."""
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <eot>", special_tokens=[("<eot>", 3)]
    )
    return tokenizer


def tiny(name, tokenizer):
    """A random model of an architecture."""
    torch.manual_seed(4)
    ids = {"vocab_size": len(tokenizer), "pad_token_id": 0, "eos_token_id": 3}
    if name == "t5":
        config = T5Config(
            d_model=32, d_kv=16, d_ff=32, num_layers=2, num_heads=2, decoder_start_token_id=0,
            initializer_factor=2.0, **ids,
        )  # fmt: skip
        return T5ForConditionalGeneration(config)
    if name == "marian":
        config = MarianConfig(decoder_start_token_id=0, forced_eos_token_id=None, **ids, **SMALL)
        return without_special(MarianMTModel(config))
    config = BartConfig(
        decoder_start_token_id=3, bos_token_id=1, forced_eos_token_id=None, **ids, **SMALL
    )
    return without_special(BartForConditionalGeneration(config))


def without_special(model):
    """Random weights would write special tokens, which are no text."""
    model.final_logits_bias[:, :4] = -30
    return model


@pytest.fixture(scope="module")
def folders(tmp_path_factory, word_level, save_checkpoint):
    made = {}
    for name in ("t5", "marian", "bart"):
        tokenizer = word_level() if name == "bart" else ends_only(word_level())
        made[name] = save_checkpoint(
            tmp_path_factory.mktemp(name), tiny(name, tokenizer), tokenizer
        )
    return made


def load(folder, settings, **options):
    loader, reference = loader_for(f"hf:{folder}", installed())
    return loader.load(reference, replace(settings, options=options))


@pytest.fixture(scope="module", params=["t5", "marian", "bart"])
def pair(request, folders, cpu):
    folder = folders[request.param]
    return (
        load(folder, cpu),
        AutoModelForSeq2SeqLM.from_pretrained(folder).eval(),
        AutoTokenizer.from_pretrained(folder),
    )


def plain_total(peer, tokenizer, source, target, n_after):
    """Sum of the target's log-probabilities by the model's own loss, without the end token."""
    labels = tokenizer(text_target=target.strip())["input_ids"]
    given = 1 if labels[0] == 1 else 0  # <sot>, which BART is given and does not have to write
    scored = [-100] * given + labels[given : len(labels) - n_after] + [-100] * n_after
    inputs = tokenizer(source, return_tensors="pt")
    decoder = peer.prepare_decoder_input_ids_from_labels(labels=torch.tensor([labels]))
    loss = peer(
        input_ids=inputs["input_ids"], decoder_input_ids=decoder, labels=torch.tensor([scored])
    ).loss
    return -loss.item() * sum(token != -100 for token in scored)


def test_scores_are_the_loss_times_the_tokens(pair):
    model, peer, tokenizer = pair
    answers = model.loglikelihood([LogLikelihood(*texts) for texts in PAIRS])
    for answer, (source, target) in zip(answers, PAIRS, strict=True):
        expected = plain_total(peer, tokenizer, source, target, 1)
        assert answer.total == pytest.approx(expected, abs=1e-4)
        assert answer.total == pytest.approx(sum(answer.token_logprobs), abs=1e-4)
        assert answer.n_tokens == len(target.split())


def test_the_end_token_is_scored_when_asked_for(folders, cpu):
    model = load(folders["t5"], cpu, score_end=True)
    peer = AutoModelForSeq2SeqLM.from_pretrained(folders["t5"]).eval()
    answer = model.loglikelihood([LogLikelihood("a small dog", "the garden")])[0]
    expected = plain_total(peer, model.tokenizer, "a small dog", "the garden", 0)
    assert answer.total == pytest.approx(expected, abs=1e-4)
    assert answer.n_tokens == 3


def test_the_kind_is_found_before_the_causal_one(pair):
    model, _, _ = pair
    assert model.info.kind == "sequence-to-sequence model"
    assert model.head.exact


def test_the_batch_changes_nothing(pair):
    model, _, _ = pair
    requests = [LogLikelihood(*texts) for texts in PAIRS]
    requests += [Generate(text, max_tokens=5) for text in TEXTS]
    requests += [Generate(text, max_tokens=5, temperature=0.9, top_k=7, seed=3) for text in TEXTS]
    check_model(model, requests)


def test_greedy_text_equals_that_of_transformers(pair):
    model, peer, tokenizer = pair
    answers = model.generate([Generate(text, max_tokens=8) for text in TEXTS])
    for answer, text in zip(answers, TEXTS, strict=True):
        opening = torch.tensor([model.opening])
        ids = peer.generate(
            **tokenizer(text, return_tensors="pt").to(peer.device),
            decoder_input_ids=opening,
            max_new_tokens=8,
            do_sample=False,
        )
        assert answer.text == tokenizer.decode(ids[0], skip_special_tokens=True)


def test_sampled_tokens_come_as_often_as_they_are_probable(folders, cpu):
    model = load(folders["bart"], cpu)
    n, temperature = 2000, 0.7
    requests = [
        Generate(TEXTS[0], max_tokens=1, temperature=temperature, seed=seed) for seed in range(n)
    ]
    inputs = model.tokenizer(TEXTS[0], return_tensors="pt")
    opening = torch.tensor([model.opening])
    with torch.no_grad():
        logits = model.module(**inputs, decoder_input_ids=opening).logits[0, -1]
    p = (logits.double() / temperature).softmax(-1)
    state = torch.get_rng_state()
    counts = Counter(answer.text for answer in model.generate(requests))
    assert torch.equal(torch.get_rng_state(), state)
    # A share of n draws is off by sqrt(p (1 - p) / n); five times that for the likeliest ten.
    texts = {t: model.tokenizer.decode([t], skip_special_tokens=True) for t in range(len(p))}
    likeliest = [token for token in p.topk(20).indices.tolist() if texts[token].strip()][:10]
    assert len(likeliest) == 10
    for token in likeliest:
        share = float(p[token])
        spread = 5 * math.sqrt(share * (1 - share) / n)
        assert counts[texts[token]] / n == pytest.approx(share, abs=spread)


def test_greedy_text_is_what_scores_call_greedy(pair):
    model, _, _ = pair
    for text in TEXTS:
        (written,) = model.generate([Generate(text, max_tokens=4)])
        if written.text and written.finish_reason == "length":
            (answer,) = model.loglikelihood([LogLikelihood(text, written.text)])
            assert answer.is_greedy


def test_beams_find_what_is_at_least_as_probable(folders, cpu):
    greedy, beams = (load(folders["bart"], cpu, num_beams=n) for n in (1, 4))
    assert beams.info.details["search"] == "4 beams"
    for text in TEXTS:
        found = [m.generate([Generate(text, max_tokens=4)])[0] for m in (greedy, beams)]
        if all(len(answer.text.split()) == 4 for answer in found):
            totals = [
                greedy.loglikelihood([LogLikelihood(text, answer.text)])[0].total
                for answer in found
            ]
            assert totals[1] >= totals[0] - 1e-3


def test_a_stop_string_ends_the_text(pair):
    model, _, _ = pair
    (whole,) = model.generate([Generate(TEXTS[0], max_tokens=8)])
    stop = whole.text.split()[1]
    cut, other = model.generate(
        [Generate(TEXTS[0], max_tokens=8, stop=(stop,)), Generate(TEXTS[1], max_tokens=8)]
    )
    assert cut.text == whole.text[: whole.text.find(stop)]
    assert cut.finish_reason == "stop"
    assert other == model.generate([Generate(TEXTS[1], max_tokens=8)])[0]


def test_an_input_that_is_too_long_is_cut_at_the_end_and_counted(folders, cpu):
    model = load(folders["bart"], cpu)
    long = " ".join(["the garden"] * 20)  # 40 tokens; 22 fit beside start and end
    cut, short = model.loglikelihood(
        [LogLikelihood(long, "a cat"), LogLikelihood(" ".join(["the garden"] * 11), "a cat")]
    )
    assert (cut.truncated_tokens, short.truncated_tokens) == (18, 0)
    assert cut.total == pytest.approx(short.total, abs=1e-5)
    assert model.info.details["long inputs"] == "cut at the end"


def test_relative_positions_can_be_read_further(folders, cpu):
    model = load(folders["t5"], cpu, max_length=10)
    (answer,) = model.loglikelihood([LogLikelihood("the garden " * 10, "a cat")])
    assert answer.truncated_tokens == 11  # twenty words, nine beside the end token


def test_the_prefix_stands_before_every_input(folders, cpu):
    plain, prefixed = load(folders["t5"], cpu), load(folders["t5"], cpu, prefix="where is ")
    (first,) = plain.loglikelihood([LogLikelihood("where is Rome", "a cat")])
    (second,) = prefixed.loglikelihood([LogLikelihood("Rome", "a cat")])
    assert first == second
    assert plain.fingerprint != prefixed.fingerprint


def test_continuations_that_cannot_be_scored_fail(folders, cpu):
    model = load(folders["bart"], cpu)
    empty, long = model.loglikelihood([LogLikelihood("a", " "), LogLikelihood("a", "cat " * 30)])
    assert (empty.kind, long.kind) == ("empty continuation", "continuation too long")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_beams": 0}, "num_beams must be an integer from 1"),
        ({"score_end": "no"}, "score_end must be true or false"),
        ({"target_language": "de_DE"}, "a tokenizer without languages"),
        ({"beams": 2}, "no option 'beams'"),
    ],
)
def test_bad_options_are_refused(folders, cpu, options, message):
    with pytest.raises(UsageError, match=message):
        load(folders["t5"], cpu, **options)


def vocabulary(letters="abcdefgh"):
    special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    return (
        special + [("▁", -2.0)] + [(f"▁{c}", -3.0) for c in letters] + [(c, -4.0) for c in letters]
    )


@pytest.fixture(scope="module")
def multilingual(tmp_path_factory, save_checkpoint):
    """mBART (the language is the decoder's first token) and NLLB (the end token comes first)."""
    torch.manual_seed(5)
    tokenizer = MBartTokenizer(vocab=vocabulary(), src_lang="en_XX", tgt_lang="ro_RO")
    ids = {"vocab_size": len(tokenizer), "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    model = MBartForConditionalGeneration(
        MBartConfig(forced_eos_token_id=None, decoder_start_token_id=2, **ids, **SMALL)
    )
    mbart = save_checkpoint(tmp_path_factory.mktemp("mbart"), model, tokenizer)
    tokenizer = NllbTokenizer(
        vocab={word: i for i, (word, _) in enumerate(vocabulary())}, merges=[],
        src_lang="eng_Latn", tgt_lang="fra_Latn",
    )  # fmt: skip
    model = M2M100ForConditionalGeneration(
        M2M100Config(decoder_start_token_id=2, **{**ids, "vocab_size": len(tokenizer)}, **SMALL)
    )
    return mbart, save_checkpoint(tmp_path_factory.mktemp("nllb"), model, tokenizer)


def test_the_target_language_opens_the_decoder(multilingual, cpu):
    mbart, nllb = (
        load(multilingual[0], cpu, source_language="en_XX", target_language="de_DE"),
        load(multilingual[1], cpu, source_language="eng_Latn", target_language="deu_Latn"),
    )
    code = mbart.tokenizer.convert_tokens_to_ids("de_DE")
    assert mbart.opening == (code,)
    code = nllb.tokenizer.convert_tokens_to_ids("deu_Latn")
    assert nllb.opening == (nllb.tokenizer.eos_token_id, code)


@pytest.mark.parametrize(
    ("which", "codes"), [(0, ("en_XX", "de_DE")), (1, ("eng_Latn", "deu_Latn"))]
)
def test_multilingual_scores_are_those_of_training(multilingual, cpu, which, codes):
    folder = multilingual[which]
    model = load(folder, cpu, source_language=codes[0], target_language=codes[1])
    tokenizer = AutoTokenizer.from_pretrained(folder, src_lang=codes[0], tgt_lang=codes[1])
    peer = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    inputs = tokenizer("a b c d", text_target="d c b", return_tensors="pt")
    labels = inputs.pop("labels")
    special = {tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(codes[1])}
    logits = peer(**inputs, labels=labels).logits[0].log_softmax(-1)
    expected = sum(
        logits[i, token].item()
        for i, token in enumerate(labels[0].tolist())
        if token not in special
    )
    (answer,) = model.loglikelihood([LogLikelihood("a b c d", "d c b")])
    assert answer.n_tokens == sum(token not in special for token in labels[0].tolist())
    assert answer.total == pytest.approx(expected, abs=1e-4)


def test_multilingual_generation_is_that_of_transformers(multilingual, cpu):
    model = load(multilingual[1], cpu, source_language="eng_Latn", target_language="deu_Latn")
    tokenizer = AutoTokenizer.from_pretrained(multilingual[1], src_lang="eng_Latn")
    peer = AutoModelForSeq2SeqLM.from_pretrained(multilingual[1]).eval()
    ids = peer.generate(
        **tokenizer("a b c d", return_tensors="pt"),
        forced_bos_token_id=tokenizer.convert_tokens_to_ids("deu_Latn"),
        max_new_tokens=7,
        do_sample=False,
        num_beams=1,
    )
    (answer,) = model.generate([Generate("a b c d", max_tokens=6)])
    assert answer.text == tokenizer.decode(ids[0], skip_special_tokens=True)


def test_an_unknown_language_is_refused_with_the_known_ones(multilingual, cpu):
    with pytest.raises(UsageError, match="does not know the language 'xx_XX'; it knows"):
        load(multilingual[0], cpu, target_language="xx_XX")


# Tokenizers in Python, with a vocabulary for each side: Marian's, which thousands of checkpoints use.


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    """A sentencepiece model trained on a few sentences."""
    sentencepiece = pytest.importorskip("sentencepiece")
    folder = tmp_path_factory.mktemp("pieces")
    (folder / "text.txt").write_text("\n".join(TEXTS * 5))
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text.txt"), model_prefix=str(folder / "spm"), vocab_size=40,
        hard_vocab_limit=False, minloglevel=9,
    )  # fmt: skip
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spm.model"))
    found = [processor.id_to_piece(i) for i in range(processor.get_piece_size())]
    words = ["<s>", "<pad>", "</s>", "<unk>", *(p for p in found if not p.startswith("<"))]
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({word: i for i, word in enumerate(words)}))
    return str(folder / "spm.model"), str(vocabulary)


@pytest.fixture(scope="module", params=["marian", "m2m100"])
def slow_folder(request, pieces, tmp_path_factory, save_checkpoint):
    torch.manual_seed(7)
    spm, vocabulary = pieces
    if request.param == "marian":
        tokenizer = MarianTokenizer(spm, spm, vocabulary)
        config, kind = MarianConfig, MarianMTModel
    else:
        tokenizer = M2M100Tokenizer(vocabulary, spm, src_lang="en", tgt_lang="fr")
        config, kind = M2M100Config, M2M100ForConditionalGeneration
    start = 1 if request.param == "marian" else 2
    size = len(tokenizer) if request.param == "marian" else 400  # with the languages, after a gap
    model = kind(
        config(
            vocab_size=size, pad_token_id=1, eos_token_id=2, bos_token_id=0,
            decoder_start_token_id=start, forced_eos_token_id=None, **SMALL,
        )
    )  # fmt: skip
    return save_checkpoint(tmp_path_factory.mktemp(request.param), model, tokenizer)


def test_tokenizers_in_python_score_as_in_training(slow_folder, cpu):
    languages = {}
    if "m2m100" in slow_folder:
        languages = {"source_language": "en", "target_language": "fr"}
    model = load(slow_folder, cpu, **languages)
    tokenizer = AutoTokenizer.from_pretrained(slow_folder)
    assert not tokenizer.is_fast
    if languages:
        tokenizer.src_lang, tokenizer.tgt_lang = "en", "fr"
    peer = AutoModelForSeq2SeqLM.from_pretrained(slow_folder).eval()
    inputs = tokenizer(TEXTS[0], text_target=TEXTS[1], return_tensors="pt")
    labels = inputs.pop("labels")
    logits = peer(**inputs, labels=labels).logits[0].log_softmax(-1)
    scored = [
        (i, token) for i, token in enumerate(labels[0].tolist())
        if token != tokenizer.eos_token_id and not tokenizer.convert_ids_to_tokens(token).startswith("__")
    ]  # fmt: skip
    (answer,) = model.loglikelihood([LogLikelihood(TEXTS[0], TEXTS[1])])
    assert answer.n_tokens == len(scored)
    assert answer.total == pytest.approx(sum(logits[i, t].item() for i, t in scored), abs=1e-4)
    check_model(model, [Generate(text, max_tokens=5) for text in TEXTS])
