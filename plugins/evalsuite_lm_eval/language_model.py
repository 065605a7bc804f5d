"""A model of ours inside lm-evaluation-harness: ``--model evalsuite``.

``--model_args model=hf:./directory,dtype=float32,chat_template=false``: ``model`` is a name as
everywhere in evalsuite, the rest are that model's own options. The harness hands over the whole
list of requests; the engine orders, batches and deduplicates it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import lm_eval.models  # noqa: F401  (without it, the harness would know no model but ours)
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

from evalsuite import Failure, LoadSettings, ModelError, Request, UsageError
from evalsuite_lm_eval.requests import requests_of, response_of


@register_model("evalsuite")
class EvalsuiteLM(LM):
    """Any text model of evalsuite, as a model of lm-evaluation-harness."""

    def __init__(
        self,
        model: str,
        device: str | None = None,
        dtype: str = "auto",
        batch_size: int | str | None = None,
        max_batch_size: int | None = None,
        token_budget: int | None = None,
        **options: Any,
    ) -> None:
        """Load a model by its evalsuite name.

        Args:
            model: ``scheme:reference``, e.g. ``hf:gpt2``.
            device: auto, cpu, cuda, cuda:N or mps.
            dtype: auto, float32, bfloat16 or float16.
            batch_size: The most requests of a batch; ``auto`` and the default leave it to the
                engine.
            max_batch_size: The same under the harness's other name.
            token_budget: Tokens of a batch, padding included.
            options: The model's own options.

        Raises:
            UsageError: ``model`` names nothing, or an option is wrong.
        """
        super().__init__()
        from evalsuite.executor import DEFAULT_MAX_REQUESTS, DEFAULT_TOKEN_BUDGET, LocalExecutor
        from evalsuite.factories import loader_for
        from evalsuite.registry import installed

        loader, reference = loader_for(model, installed())
        settings = LoadSettings(device=device or "auto", dtype=str(dtype), options=options)
        self.model = loader.load(reference, settings)
        self.reference = reference
        self._executor = LocalExecutor(
            token_budget=token_budget or DEFAULT_TOKEN_BUDGET,
            max_requests=_rows(batch_size) or _rows(max_batch_size) or DEFAULT_MAX_REQUESTS,
        )

    @property
    def tokenizer(self) -> Any:
        """The model's tokenizer; None for a model that has none of its own."""
        return getattr(self.model, "tokenizer", None)

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """Log P(continuation | context) in nats, and whether greedy decoding would write it."""
        return [response_of(answer) for answer in self._answers(requests)]

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        """Log P(text) in nats, every token scored once."""
        return [response_of(answer) for answer in self._answers(requests)]

    def generate_until(self, requests: list[Instance]) -> list[str]:
        """Text after each context; the k-th repetition of a sampled request has the seed k."""
        return [response_of(answer) for answer in self._answers(requests)]

    def _answers(self, instances: Sequence[Instance]) -> list[Any]:
        """Answer all instances at once, in their order.

        Raises:
            ModelError: A request could not be answered; the harness has no place for a gap.
        """
        asked = _one_each(instances)
        answers: dict[str, Any] = {}
        distinct = list({request.digest: request for request in asked}.values())
        if distinct and distinct[0].method not in self.model.info.methods:
            raise UsageError(
                f"{self.model.info.name} is a {self.model.info.kind}; it does not answer "
                f"{distinct[0].method}, which this task asks for."
            )
        self._executor.answer(self.model, distinct, answers.update)
        for request in distinct:
            answer = answers[request.digest]
            if isinstance(answer, Failure):
                raise ModelError(
                    f"{self.model.info.name} could not answer a {type(request).__name__}: "
                    f"{answer.kind}: {answer.message}. lm-evaluation-harness cannot leave a "
                    "document out; `evalsuite run` with the probe lm-eval/task counts it as failed."
                )
        return [answers[request.digest] for request in asked]

    @property
    def tokenizer_name(self) -> str:
        """What the harness tells its request caches apart by."""
        return str(getattr(self.tokenizer, "name_or_path", self.reference)).replace("/", "__")

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """The tokenizer's template as text, for the harness's log.

        Raises:
            UsageError: A template was asked for by a name that the tokenizer does not have.
        """
        if not chat_template:
            return None
        return str(_template(self.tokenizer, chat_template, self.reference))

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """Render turns by the tokenizer's template.

        Raises:
            UsageError: The model has no chat template.
        """
        _template(self.tokenizer, True, self.reference)
        return str(
            self.tokenizer.apply_chat_template(
                chat_history,
                tokenize=False,
                add_generation_prompt=add_generation_prompt,
                continue_final_message=not add_generation_prompt,
            )
        )

    def get_model_info(self) -> dict[str, Any]:
        """What the harness writes into its results about the model."""
        info = self.model.info
        return {
            "model_num_parameters": info.n_parameters or -1,
            "model_dtype": info.details.get("dtype", ""),
            "model_revision": info.revision,
            "model_sha": self.model.fingerprint,
        }


def _template(tokenizer: Any, wanted: bool | str, reference: str) -> str:
    """A tokenizer's chat template: the only one, the default, or one by name."""
    found = getattr(tokenizer, "chat_template", None)
    if not found:
        raise UsageError(
            f"{reference} has no chat template. Leave --apply_chat_template out, or name the "
            "instruction-tuned checkpoint."
        )
    if not isinstance(found, Mapping):
        return str(found)
    name = wanted if isinstance(wanted, str) else "default"
    if name not in found:
        raise UsageError(
            f"{reference} has no chat template named {name!r}; it has {', '.join(found)}."
        )
    return str(found[name])


def _rows(batch_size: int | str | None) -> int | None:
    """A number of rows; None for ``auto`` and for the harness's default of 1."""
    if batch_size is None or str(batch_size).startswith("auto"):
        return None
    return int(batch_size) if int(batch_size) > 1 else None


def _one_each(instances: Sequence[Instance]) -> list[Request]:
    """One request for each entry; the harness lists an instance once for each repetition.

    Entries of one instance follow one another, so the k-th of them is the k-th repetition.
    """
    asked: list[Request] = []
    seen: dict[int, int] = {}
    for instance in instances:
        repetition = seen.get(id(instance), 0)
        seen[id(instance)] = repetition + 1
        requests = requests_of(instance, is_chat=False)
        asked.append(requests[min(repetition, len(requests) - 1)])
    return asked
