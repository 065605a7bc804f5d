"""Causal language models: log-likelihoods, token scores, generation, gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import AutoModelForCausalLM

import evalsuite
from evalsuite import (
    ContinuationScore,
    DifferentiableView,
    Failure,
    Generate,
    Generation,
    LoadSettings,
    LogLikelihood,
    ModelInfo,
    Request,
    RollingLogLikelihood,
    TextScore,
    TokenScores,
    TokenScoreTable,
)
from evalsuite.content import Content, text_of
from evalsuite_text.encoding import Encoder, ScoredRow
from evalsuite_text.generation import generate
from evalsuite_text.gradients import continuation_view
from evalsuite_text.scoring import Scorer
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    fingerprint,
    load_tokenizer,
    load_weights,
    open_checkpoint,
)
from evalsuite_transformers.torch_model import TorchModel, count_parameters

METHODS = frozenset(
    {"loglikelihood", "rolling_loglikelihood", "token_scores", "generate", "differentiate"}
)
OPTIONS = frozenset({"chat_template", "max_length"})


class Loader:
    """The loader behind ``hf/causal-language-model:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        checkpoint = open_checkpoint(reference, settings)
        checkpoint.refuse_unknown_options(OPTIONS)
        return _info(reference, checkpoint)

    def load(self, reference: str, settings: LoadSettings) -> CausalLanguageModel:
        """Load weights and tokenizer."""
        checkpoint = open_checkpoint(reference, settings)
        checkpoint.refuse_unknown_options(OPTIONS)
        module = load_weights(AutoModelForCausalLM, checkpoint)
        return CausalLanguageModel(reference, checkpoint, module, load_tokenizer(checkpoint))


def _info(reference: str, checkpoint: Checkpoint, **facts: Any) -> ModelInfo:
    return ModelInfo(
        name=f"hf:{reference}",
        kind="causal language model",
        modalities=frozenset({"text"}),
        methods=METHODS,
        revision=checkpoint.revision,
        **facts,
    )


