"""``ngram:PATH``: an n-gram language model trained on a text file, the floor of every report.

What a large model adds is what it does better than counting. The model is trained when it is
loaded, which takes seconds for a few million words; nothing is stored. Each non-empty line of the
file is a sequence; a line break in a text that is scored ends one and begins the next.

A token outside the vocabulary is scored as the unknown one and then spelt out, each byte and the
end with 1 / 257, so that a text's probability is that of its characters: a model that knows few
words would otherwise look better the fewer it knows. (``spell_unknown: false`` leaves that out.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

import evalsuite
from evalsuite import (
    ContinuationScore,
    Failure,
    Generate,
    Generation,
    LoadSettings,
    LogLikelihood,
    ModelError,
    ModelInfo,
    Request,
    RollingLogLikelihood,
    TextScore,
    TokenScores,
    TokenScoreTable,
)
from evalsuite.content import sha256_of, text_of
from evalsuite_text.models.kneser_ney import BOUNDARY, UNKNOWN, KneserNey
from evalsuite_text.models.ngram_options import Options
from evalsuite_text.models.ngram_text import Token, Vocabulary, learn_vocabulary

METHODS = frozenset({"loglikelihood", "rolling_loglikelihood", "token_scores", "generate"})


class Loader:
    """The loader behind ``ngram:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What will be trained, and on what; the text is not read yet."""
        _path(reference)
        return _info(reference, Options.of(reference, settings))

    def load(self, reference: str, settings: LoadSettings) -> NGramModel:
        """Train on the text."""
        options = Options.of(reference, settings)
        path = _path(reference)
        try:
            data = path.read_bytes()
            text = data.decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(
                f"The training text {reference!r} is not readable UTF-8: {error}."
            ) from error
        if not text.strip():
            raise ModelError(f"The training text {reference!r} has no text in it.")
        return NGramModel(reference, text, sha256_of(data), options)


def _path(reference: str) -> Path:
    path = Path(reference).expanduser()
    if not path.is_file():
        raise ModelError(
            f"There is no training text {reference!r}; write ngram:PATH with the path of a UTF-8 "
            "text file, one sentence or paragraph a line."
        )
    return path


def _info(reference: str, options: Options, **facts: object) -> ModelInfo:
    details = {
        "smoothing": "interpolated modified Kneser-Ney",
        "order": str(options.order),
        "tokens": options.tokens,
        "unknown tokens": "spelt out" if options.spell_unknown else "one class",
    }
    details |= facts.pop("details", {})  # type: ignore[arg-type]
    return ModelInfo(
        name=f"ngram:{reference}",
        kind="n-gram language model",
        modalities=frozenset({"text"}),
        methods=METHODS,
        details=details,
        **facts,  # type: ignore[arg-type]
    )


class NGramModel:
    """Counts of a text, smoothed."""

    def __init__(self, reference: str, text: str, digest: str, options: Options) -> None:
        """Learn the vocabulary and the counts."""
        self.options = options
        self.vocabulary: Vocabulary = learn_vocabulary(
            text,
            options.tokens,
            lower_case=options.lower_case,
            minimum_count=options.minimum_count,
        )
        lines = [
            [token.id for token in self.vocabulary.tokens(line)]
            for line in map(str.strip, text.split("\n"))
            if line
        ]
        self.model = KneserNey(lines, len(self.vocabulary), options.order)
        self._info = _info(
            reference,
            options,
            n_parameters=self.model.n_grams,
            details={
                "training tokens": str(sum(map(len, lines))),
                "vocabulary": str(len(self.vocabulary)),
                "training text": f"sha256 {digest[:12]}",
            },
        )
        facts = repr((digest, sorted(asdict(options).items()), evalsuite.__version__))
        self._fingerprint = sha256_of(b"n-gram", facts.encode())

    @property
    def info(self) -> ModelInfo:
        """What the model is."""
        return self._info

    @property
    def fingerprint(self) -> str:
        """Identifies the training text, the options and the version."""
        return self._fingerprint

    def cost(self, request: Request) -> int:
        """Tokens, estimated from the characters."""
        if isinstance(request, LogLikelihood):
            return 1 + len(request.continuation) // 4
        if isinstance(request, RollingLogLikelihood | TokenScores):
            return 1 + len(request.text) // 4
        return request.max_tokens if isinstance(request, Generate) else 1

    def close(self) -> None:
        """Drop the counts."""
        del self.model

    def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[ContinuationScore | Failure]:
        """Log P(continuation | context) in nats.

        The two are cut into tokens as one text; a token that begins in the context and ends in the
        continuation is scored.
        """
        return [self._continuation(text_of(r.context), r.continuation) for r in requests]

    def rolling_loglikelihood(
        self, requests: Sequence[RollingLogLikelihood]
    ) -> list[TextScore | Failure]:
        """Log P(text) in nats from the start of a line; that it ends there is not scored."""
        answers: list[TextScore | Failure] = []
        for request in requests:
            logprobs = [logp for _, _, logp in self._walk(self.vocabulary.tokens(request.text))]
            if not logprobs:
                answers.append(Failure("empty text", "it has no token to score"))
                continue
            n_words, n_bytes = len(request.text.split()), len(request.text.encode())
            answers.append(TextScore(math.fsum(logprobs), len(logprobs), n_words, n_bytes))
        return answers

    def token_scores(self, requests: Sequence[TokenScores]) -> list[TokenScoreTable | Failure]:
        """Each token's log-probability, and the moments of log p over the vocabulary."""
        answers: list[TokenScoreTable | Failure] = []
        for request in requests:
            rows = list(self._walk(self.vocabulary.tokens(request.text)))
            if not rows:
                answers.append(Failure("empty text", "it has no token to score"))
                continue
            moments = [_moments(self.model.distribution(history)) for _, history, _ in rows]
            answers.append(
                TokenScoreTable(
                    logprobs=tuple(logp for _, _, logp in rows),
                    spans=tuple((token.start, token.end) for token, _, _ in rows if request.spans),
                    means=tuple(mean for mean, _ in moments),
                    deviations=tuple(deviation for _, deviation in moments),
                )
            )
        return answers

    def generate(self, requests: Sequence[Generate]) -> list[Generation]:
        """Tokens after each prompt; the end of a line ends the text."""
        return [self._write(request) for request in requests]

    def _continuation(self, context: str, continuation: str) -> ContinuationScore | Failure:
        tokens = self.vocabulary.tokens(context + continuation)
        rows = [row for row in self._walk(tokens) if row[0].end > len(context)]
        if not rows:
            return Failure("empty continuation", "it has no token of its own to score")
        logprobs = tuple(logp for _, _, logp in rows)
        is_greedy = all(
            token.id != UNKNOWN and int(self.model.distribution(history).argmax()) == token.id
            for token, history, _ in rows
        )
        return ContinuationScore(math.fsum(logprobs), len(rows), is_greedy, logprobs)

    def _walk(self, tokens: Sequence[Token]) -> Iterator[tuple[Token, tuple[int, ...], float]]:
        """Each token with the history that it is given and its log-probability in nats."""
        history: tuple[int, ...] = (BOUNDARY,)
        for token in tokens:
            seen = self._recent(history)
            logp = math.log(self.model.probability(token.id, seen))
            if token.id == UNKNOWN and self.options.spell_unknown:
                logp -= (len(token.text.encode()) + 1) * math.log(257)
            yield token, seen, logp
            history = (BOUNDARY,) if token.id == BOUNDARY else (*seen, token.id)

    def _recent(self, history: tuple[int, ...]) -> tuple[int, ...]:
        return history[max(0, len(history) - self.options.order + 1) :]

    def _write(self, request: Generate) -> Generation:
        rng = np.random.default_rng(request.seed)
        prompt = text_of(request.prompt)
        history: tuple[int, ...] = (BOUNDARY,)
        for token in self.vocabulary.tokens(prompt):
            is_end = token.id == BOUNDARY
            history = (BOUNDARY,) if is_end else self._recent((*history, token.id))
        written: list[int] = []
        while len(written) < request.max_tokens:
            token_id = _choose(self.model.distribution(self._recent(history)), request, rng)
            if token_id == BOUNDARY:
                return Generation(self.vocabulary.after(prompt, written), len(written), "stop")
            written.append(token_id)
            history = self._recent((*history, token_id))
            text = self.vocabulary.after(prompt, written)
            found = [text.find(stop) for stop in request.stop if stop in text]
            if found:
                return Generation(text[: min(found)], len(written), "stop")
        return Generation(self.vocabulary.after(prompt, written), len(written), "length")


def _choose(probabilities: np.ndarray, request: Generate, rng: np.random.Generator) -> int:
    """The next token, never the unknown one: the most probable, or drawn."""
    p = probabilities.copy()
    p[UNKNOWN] = 0.0
    if request.temperature == 0:
        return int(p.argmax())
    p = (p / p.max()) ** (1 / request.temperature)
    order = np.argsort(-p, kind="stable")
    ranked = p[order] / p.sum()
    if request.top_k:
        ranked[request.top_k :] = 0
    if request.top_p < 1:  # as many as are needed to reach top_p, one at least
        ranked[1:][np.cumsum(ranked)[:-1] >= request.top_p] = 0
    return int(order[rng.choice(len(ranked), p=ranked / ranked.sum())])


def _moments(p: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of log p under p."""
    logp = np.log(p, out=np.zeros_like(p), where=p > 0)
    mean = float(p @ logp)
    return mean, math.sqrt(max(0.0, float(p @ logp**2) - mean**2))
