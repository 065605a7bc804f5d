"""Token classifiers: one label for each word of a sentence (entities, parts of speech).

A word has the label of its first token, as in Devlin et al. (2019). A sentence longer than the
model reads is seen through windows that overlap by half; each word is labelled in the window that
has most of the sentence on its poorer side, so no word is dropped. A word that the tokenizer makes
nothing of (a lone control character) is read as the unknown token: the model sees that there is a
word, and its label is the model's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from transformers import AutoModelForTokenClassification

from evalsuite import (
    Attribute,
    Classification,
    ClassifyWord,
    DifferentiableView,
    Failure,
    LabelTokens,
    LoadSettings,
    ModelInfo,
    Request,
    TokenLabels,
)
from evalsuite.content import Content, text_of
from evalsuite_text.models.encoder_gradients import label_at_view
from evalsuite_text.models.special_tokens import frame
from evalsuite_text.models.text_encoder import TextEncoder, describe, whole_number
from evalsuite_text.models.token_batches import batches, token_budget
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    load_tokenizer,
    load_weights,
    open_checkpoint,
)


class Loader:
    """The loader behind ``hf/token-classifier:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        checkpoint = _open(reference, settings)
        labels = ", ".join(_labels(checkpoint.config))
        return describe(
            reference,
            checkpoint,
            TokenClassifier.kind,
            TokenClassifier.methods,
            details={"labels": labels},
        )

    def load(self, reference: str, settings: LoadSettings) -> TokenClassifier:
        """Load weights and tokenizer."""
        checkpoint = _open(reference, settings)
        module = load_weights(AutoModelForTokenClassification, checkpoint)
        return TokenClassifier(reference, checkpoint, module, load_tokenizer(checkpoint))


def _open(reference: str, settings: LoadSettings) -> Checkpoint:
    checkpoint = open_checkpoint(reference, settings)
    checkpoint.refuse_unknown_options(frozenset({"max_length"}))
    whole_number(settings.options, "max_length", None, 8)
    return checkpoint


def _labels(config: Any) -> tuple[str, ...]:
    return tuple(str(config.id2label[i]) for i in sorted(config.id2label))


@dataclass(frozen=True)
class _Window:
    """Ids of some neighbouring words, and where the first token of those to label is.

    ``positions`` has (index of the word in its sentence, position in ``ids``); ``words`` the word
    that each of the ids is of, None for special tokens.
    """

    asker: int
    ids: tuple[int, ...]
    positions: tuple[tuple[int, int], ...]
    words: tuple[int | None, ...]


# By word, the probability of every label [labels].
_Shares: TypeAlias = dict[int, torch.Tensor]