class CausalLanguageModel(TorchModel):
    """A decoder-only transformer."""

    def __init__(self, reference: str, checkpoint: Checkpoint, module: Any, tokenizer: Any) -> None:
        """Check the scoring path and take the context length from the configuration."""
        options = checkpoint.settings.options
        self.tokenizer = tokenizer
        self.uses_chat_template = bool(options.get("chat_template", False))
        max_length = int(options.get("max_length", context_length(checkpoint.config, tokenizer)))
        self.encoder = Encoder(tokenizer, max_length)
        pad_id = tokenizer.pad_token_id
        self.scorer = Scorer(module, pad_id if pad_id is not None else self.encoder.prefix)
        info = _info(
            reference,
            checkpoint,
            n_parameters=count_parameters(module),
            details={
                "class": type(module).__name__,
                "scoring path": self.scorer.path,
                "context length": str(max_length),
                "start token": "added" if self.encoder.adds_start else "only for empty contexts",
                "dtype": str(module.dtype).removeprefix("torch."),
            },
        )
        mark = fingerprint(
            checkpoint.reference,
            checkpoint.revision,
            module.dtype,
            sorted(options.items()),
            version=evalsuite.__version__,
        )
        super().__init__(info, mark, module)

    def cost(self, request: Request) -> int:
        """Tokens of the row."""
        if isinstance(request, LogLikelihood):
            return len(self._pair(request).ids)
        if isinstance(request, RollingLogLikelihood | TokenScores):
            return len(self.encoder.ids(request.text)) + 1
        if isinstance(request, Generate):
            return len(self.encoder.ids(self._prompt(request.prompt))) + request.max_tokens
        return 1

    def _prompt(self, content: Content) -> str:
        """The text of a prompt, through the chat template where that is switched on."""
        text = text_of(content)
        if not self.uses_chat_template:
            return text
        message = [{"role": "user", "content": text}]
        return str(
            self.tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
        )

    def _pair(self, request: LogLikelihood) -> ScoredRow:
        return self.encoder.pair(self._prompt(request.context), request.continuation)

    def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[ContinuationScore | Failure]:
        """Log P(continuation | context); equal rows are computed once."""
        rows = [self._pair(request) for request in requests]
        kept = list(dict.fromkeys(row for row in rows if row.start < len(row.ids)))
        scores = dict(zip(kept, self.scorer.score(kept))) if kept else {}
        answers: list[ContinuationScore | Failure] = []
        for row in rows:
            if row not in scores:
                answers.append(Failure("empty continuation", "it has no token to score"))
                continue
            found = scores[row]
            answers.append(
                ContinuationScore(
                    total=float(found.logprobs.sum()),
                    n_tokens=len(found.logprobs),
                    is_greedy=found.is_greedy,
                    token_logprobs=tuple(found.logprobs.tolist()),
                    truncated_tokens=row.truncated,
                )
            )
        return answers

    def rolling_loglikelihood(
        self, requests: Sequence[RollingLogLikelihood]
    ) -> list[TextScore | Failure]:
        """Log P(text) over as many windows as it takes; every token is scored once."""
        answers: list[TextScore | Failure] = []
        for request, tables in zip(requests, self._score_texts([r.text for r in requests])):
            if not tables:
                answers.append(Failure("empty text", "it has no token to score"))
                continue
            answers.append(
                TextScore(
                    total=float(sum(float(t.logprobs.sum()) for t in tables)),
                    n_tokens=sum(len(t.logprobs) for t in tables),
                    n_words=len(request.text.split()),
                    n_bytes=len(request.text.encode()),
                )
            )
        return answers

    def token_scores(self, requests: Sequence[TokenScores]) -> list[TokenScoreTable | Failure]:
        """Each token's log-probability, offsets, and the moments of log p."""
        answers: list[TokenScoreTable | Failure] = []
        texts = [request.text for request in requests]
        for text, tables in zip(texts, self._score_texts(texts, with_moments=True)):
            if not tables:
                answers.append(Failure("empty text", "it has no token to score"))
                continue
            answers.append(
                TokenScoreTable(
                    logprobs=tuple(x for t in tables for x in t.logprobs.tolist()),
                    spans=tuple(self.encoder.spans(text)),
                    means=tuple(x for t in tables for x in t.means.tolist()),
                    deviations=tuple(x for t in tables for x in t.deviations.tolist()),
                )
            )
        return answers

    def _score_texts(self, texts: Sequence[str], with_moments: bool = False) -> list[list[Any]]:
        """The window scores of each text, all windows in one batch."""
        windows = [self.encoder.windows(text) for text in texts]
        flat = [row for rows in windows for row in rows]
        scores = iter(self.scorer.score(flat, with_moments) if flat else [])
        return [[next(scores) for _ in rows] for rows in windows]

    def generate(self, requests: Sequence[Generate]) -> list[Generation | Failure]:
        """Text after each prompt."""
        prompts = [self._prompt(request.prompt) for request in requests]
        return generate(self.module, self.tokenizer, self.encoder, prompts, requests)

    def differentiable_view(self, content: Content, target: str) -> DifferentiableView:
        """The context's token embeddings; the output is log P(target | context)."""
        return continuation_view(self.module, self.encoder, text_of(content), target)


def context_length(config: Any, tokenizer: Any) -> int:
    """The longest input a model takes: its positions, else its tokenizer's limit, else 2,048."""
    text_config = config.get_text_config() if hasattr(config, "get_text_config") else config
    for name in ("max_position_embeddings", "n_positions", "n_ctx", "seq_length", "max_seq_len"):
        value = getattr(text_config, name, None)
        if isinstance(value, int) and value > 0:
            return value
    limit = int(min(tokenizer.model_max_length, 10**9))
    return limit if limit < 10**9 else 2048
