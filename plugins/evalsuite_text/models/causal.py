"""Causal language models: log-likelihoods, token scores, generation, gradients."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForCausalLM

import evalsuite
from evalsuite import (
    Attribute,
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
    UsageError,
)
from evalsuite.content import Content, Turn, chat_of, text_of
from evalsuite_text.models.gradients import continuation_view
from evalsuite_text.scoring.arrangement import arranged, by_likeness
from evalsuite_text.scoring.encoding import Encoder, ScoredRow
from evalsuite_text.scoring.scorer import PositionScores, Scorer
from evalsuite_text.writing.generation import generate
from evalsuite_transformers.activations import fuse_activations
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    fingerprint,
    load_tokenizer,
    load_weights,
    open_checkpoint,
)
from evalsuite_transformers.reach import positions_of
from evalsuite_transformers.torch_model import TorchModel, count_parameters
from evalsuite_transformers.written_text import neutral_settings

METHODS = frozenset(
    {"loglikelihood", "rolling_loglikelihood", "token_scores", "generate", "differentiate"}
)


@dataclass(frozen=True)
class Options:
    """The model options of a causal language model.

    Args:
        chat_template: Render every prompt and context as turns of the tokenizer's chat template
            (one user turn, where a prompt marks no roles); off by default.
        system_prompt: What the system says first, in a chat whose prompt has no system turn.
        max_length: Read at most so many tokens at once, less than the model could.
    """

    chat_template: bool = False
    system_prompt: str = ""
    max_length: int | None = None

    def __post_init__(self) -> None:
        """Refuse values of another type: the text "false" would count as true."""
        if not isinstance(self.chat_template, bool):
            raise UsageError(
                f"Model option chat_template must be true or false (got {self.chat_template!r})."
            )
        if self.system_prompt and not self.chat_template:
            raise UsageError("Model option system_prompt needs chat_template: true.")
        limit = self.max_length
        if limit is not None and (
            not isinstance(limit, int) or isinstance(limit, bool) or limit < 2
        ):
            raise UsageError(f"Model option max_length must be an integer from 2 (got {limit!r}).")

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Options:
        """The options of a checkpoint's settings; raises UsageError for unknown or wrong ones."""
        return checkpoint.options_of(cls)


