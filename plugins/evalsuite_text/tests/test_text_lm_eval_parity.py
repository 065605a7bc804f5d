"""The same numbers as lm-evaluation-harness's own model class on the same directory."""

from __future__ import annotations

import pytest

from evalsuite import LogLikelihood, RollingLogLikelihood

PAIRS = [
    ("the old house at the river is", " warm"),
    ("the old house at the river is ", "warm and green"),
    ("Paris is the capital of", " France"),
    ("Zürich\n", "is a city"),
    ("", "a small dog"),
    ("where is  ", "Rome ?"),
    ("a cat sleeps in the garden and " * 9, "the dog runs"),
    ("she", " said that he was a good friend of mine and of yours"),
    ("the house is", "n't"),
]
TEXTS = [
    "the garden is green",
    "Zürich is a city ; where is Rome ?",
    " ".join(["the old house at the river is warm and the garden is green ."] * 6),
]


def instances(kind: str, arguments) -> list:
    from lm_eval.api.instance import Instance

    return [Instance(kind, {}, pair, i) for i, pair in enumerate(arguments)]


@pytest.fixture(scope="module")
def reference(gpt2_directory, llama_directory):
    """lm-evaluation-harness on a directory; ``add_bos_token`` as its user would set it."""
    from lm_eval.models.huggingface import HFLM

    def load(name: str, **options):
        directory = {"gpt2": gpt2_directory, "llama": llama_directory}[name]
        return HFLM(pretrained=directory, device="cpu", dtype="float32", batch_size=3, **options)

    return load


def test_loglikelihoods_agree(gpt2, reference) -> None:
    theirs = reference("gpt2").loglikelihood(instances("loglikelihood", PAIRS), disable_tqdm=True)
    ours = gpt2.loglikelihood([LogLikelihood(*pair) for pair in PAIRS])
    for one, (total, is_greedy) in zip(ours, theirs, strict=True):
        assert one.total == pytest.approx(total, abs=1e-3)
        assert one.is_greedy == is_greedy


def test_rolling_loglikelihoods_agree(gpt2, reference) -> None:
    theirs = reference("gpt2").loglikelihood_rolling(
        instances("loglikelihood_rolling", [(text,) for text in TEXTS]), disable_tqdm=True
    )
    ours = gpt2.rolling_loglikelihood([RollingLogLikelihood(text) for text in TEXTS])
    assert [one.total for one in ours] == pytest.approx(theirs, abs=1e-3)


def test_rolling_loglikelihoods_agree_for_a_start_token(llama, reference) -> None:
    # its encoding must be told to leave out the end token that the post-processor writes
    theirs = reference("llama", add_bos_token=False).loglikelihood_rolling(
        instances("loglikelihood_rolling", [(text,) for text in TEXTS]), disable_tqdm=True
    )
    ours = llama.rolling_loglikelihood([RollingLogLikelihood(text) for text in TEXTS])
    assert [one.total for one in ours] == pytest.approx(theirs, abs=1e-3)


def test_loglikelihoods_agree_where_the_tokenizer_adds_a_start_token(
    tmp_path, cpu, word_level, save_checkpoint, llama
) -> None:
    from lm_eval.models.huggingface import HFLM
    from tokenizers.processors import TemplateProcessing

    from evalsuite_text.models import causal

    tokenizer = word_level()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<sot> $A", special_tokens=[("<sot>", 1)]
    )
    directory = save_checkpoint(tmp_path, llama.module, tokenizer)
    theirs = HFLM(pretrained=directory, device="cpu", dtype="float32", batch_size=3).loglikelihood(
        instances("loglikelihood", PAIRS[:-1]), disable_tqdm=True
    )
    model = causal.Loader().load(directory, cpu)
    ours = model.loglikelihood([LogLikelihood(*pair) for pair in PAIRS[:-1]])
    assert [one.total for one in ours] == pytest.approx([total for total, _ in theirs], abs=1e-3)
