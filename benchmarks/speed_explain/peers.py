"""The other side: captum's FeatureAblation, as it is documented and as well as we can feed it.

- ``LLMAttribution``: what captum offers for language models. It reads one prompt at a time, and
  takes no other ``perturbations_per_eval`` than 1; of its two ways the one with a single pass.
- ``token ids``: FeatureAblation over the ids of a classifier's tokens, with the mask's id as
  baseline.
- ``by hand``: FeatureAblation over which words are present, and a model function as good as we can
  write it: one padded batch, the head only where the answer stands.
- ``by hand, together``: the same, given several texts in one call. FeatureAblation takes those of
  one shape, so they are sorted by their number of words first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from captum.attr import FeatureAblation, LLMAttribution, TextTemplateInput
from ours import Scores
from workloads import Workload

from evalsuite_explain.inputs.words import Words


@dataclass(frozen=True)
class Setting:
    """What captum is given at once: texts of one length, and their ablations."""

    texts: int
    perturbations: int

    def __str__(self) -> str:
        """``texts x perturbations_per_eval``."""
        return f"{self.texts} x {self.perturbations}"


ONE = (Setting(1, 1),)
ALONE = tuple(Setting(1, n) for n in (1, 8, 32, 128))
TOGETHER = tuple(Setting(texts, n) for texts, n in ((16, 1), (4, 8), (4, 32), (16, 32)))


@dataclass(frozen=True)
class Peer:
    """A way to use captum.

    Attributes:
        name: In the table.
        settings: Of which the best counts.
        scores: (model, workload, texts, setting) -> a score for each word of each text.
    """

    name: str
    settings: tuple[Setting, ...]
    scores: Callable[[Any, Workload, Sequence[Words], Setting], Scores]


def peers(workload: Workload) -> list[Peer]:
    """The ways to explain a workload with captum."""
    found = [Peer("by hand", ALONE, by_hand), Peer("by hand, together", TOGETHER, by_hand)]
    if workload.model == "causal":
        found.append(Peer("LLMAttribution", ONE, with_templates))
    elif workload.absent:
        found.append(Peer("token ids", (*ALONE, *TOGETHER), over_token_ids))
    return found


def with_templates(
    model: Any, workload: Workload, inputs: Sequence[Words], setting: Setting
) -> Scores:
    """LLMAttribution over a template whose segments are the words."""
    del setting
    explaining = LLMAttribution(FeatureAblation(model.module), model.tokenizer)
    found = []
    for words in inputs:

        def template(*shown: str) -> str:
            return f"{workload.before}{' '.join(filter(None, shown))}{workload.after}"

        given = TextTemplateInput(template, [word for word, _ in words.words])
        explained = explaining.attribute(given, target=workload.answer, forward_in_tokens=False)
        found.append(explained.seq_attr.tolist())
    return found


def over_token_ids(
    model: Any, workload: Workload, inputs: Sequence[Words], setting: Setting
) -> Scores:
    """FeatureAblation that puts the mask's id in the place of each token's."""
    found: dict[int, list[float]] = {}
    ablation = FeatureAblation(lambda ids: model.module(input_ids=ids).logits.softmax(-1))
    for group in _of_one_length(inputs, setting.texts):
        encoded = model.tokenizer([inputs[i].text for i in group], return_tensors="pt")
        encoded = encoded.to(model.device)
        scores = ablation.attribute(
            encoded.input_ids,
            baselines=model.tokenizer.mask_token_id,
            target=model.labels.index(workload.answer),
            perturbations_per_eval=setting.perturbations,
        )
        found |= zip(group, scores.tolist())
    return [found[i] for i in range(len(inputs))]


def by_hand(model: Any, workload: Workload, inputs: Sequence[Words], setting: Setting) -> Scores:
    """FeatureAblation over zeros and ones, and a model function of our own."""
    score = {"causal": _continuation, "classifier": _label}[workload.model]
    found: dict[int, list[float]] = {}

    def forward(present: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        rows = zip(texts.tolist(), present.bool().tolist())
        return score(model, workload, [_shown(inputs[i], row) for i, row in rows])

    ablation = FeatureAblation(forward)
    with torch.inference_mode():
        for group in _of_one_length(inputs, setting.texts):
            scores = ablation.attribute(
                torch.ones(len(group), len(inputs[group[0]])),
                baselines=0.0,
                additional_forward_args=(torch.tensor(group),),
                perturbations_per_eval=setting.perturbations,
            )
            found |= zip(group, scores.tolist())
    return [found[i] for i in range(len(inputs))]


def _of_one_length(inputs: Sequence[Words], most: int) -> Iterator[list[int]]:
    """Indices of texts that have equally many words, so many at a time."""
    by_length: dict[int, list[int]] = {}
    for index, words in enumerate(inputs):
        by_length.setdefault(len(words), []).append(index)
    for group in by_length.values():
        for begin in range(0, len(group), most):
            yield group[begin : begin + most]


def _shown(words: Words, present: Sequence[bool]) -> str:
    named = zip((word for word, _ in words.words), present, strict=True)
    return " ".join(
        word if is_in else words.absent for word, is_in in named if is_in or words.absent
    )


def _continuation(model: Any, workload: Workload, given: list[str]) -> torch.Tensor:
    """Log P(answer | text) [batch]; the head reads the last positions only."""
    prompts = [f"{workload.before}{text}{workload.after}{workload.answer}" for text in given]
    batch = model.tokenizer(prompts, padding=True, padding_side="left", return_tensors="pt")
    batch = batch.to(model.device)
    n = len(model.tokenizer(workload.answer).input_ids)
    positions = (batch.attention_mask.cumsum(-1) - 1).clamp(min=0)
    logits = model.module(
        input_ids=batch.input_ids,
        attention_mask=batch.attention_mask,
        position_ids=positions,
        logits_to_keep=n + 1,
        use_cache=False,
    ).logits[:, :-1]
    chosen = batch.input_ids[:, -n:, None]
    return logits.float().log_softmax(-1).gather(-1, chosen).sum((1, 2)).cpu()


def _label(model: Any, workload: Workload, given: list[str]) -> torch.Tensor:
    """The label's probability [batch]."""
    batch = model.tokenizer(given, padding=True, return_tensors="pt").to(model.device)
    logits = model.module(**batch).logits.float()
    return logits.softmax(-1)[:, model.labels.index(workload.answer)].cpu()
