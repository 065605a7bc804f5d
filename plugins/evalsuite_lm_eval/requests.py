"""One instance of the harness is one or more of our requests, and their answers its responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lm_eval.api.instance import Instance

from evalsuite import DataError, Generate, LogLikelihood, Request, RollingLogLikelihood
from evalsuite_lm_eval.chat_prompt import content_of

DEFAULT_MAX_TOKENS = 256  # the harness's own where a task does not say
LENGTHS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
KNOWN = frozenset({*LENGTHS, "until", "do_sample", "temperature", "top_p", "top_k"})
# Settings that change nothing at these values.
WITHOUT_EFFECT: Mapping[str, tuple[Any, ...]] = {
    "num_beams": (1,),
    "num_return_sequences": (1,),
    "repetition_penalty": (1, 1.0),
    "min_p": (0, 0.0),
}


def generation_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a Generate request that a task's ``generation_kwargs`` ask for.

    As in the harness: ``do_sample: false``, or a temperature of 0, is greedy whatever else is
    said; ``do_sample: true`` without a temperature samples at 1.

    Raises:
        DataError: A setting that a request cannot express.
    """
    given = {key: value for key, value in settings.items() if value is not None}
    odd = [
        key
        for key, value in given.items()
        if key not in KNOWN and value not in WITHOUT_EFFECT.get(key, ())
    ]
    if odd:
        raise DataError(
            f"The task's generation_kwargs set {', '.join(map(repr, odd))}, which our models are "
            f"not asked for; they understand {', '.join(sorted(KNOWN))}. Take one out with "
            f"`gen_kwargs: {{{odd[0]}: null}}`."
        )
    until = given.get("until", [])
    until = [until] if isinstance(until, str) else list(until)
    lengths = [int(given[name]) for name in LENGTHS if name in given]
    temperature = float(given.get("temperature", 1.0 if given.get("do_sample") else 0.0))
    is_greedy = given.get("do_sample") is False or temperature == 0
    return {
        "max_tokens": lengths[0] if lengths else DEFAULT_MAX_TOKENS,
        "stop": tuple(str(text) for text in until if text),
        "temperature": 0.0 if is_greedy else temperature,
        "top_p": 1.0 if is_greedy else float(given.get("top_p", 1.0)),
        "top_k": 0 if is_greedy else int(given.get("top_k", 0)),
    }


def requests_of(instance: Instance, is_chat: bool) -> tuple[Request, ...]:
    """What one instance asks: one request, or one for each repetition that is sampled.

    Raises:
        DataError: The instance is of an unknown kind.
    """
    arguments = instance.args
    media = arguments[-1] if isinstance(arguments[-1], dict) and len(arguments) > 2 else None
    if instance.request_type == "loglikelihood":
        context = content_of(arguments[0], media, is_chat)
        return (LogLikelihood(context, str(arguments[1])),)
    if instance.request_type == "loglikelihood_rolling":
        return (RollingLogLikelihood(str(arguments[0])),)
    if instance.request_type == "generate_until":
        fields = generation_of(arguments[1])
        prompt = content_of(arguments[0], media, is_chat)
        is_sampled = fields["temperature"] > 0
        seeds = range(max(1, instance.repeats or 1) if is_sampled else 1)
        return tuple(Generate(prompt, seed=seed, **fields) for seed in seeds)
    raise DataError(f"the task asks for {instance.request_type!r}, which is no known request")


def response_of(answer: Any) -> Any:
    """What a model of the harness returns in place of our answer."""
    if hasattr(answer, "is_greedy"):
        return answer.total, answer.is_greedy
    return answer.text if hasattr(answer, "finish_reason") else answer.total


def responses_of(instance: Instance, answers: Sequence[Any]) -> list[Any]:
    """One response for each repetition; greedy ones are all the same."""
    found = [response_of(answer) for answer in answers]
    repeats = max(1, instance.repeats or 1)
    return found if len(found) == repeats else found * repeats
