"""Shared n-grams of a text and its references: ROUGE, and BLEU and chrF of one sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from evalsuite_text.metrics import Scores, without_references

_KINDS = ("rouge1", "rouge2", "rougeL")
_WORD_OR_HAN = re.compile("[\u3040-\u30ff\u4e00-\u9fff]|[^\\W_\u3040-\u30ff\u4e00-\u9fff]+")


def rouge(prediction: str, references: Sequence[str]) -> Scores:
    """ROUGE-1, ROUGE-2 and ROUGE-L as F1, each the best over references.

    Tokens are runs of a-z and 0-9 in lower case, without stemming, as the original did it: for
    English only, see ``rouge_unicode``. Range [0, 1]; higher is better. Undefined without
    references. Reference: Lin 2004, ROUGE.
    """
    return _rouge(prediction, references, is_english=True)


def rouge_unicode(prediction: str, references: Sequence[str]) -> Scores:
    """Like ``rouge``, with words of any script; Han and kana count character by character."""
    return _rouge(prediction, references, is_english=False)


def _rouge(prediction: str, references: Sequence[str], *, is_english: bool) -> Scores:
    if not references:
        return without_references(*_KINDS)
    found = _rouge_scorer(is_english).score_multi(list(references), prediction)
    return {kind: float(found[kind].fmeasure) for kind in _KINDS}


class UnicodeWords:
    """Words of any script in lower case; the interface that rouge_score expects."""

    def tokenize(self, text: str) -> list[str]:
        """Letters and digits in runs, Han and kana one by one."""
        return _WORD_OR_HAN.findall(text.lower())


@cache
def _rouge_scorer(is_english: bool) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(list(_KINDS), tokenizer=None if is_english else UnicodeWords())


def bleu_sentence(prediction: str, references: Sequence[str]) -> Scores:
    """BLEU of one sentence: exponential smoothing, no n-gram order longer than the sentence.

    Range [0, 100]; higher is better. A mean of these is not BLEU: that is ``text/bleu``. Undefined
    without references. Reference: Papineni et al. 2002; Chen and Cherry 2014, method 3.
    """
    return _sentence_bleu(prediction, references, "13a")


def bleu_sentence_zh(prediction: str, references: Sequence[str]) -> Scores:
    """Like ``bleu_sentence``, with Chinese characters as tokens."""
    return _sentence_bleu(prediction, references, "zh")


def _sentence_bleu(prediction: str, references: Sequence[str], tokenize: str) -> Scores:
    if not references:
        return without_references("bleu")
    return {"bleu": float(_bleu(tokenize).sentence_score(prediction, list(references)).score)}


def chrf_sentence(prediction: str, references: Sequence[str]) -> Scores:
    """F2 of character n-grams up to six, of one sentence.

    Range [0, 100]; higher is better. Undefined without references.
    Reference: Popović 2015, WMT.
    """
    if not references:
        return without_references("chrf")
    return {"chrf": float(_chrf().sentence_score(prediction, list(references)).score)}


@cache
def _bleu(tokenize: str) -> Any:
    from sacrebleu.metrics import BLEU

    return BLEU(tokenize=tokenize, effective_order=True)


@cache
def _chrf() -> Any:
    from sacrebleu.metrics import CHRF

    return CHRF()
