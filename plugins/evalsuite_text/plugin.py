"""Registers the text models and the text tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1


@hookimpl
def evalsuite_register_models(registry: Catalogue) -> None:
    """Declare the kinds that ``hf:`` finds from a configuration."""
    registry.add(
        "hf/causal-language-model",
        factory="evalsuite_text.causal:Loader",
        summary="scores and writes text (GPT-2, Llama, Qwen, ...)",
        tags=("text", "mapping:CAUSAL_LM"),
    )
    registry.add(
        "hf/text-classifier",
        factory="evalsuite_text.classifier:Loader",
        summary="gives labels to text (BERT, RoBERTa, ... with a classification head)",
        tags=("text", "architecture:ForSequenceClassification"),
    )


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Declare the text tasks."""
    for name, factory, summary in (
        ("multiple-choice", "multiple_choice:MultipleChoice", "choices ranked by log-likelihood"),
        ("perplexity", "perplexity:Perplexity", "surprise per token, word and byte"),
        ("minimal-pairs", "minimal_pairs:MinimalPairs", "the better sentence of two"),
        ("classification", "classification:Classification", "labels of a classifier"),
    ):
        registry.add(
            f"text/{name}",
            factory=f"evalsuite_text.{factory}",
            summary=summary,
            tags=("task", "text"),
        )