class Loader:
    """The loader behind ``hf/causal-language-model:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        checkpoint = open_checkpoint(reference, settings)
        Options.of(checkpoint)
        return _info(reference, checkpoint)

    def load(self, reference: str, settings: LoadSettings) -> CausalLanguageModel:
        """Load weights and tokenizer."""
        checkpoint = open_checkpoint(reference, settings)
        options = Options.of(checkpoint)
        tokenizer = load_tokenizer(checkpoint)
        if options.chat_template and not tokenizer.chat_template:
            raise UsageError(
                f"Model {reference!r} was asked for with chat_template, but its tokenizer has "
                "none. Leave the option out, or use the instruction-tuned checkpoint."
            )
        module = load_weights(AutoModelForCausalLM, checkpoint)
        fuse_activations(module)
        return CausalLanguageModel(reference, checkpoint, module, tokenizer, options)


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

    def __init__(
        self,
        reference: str,
        checkpoint: Checkpoint,
        module: Any,
        tokenizer: Any,
        options: Options,
    ) -> None:
        """Check the scoring path, and set the checkpoint's generation settings aside."""
        self.tokenizer = tokenizer
        self.uses_chat_template = options.chat_template
        self.system_prompt = options.system_prompt
        limit = context_length(checkpoint.config, tokenizer)
        self.encoder = Encoder(tokenizer, min(limit, options.max_length or limit))
        module.generation_config, set_aside = neutral_settings(
            module.generation_config, tokenizer, self.encoder.prefix
        )
        self.scorer: Any = Scorer(module, module.generation_config.pad_token_id)
        details = {
            "class": type(module).__name__,
            "scoring path": self.scorer.path,
            "context length": str(self.encoder.max_length),
            "start token": "added" if self.encoder.adds_start else "only for empty contexts",
            "chat template": "on" if options.chat_template else "off",
            "dtype": str(module.dtype).removeprefix("torch."),
        }
        if set_aside:
            details["generation settings set aside"] = set_aside
        n_parameters = count_parameters(module)
        info = _info(reference, checkpoint, n_parameters=n_parameters, details=details)
        mark = fingerprint(
            checkpoint.reference,
            checkpoint.revision,
            module.dtype,
            options,
            version=evalsuite.__version__,
        )
        super().__init__(info, mark, module)

    def close(self) -> None:
        """Drop the weights, which the scorer holds as well."""
        self.scorer = None
        super().close()

    def cost(self, request: Request) -> int:
        """Tokens that one request makes the model read, after encoding."""
        if isinstance(request, LogLikelihood):
            (row,) = self._pairs([request])
            return len(row.ids) if isinstance(row, ScoredRow) else 1
        if isinstance(request, RollingLogLikelihood | TokenScores):
            return len(self.encoder.ids(request.text)) + 1
        if isinstance(request, Generate):
            return len(self.encoder.ids(self._prompt(request.prompt))) + 1 + request.max_tokens
        if isinstance(request, Attribute):
            return len(self.encoder.ids(self._prompt(request.content) + request.target)) + 1
        return 1

    def batches(
        self, requests: Sequence[Request], budget: int
    ) -> Iterator[Sequence[Request]] | None:
        """Requests that share beginnings together; the harness batches other kinds by cost."""
        if isinstance(requests[0], LogLikelihood):
            rows = [[row] if isinstance(row, ScoredRow) else [] for row in self._pairs(requests)]
        elif isinstance(requests[0], RollingLogLikelihood | TokenScores):
            texts = [request.text for request in requests]
            # What gives spans gives ids too, and texts are encoded once.
            self.encoder.spans_of([r.text for r in requests if getattr(r, "spans", False)])
            self.encoder.encode_all(texts)
            rows = [self.encoder.windows(request.text) for request in requests]
        elif isinstance(requests[0], Generate):
            return self._generation_batches(requests, budget)
        else:
            return None
        return ([requests[i] for i in batch] for batch in arranged(rows, budget))

    def _generation_batches(
        self, requests: Sequence[Any], budget: int
    ) -> Iterator[Sequence[Request]]:
        """Prompts of like beginning and length; a batch's rows keep all their tokens in memory."""
        prompts = [self.encoder.ids(self._prompt(request.prompt)) for request in requests]
        batch: list[Request] = []
        dearest = 0
        for index in by_likeness(prompts):
            cost = len(prompts[index]) + 1 + requests[index].max_tokens
            dearest = max(dearest, cost)
            if batch and (len(batch) + 1) * dearest > budget:
                yield batch
                batch, dearest = [], cost
            batch.append(requests[index])
        yield batch

    def _prompt(self, content: Content) -> str:
        """The text of a prompt, through the chat template where that is switched on."""
        text = text_of(content)
        if not self.uses_chat_template:
            return text
        return chat_of(content, self._turns)

    def _turns(self, turns: Sequence[Turn]) -> str:
        messages = [{"role": turn.role, "content": text_of(turn.parts)} for turn in turns]
        if self.system_prompt and not any(m["role"] == "system" for m in messages):
            messages.insert(0, {"role": "system", "content": self.system_prompt})
        return str(
            self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        )

    def _pairs(self, requests: Sequence[Any]) -> list[ScoredRow | Failure]:
        return self.encoder.pairs([(self._prompt(r.context), r.continuation) for r in requests])

    def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[ContinuationScore | Failure]:
        """Log P(continuation | context); equal rows are computed once."""
        rows = self._pairs(requests)
        kept = list(dict.fromkeys(row for row in rows if isinstance(row, ScoredRow)))
        scores = dict(zip(kept, self.scorer.score(kept)))
        return [row if isinstance(row, Failure) else _answer(row, scores[row]) for row in rows]

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
        """Each token's log-probability, and the moments of log p."""
        answers: list[TokenScoreTable | Failure] = []
        scored = self._score_texts([request.text for request in requests], with_moments=True)
        for request, tables in zip(requests, scored, strict=True):
            if not tables:
                answers.append(Failure("empty text", "it has no token to score"))
                continue
            answers.append(
                TokenScoreTable(
                    logprobs=_column([table.logprobs for table in tables]),
                    spans=self.encoder.spans(request.text) if request.spans else (),
                    means=_column([table.means for table in tables]),
                    deviations=_column([table.deviations for table in tables]),
                )
            )
        return answers

    def _score_texts(
        self, texts: Sequence[str], with_moments: bool = False
    ) -> list[list[PositionScores]]:
        """The scores of each text's windows; none for a text without tokens."""
        self.encoder.encode_all(texts)
        windows = [self.encoder.windows(text) for text in texts]
        flat = [row for rows in windows for row in rows]
        scores = iter(self.scorer.score(flat, with_moments))
        return [[next(scores) for _ in rows] for rows in windows]

    def generate(self, requests: Sequence[Generate]) -> list[Generation | Failure]:
        """Text after each prompt."""
        prompts = [self._prompt(request.prompt) for request in requests]
        return generate(self.scorer, self.tokenizer, self.encoder, prompts, requests)

    def differentiable_view(
        self, content: Content, target: str, *, within: tuple[int, int] | None = None
    ) -> DifferentiableView:
        """The context's token embeddings; the output is log P(target | context)."""
        return continuation_view(self.scorer, self.encoder, self._prompt, content, target, within)


def _column(windows: Sequence[torch.Tensor]) -> array[float]:
    """The float32 numbers of all windows of a text, one after another."""
    return array("f", b"".join(window.numpy().tobytes() for window in windows))


def _answer(row: ScoredRow, found: PositionScores) -> ContinuationScore:
    return ContinuationScore(
        total=float(found.logprobs.sum()),
        n_tokens=len(found.logprobs),
        is_greedy=found.is_greedy,
        token_logprobs=tuple(found.logprobs.tolist()),
        truncated_tokens=row.truncated,
    )


def context_length(config: Any, tokenizer: Any) -> int:
    """The longest input a model takes: its positions, else its tokenizer's limit, else 2,048."""
    text_config = config.get_text_config() if hasattr(config, "get_text_config") else config
    if (positions := positions_of(text_config)) is not None:
        return positions
    limit = int(min(tokenizer.model_max_length, 10**9))
    return limit if limit < 10**9 else 2048
