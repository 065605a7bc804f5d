"""A model behind a server that speaks the OpenAI protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from evalsuite import (
    ContinuationScore,
    Embedding,
    EmbedText,
    Failure,
    Generate,
    Generation,
    LoadSettings,
    LogLikelihood,
    ModelInfo,
    Request,
    RollingLogLikelihood,
    TextScore,
    TimedWord,
    TokenScores,
    TokenScoreTable,
    Transcribe,
    Transcript,
)
from evalsuite.content import text_of
from evalsuite_api.client import Client, Refused, Usage
from evalsuite_api.echoed import EchoedToken, echoed_tokens
from evalsuite_api.messages import messages_of, sound_file
from evalsuite_api.options import METHODS, Options
from evalsuite_api.timed_words import timed_words


class Loader:
    """The loader behind ``api:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the options say; the server is not asked."""
        return _info(reference, Options.of(settings.options))

    def load(self, reference: str, settings: LoadSettings) -> ServedModel:
        """Nothing is loaded here."""
        return ServedModel(reference, Options.of(settings.options))


def _info(reference: str, options: Options) -> ModelInfo:
    return ModelInfo(
        name=f"api:{reference}",
        kind="served model",
        modalities=frozenset({"text", *options.modalities}),
        methods=METHODS[options.endpoint],
        details={"server": options.public_address, "endpoint": options.endpoint},
    )


class ServedModel:
    """Asks a server; every fault of it is a Failure of one request."""

    def __init__(
        self, reference: str, options: Options, sleep: Callable[[float], None] | None = None
    ) -> None:
        """Prepare a client; the first request goes out when something is asked."""
        self.name, self.options = reference, options
        self.info = _info(reference, options)
        self.fingerprint = options.mark(reference)
        # Whether the server puts a token before every prompt; known once it turns out not to.
        self._marks_beginnings = True
        self.client = Client(options, sleep) if sleep else Client(options)

    @property
    def usage(self) -> Usage:
        """Requests, retries, tokens and cost so far."""
        return self.client.usage

    def cost(self, request: Request) -> int:
        """Tokens, estimated from the characters."""
        text = "".join(getattr(part, "text", "") for part in request.parts)
        text += str(getattr(request, "text", "")) + str(getattr(request, "continuation", ""))
        return 1 + len(text) // 4 + int(getattr(request, "max_tokens", 0))

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def generate(self, requests: Sequence[Generate]) -> list[Generation | Failure]:
        """Written answers; a refusal or an empty answer is an answer."""
        ask = self._chat if self.options.endpoint == "chat" else self._complete
        return self.client.all([partial(ask, request) for request in requests])

    def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[ContinuationScore | Failure]:
        """Log P(continuation | context); a token across the boundary is the continuation's."""
        return self.client.all([partial(self._continuation, request) for request in requests])

    def rolling_loglikelihood(
        self, requests: Sequence[RollingLogLikelihood]
    ) -> list[TextScore | Failure]:
        """Log P(text) but for its first token, which servers give no probability of."""
        return self.client.all([partial(self._text_score, request.text) for request in requests])

    def token_scores(self, requests: Sequence[TokenScores]) -> list[TokenScoreTable | Failure]:
        """Each token's log-probability, the first left out; without moments."""
        return self.client.all([partial(self._table, request) for request in requests])

    def embed_text(self, requests: Sequence[EmbedText]) -> list[Embedding | Failure]:
        """Unit vectors."""
        return self.client.all([partial(self._embed, request.text) for request in requests])

    def transcribe(self, requests: Sequence[Transcribe]) -> list[Transcript | Failure]:
        """Transcripts."""
        return self.client.all([partial(self._transcribe, request) for request in requests])

    def _sampling(self, request: Generate) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.name,
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed,
        }
        if request.stop:
            body["stop"] = list(request.stop)
        if request.top_k:
            body["top_k"] = request.top_k  # not in every server; one that lacks it says so
        return body

    def _chat(self, request: Generate) -> Generation:
        body = {**self._sampling(request), "messages": messages_of(request.prompt)}
        answer = self.client.post("chat/completions", body)
        choice = _choice(answer)
        message = choice.get("message") or {}
        return _generation(
            str(message.get("content") or message.get("refusal") or ""), choice, answer
        )

    def _complete(self, request: Generate) -> Generation:
        body = {**self._sampling(request), "prompt": text_of(request.prompt)}
        answer = self.client.post("completions", body)
        choice = _choice(answer)
        return _generation(str(choice.get("text") or ""), choice, answer)

    def _echo(self, text: str) -> list[EchoedToken]:
        """The tokens of a text, the scored ones with log p; raises Refused."""
        body = {
            "model": self.name,
            "prompt": text,
            "max_tokens": 1,
            "temperature": 0,
            "echo": True,
            "logprobs": 1,
        }
        found = echoed_tokens(self.client.post("completions", body), len(text))
        if isinstance(found, Failure):
            raise Refused(found)
        return found

    def _continuation(self, request: LogLikelihood) -> ContinuationScore:
        context = text_of(request.context)
        boundary = len(context.rstrip())
        beginning = "" if context or self._marks_beginnings else self.options.beginning
        tokens = self._tokens_after(beginning + context, request, len(beginning) or boundary)
        if not context and not beginning and tokens[0].logprob is None:
            self._marks_beginnings = False
            beginning = self.options.beginning
            tokens = self._tokens_after(beginning, request, len(beginning))
        logprobs = [token.logprob for token in tokens]
        if any(value is None for value in logprobs):
            told = (
                "servers give no probability of a prompt's first token; name what marks a "
                "beginning for this model with the model option beginning"
            )
            raise Refused(Failure("first token", told))
        scores = tuple(float(value) for value in logprobs if value is not None)
        return ContinuationScore(
            total=sum(scores),
            n_tokens=len(scores),
            is_greedy=all(token.is_greedy for token in tokens),
            token_logprobs=scores,
        )

    def _tokens_after(
        self, context: str, request: LogLikelihood, boundary: int
    ) -> list[EchoedToken]:
        tokens = [t for t in self._echo(context + request.continuation) if t.end > boundary]
        if not tokens:
            raise Refused(Failure("empty continuation", "it has no token of its own to score"))
        return tokens

    def _scored(self, text: str) -> list[EchoedToken]:
        tokens = [token for token in self._echo(text) if token.logprob is not None]
        if not tokens:
            raise Refused(Failure("empty text", "it has no token to score but its first"))
        return tokens

    def _text_score(self, text: str) -> TextScore:
        tokens = self._scored(text)
        first = tokens[0].start
        return TextScore(
            total=sum(float(token.logprob or 0.0) for token in tokens),
            n_tokens=len(tokens),
            n_words=len(text[first:].split()),
            n_bytes=len(text[first:].encode()),
        )

    def _table(self, request: TokenScores) -> TokenScoreTable:
        tokens = self._scored(request.text)
        return TokenScoreTable(
            logprobs=tuple(float(token.logprob or 0.0) for token in tokens),
            spans=tuple((token.start, token.end) for token in tokens if request.spans),
        )

    def _embed(self, text: str) -> Embedding:
        answer = self.client.post("embeddings", {"model": self.name, "input": text})
        try:
            vector = np.asarray(answer["data"][0]["embedding"], dtype=np.float32)
        except (KeyError, IndexError, TypeError, ValueError):
            raise Refused(Failure("server error", "the answer holds no embedding")) from None
        length = float(np.linalg.norm(vector))
        if not length:
            raise Refused(Failure("server error", "the embedding is zero"))
        return Embedding(vector / length)

    def _transcribe(self, request: Transcribe) -> Transcript:
        _refuse_beside_translation(request)
        kind, data = sound_file(request.audio)
        body = {"model": self.name, "temperature": "0"}
        if request.language:
            body["language"] = request.language
        if request.word_times:
            body |= {"response_format": "verbose_json", "timestamp_granularities[]": "word"}
        files = {"file": (f"clip.{kind}", data, f"audio/{kind}")}
        path = f"audio/{'translations' if request.task == 'translate' else 'transcriptions'}"
        answer = self.client.post(path, body, files)
        if "text" not in answer:
            raise Refused(Failure("server error", "the answer holds no text"))
        text = str(answer["text"]).strip()
        return Transcript(text, _timed_words(answer, text) if request.word_times else ())