class TokenClassifier(TextEncoder):
    """A bidirectional transformer with a label for each token."""

    kind = "token classifier"
    methods = frozenset({"label_tokens", "classify_word", "differentiate"})

    def __init__(self, reference: str, checkpoint: Checkpoint, module: Any, tokenizer: Any) -> None:
        """Take the labels from the configuration."""
        self.labels = _labels(checkpoint.config)
        super().__init__(
            reference,
            checkpoint,
            module,
            tokenizer,
            max_length=checkpoint.settings.options.get("max_length"),
            details={"labels": ", ".join(self.labels)},
        )
        self.around = frame(tokenizer, "a")
        self.room = self.max_length - len(self.around.before) - len(self.around.after)
        # GPT-2's kind of tokenizer writes a word with the space before it.
        self._lead = " " if _spaces_count(tokenizer) else ""

    def cost(self, request: Request) -> int:
        """Tokens, estimated from the characters."""
        if isinstance(request, Attribute):
            return 2 + len(text_of(request.content)) // 3
        if not isinstance(request, LabelTokens | ClassifyWord):
            return 1
        return 2 + sum(1 + len(word) // 4 for word in request.words)

    def label_tokens(self, requests: Sequence[LabelTokens]) -> list[TokenLabels | Failure]:
        """One label for each word, with its softmax probability in float32."""
        found = self._shares([self._windows(i, request) for i, request in enumerate(requests)])
        return [own if isinstance(own, Failure) else self._labelled(own) for own in found]

    def classify_word(self, requests: Sequence[ClassifyWord]) -> list[Classification | Failure]:
        """The softmax over labels of one word each, in float32."""
        made = []
        for i, request in enumerate(requests):
            windows = self._windows(i, LabelTokens(request.words))
            if not isinstance(windows, Failure):
                windows = [_only(w, request.place) for w in windows if _holds(w, request.place)]
            made.append(windows)
        return [
            own
            if isinstance(own, Failure)
            else Classification(self.labels, tuple(own[request.place].tolist()))
            for own, request in zip(self._shares(made), requests, strict=True)
        ]

    def differentiable_view(
        self, content: Content, target: str, *, against: tuple[tuple[str, ...], ...] = ()
    ) -> DifferentiableView:
        """The texts before a word, of it and after it; the output is the logit of its label."""
        return label_at_view(self, content, target, against)

    def _tokens(self, words: Sequence[str]) -> list[list[int]]:
        """Ids of each word, as ``is_split_into_words`` encodes it for training.

        At most half of what the model reads at once: the label needs the first token only.
        """
        texts = [self._lead + word for word in words]
        found = self.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        unknown = [i for i in (self.tokenizer.unk_token_id,) if i is not None]
        return [list(ids or unknown)[: max(1, self.room // 2)] for ids in found]

    def _windows(self, asker: int, request: LabelTokens) -> list[_Window] | Failure:
        """Windows in which each word of a sentence is labelled once."""
        if not request.words:
            return Failure("no words", "the sentence is empty")
        words = self._tokens(request.words)
        if not all(words):
            lost = request.words[words.index([])]
            return Failure("unreadable word", f"{lost!r} has no token, nor is there an unknown one")
        extents = list(self._extents([len(tokens) for tokens in words]))
        home = [_richest(extents, i, len(words)) for i in range(len(words))]
        return [
            self._window(asker, words, extent, [i for i, at in enumerate(home) if at == k])
            for k, extent in enumerate(extents)
            if k in home
        ]

    def _extents(self, lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Word ranges, half open, that fit the model; each begins half-way through the last."""
        begin = 0
        while True:
            end, used = begin, 0
            while end < len(lengths) and used + lengths[end] <= self.room:
                used += lengths[end]
                end += 1
            yield begin, end
            if end == len(lengths):
                return
            passed, middle = 0, begin
            while middle < end - 1 and passed < used / 2:
                passed += lengths[middle]
                middle += 1
            begin = max(middle, begin + 1)

    def _window(
        self,
        asker: int,
        words: Sequence[Sequence[int]],
        extent: tuple[int, int],
        labelled: Sequence[int],
    ) -> _Window:
        ids = list(self.around.before)
        own: list[int | None] = [None] * len(ids)
        firsts = {}
        for i in range(*extent):
            firsts[i] = len(ids)
            ids.extend(words[i])
            own.extend([i] * len(words[i]))
        ids.extend(self.around.after)
        own.extend([None] * len(self.around.after))
        return _Window(asker, tuple(ids), tuple((i, firsts[i]) for i in labelled), tuple(own))

    def _shares(self, made: Sequence[list[_Window] | Failure]) -> list[_Shares | Failure]:
        """The probability of every label for the words of each asker's windows, by word."""
        windows = [w for own in made if not isinstance(own, Failure) for w in own]
        found: list[_Shares] = [{} for _ in made]
        for batch in batches([len(w.ids) for w in windows], token_budget(self.device)):
            for asker, word, shares in self._read([windows[k] for k in batch]):
                found[asker][word] = shares
        return [own if isinstance(own, Failure) else found[i] for i, own in enumerate(made)]

    def _read(self, windows: Sequence[_Window]) -> Iterator[tuple[int, int, torch.Tensor]]:
        """(asker, word, probabilities [labels]) of every word to label."""
        with torch.inference_mode():
            logits = self.module(**self.inputs([w.ids for w in windows])).logits
            probabilities = logits.float().softmax(-1).cpu()
        for row, window in enumerate(windows):
            for word, position in window.positions:
                yield window.asker, word, probabilities[row, position]

    def _labelled(self, found: _Shares) -> TokenLabels:
        """The most probable label of each word, in order."""
        best = [found[i].max(-1) for i in range(len(found))]
        labels = tuple(self.labels[int(top.indices)] for top in best)
        return TokenLabels(labels, tuple(float(top.values) for top in best))


def _richest(extents: Sequence[tuple[int, int]], word: int, n_words: int) -> int:
    """The window with most words on a word's poorer side; a sentence's own end is no poverty."""

    def context(k: int) -> float:
        begin, end = extents[k]
        left = float("inf") if begin == 0 else word - begin
        right = float("inf") if end == n_words else end - 1 - word
        return min(left, right)

    holding = [k for k, (begin, end) in enumerate(extents) if begin <= word < end]
    return max(holding, key=context)


def _holds(window: _Window, word: int) -> bool:
    return any(own == word for own, _ in window.positions)


def _only(window: _Window, word: int) -> _Window:
    """A window in which one of its words is labelled."""
    return replace(window, positions=tuple(at for at in window.positions if at[0] == word))


def _spaces_count(tokenizer: Any) -> bool:
    """Whether a space before a word changes its tokens (GPT-2's and RoBERTa's byte-level kind)."""
    encode = tokenizer
    plain = encode("word", add_special_tokens=False)["input_ids"]
    spaced = encode(" word", add_special_tokens=False)["input_ids"]
    return list(plain) != list(spaced)
