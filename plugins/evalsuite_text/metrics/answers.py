"""Short answers against references: exact match and token F1, as each benchmark defines them.

All take the best score over references, range [0, 1], higher is better. Published figures are
100 times the mean over questions.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from functools import cache, partial

from evalsuite import UsageError
from evalsuite_text.metrics import Scores, without_references

Tokens = list[str]


def exact_match(prediction: str, references: Sequence[str]) -> Scores:
    """1 when the prediction is a reference, character by character, up to white space around it.

    Undefined without references.
    """
    if not references:
        return without_references("exact_match")
    given = prediction.strip()
    return {"exact_match": float(bool(given) and given in {item.strip() for item in references})}


# ------------------------------------------------------------------------------------------------
# SQuAD
# ------------------------------------------------------------------------------------------------

_ENGLISH_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_WITHOUT_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)


def squad(prediction: str, references: Sequence[str]) -> Scores:
    """Exact match and bag-of-words F1 after English normalisation.

    Lower case, no ASCII punctuation, no article (a, an, the), single spaces. References that are
    all blank say that there is no answer: only a blank prediction is right then. A blank
    prediction to a question that has an answer is wrong, whatever normalisation makes of it.

    Undefined without references. Reference: Rajpurkar et al. 2016, EMNLP, section 6.1.
    """
    return _best(prediction, references, _english_words)


def squad_2(prediction: str, references: Sequence[str]) -> Scores:
    """Like ``squad``, where an empty list of references means that there is no answer.

    Reference: Rajpurkar et al. 2018, ACL.
    """
    return squad(prediction, references or ("",))


def _english_words(text: str) -> Tokens:
    plain = text.lower().translate(_WITHOUT_ASCII_PUNCTUATION)
    return _ENGLISH_ARTICLE.sub(" ", plain).split()


def _best(prediction: str, references: Sequence[str], tokenize: Callable[[str], Tokens]) -> Scores:
    """The best exact match and the best F1 over references, each on its own."""
    if not references:
        return without_references("exact_match", "f1")
    is_blank = not prediction.strip()
    is_unanswerable = not any(reference.strip() for reference in references)
    if is_blank or is_unanswerable:
        right = float(is_blank and is_unanswerable)
        return {"exact_match": right, "f1": right}
    given = tokenize(prediction)
    wanted = [tokenize(reference) for reference in references]
    return {
        "exact_match": float(any(given == tokens for tokens in wanted)),
        "f1": max(_bag_f1(given, tokens) for tokens in wanted),
    }


def _bag_f1(given: Tokens, wanted: Tokens) -> float:
    """F1 of two bags of tokens; where one is empty, whether both are (SQuAD 2.0)."""
    if not given or not wanted:
        return float(given == wanted)
    return _f1(sum((Counter(given) & Counter(wanted)).values()), len(given), len(wanted))


def _f1(shared: int, n_given: int, n_wanted: int) -> float:
    return 2 * shared / (n_given + n_wanted) if shared else 0.0


# ------------------------------------------------------------------------------------------------
# XQuAD, MLQA: one normalisation for each language
# ------------------------------------------------------------------------------------------------

# Languages with no entry have no articles as separate words, or none that MLQA removes.
_ARTICLES = {
    "en": "a an the",
    "de": "ein eine einen einem eines einer der die das den dem des",
    "es": "un una unos unas el la los las",
    "vi": "của là cái chiếc những",
}
# Characters that are words of their own, where white space does not part words.
_SINGLE = {
    "zh": "\u4e00-\u9fa5",
    "ja": "\u3040-\u30ff\u4e00-\u9fa5",
    "th": "\u0e00-\u0e7f",
}
_LANGUAGES = ("ar", "de", "el", "en", "es", "hi", "ja", "ro", "ru", "th", "tr", "vi", "zh")


def xquad(prediction: str, references: Sequence[str], *, language: str = "en") -> Scores:
    """Exact match and bag-of-tokens F1 after the normalisation of a language.

    Lower case; no punctuation of any script; no articles (en, de, es, vi; the Arabic prefix);
    words by white space, in Chinese each Han character by itself (so too Japanese and Thai,
    which MLQA does not cover). For English this is ``squad`` with Unicode punctuation removed as
    well. The figures in XQuAD's own paper come from ``squad``'s English rules for all languages.

    Undefined without references. Reference: Lewis et al. 2020, ACL (MLQA), section 5.

    Raises:
        UsageError: The language is not among those known.
    """
    if language not in _LANGUAGES:
        raise UsageError(
            f"There is no answer normalisation for the language {language!r}; "
            f"there is one for {', '.join(_LANGUAGES)}."
        )
    return _best(prediction, references, partial(_words_of, language=language))


(
    xquad_ar, xquad_de, xquad_el, xquad_en, xquad_es, xquad_hi, xquad_ja,
    xquad_ro, xquad_ru, xquad_th, xquad_tr, xquad_vi, xquad_zh,
) = (partial(xquad, language=code) for code in _LANGUAGES)  # fmt: skip


def _words_of(text: str, language: str) -> Tokens:
    plain = "".join(char for char in text.lower() if not _is_punctuation(char))
    if language == "ar":
        plain = plain.replace("ال", " ")
    article = _article_pattern(language)
    if article is not None:
        plain = article.sub(" ", plain)
    if language in _SINGLE:
        plain = re.sub(f"([{_SINGLE[language]}])", r" \1 ", plain)
    return plain.split()


@cache
def _article_pattern(language: str) -> re.Pattern[str] | None:
    words = _ARTICLES.get(language)
    return re.compile(rf"\b(?:{words.replace(' ', '|')})\b") if words else None


@cache
def _is_punctuation(char: str) -> bool:
    return char in string.punctuation or unicodedata.category(char).startswith("P")


# ------------------------------------------------------------------------------------------------
# CMRC 2018
# ------------------------------------------------------------------------------------------------

# What the official evaluation removes. The Chinese ellipsis, ASCII full stops, commas and
# brackets are not on its list, so they are not on ours.
_CMRC_REMOVED = str.maketrans("", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_HAN = re.compile("[\u4e00-\u9fa5]")


def cmrc(prediction: str, references: Sequence[str]) -> Scores:
    """Exact match and F1 of the longest common run of tokens, by CMRC 2018's rules.

    Tokens are Han characters one by one and Treebank words of what stands between them. With L
    the length of the longest run that both texts share without a gap, F1 = 2L / (m + n): unlike
    SQuAD's bag of words, order counts. Exact match compares the texts in lower case without the
    listed punctuation. Undefined without references.
    Reference: Cui et al. 2019, EMNLP, section 3.2.
    """
    if not references:
        return without_references("exact_match", "f1")
    if not prediction.strip():
        return {"exact_match": 0.0, "f1": 0.0}
    given = _cmrc_plain(prediction)
    tokens = _cmrc_tokens(given)
    return {
        "exact_match": float(any(given == _cmrc_plain(item) for item in references)),
        "f1": max(_run_f1(tokens, _cmrc_tokens(_cmrc_plain(item))) for item in references),
    }


def _cmrc_plain(text: str) -> str:
    return text.lower().strip().translate(_CMRC_REMOVED)


def _cmrc_tokens(plain: str) -> Tokens:
    tokens: Tokens = []
    position = 0
    for found in _HAN.finditer(plain):
        tokens += _treebank_words(plain[position : found.start()])
        tokens.append(found.group())
        position = found.end()
    return tokens + _treebank_words(plain[position:])


def _treebank_words(text: str) -> Tokens:
    """Words by the Penn Treebank's rules, which need no data files; numbers mostly stay whole."""
    if not text.strip() or text.isalnum():
        return text.split()
    return list(_treebank().tokenize(text))


@cache
def _treebank():  # type: ignore[no-untyped-def]
    from nltk.tokenize.destructive import NLTKWordTokenizer

    return NLTKWordTokenizer()


def _run_f1(given: Tokens, wanted: Tokens) -> float:
    longest = SequenceMatcher(None, given, wanted, autojunk=False).find_longest_match().size
    return _f1(longest, len(given), len(wanted))