def _refuse_beside_translation(request: Transcribe) -> None:
    """Raise Refused for what the translations endpoint has no field for."""
    if request.task != "translate":
        return
    if request.language:
        told = "a server that translates finds out the spoken language itself"
        raise Refused(Failure("no language", f"{told} ({request.language!r} was asked for)"))
    if request.word_times:
        raise Refused(Failure("no word times", "servers time the words of transcripts only"))


def _timed_words(answer: Mapping[str, Any], text: str) -> tuple[TimedWord, ...]:
    """The words with their times; a server that sends none for a text is a failure."""
    if text and not answer.get("words"):
        raise Refused(Failure("no word times", "the server sent a text without word times"))
    try:
        return timed_words(answer)
    except (KeyError, TypeError, ValueError):
        raise Refused(Failure("server error", "a word lacks its start or end")) from None


def _choice(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first choice; an answer without one is the server's fault, not an empty text."""
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices:
        raise Refused(Failure("server error", "the answer holds no choices"))
    choice: Mapping[str, Any] = choices[0]
    if choice.get("finish_reason") == "content_filter":
        raise Refused(Failure("content filter", "the server withheld its answer"))
    return choice


def _generation(text: str, choice: Mapping[str, Any], answer: Mapping[str, Any]) -> Generation:
    n_tokens = int((answer.get("usage") or {}).get("completion_tokens") or 0)
    reason = "length" if choice.get("finish_reason") == "length" else "stop"
    return Generation(text, n_tokens, reason)
