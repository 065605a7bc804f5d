"""Registers the text models and the text tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1


@hookimpl
def evalsuite_register_models(registry: Catalogue) -> None:
    """Declare the kinds that ``hf:`` finds from a configuration, and the n-gram model."""
    for kind, module, summary, tags in (
        (
            "causal-language-model",
            "causal",
            "scores and writes text (GPT-2, Llama, Qwen, ...)",
            ("mapping:CAUSAL_LM",),
        ),
        (
            "sequence-to-sequence",
            "seq2seq",
            "translates, sums up, scores one text given another (T5, BART, Marian, NLLB, ...)",
            ("head:SEQ_TO_SEQ_CAUSAL_LM", "mapping:SEQ_TO_SEQ_CAUSAL_LM"),
        ),
        (
            "masked-language-model",
            "masked",
            "scores each token given both sides (BERT, RoBERTa, ModernBERT, ...)",
            ("head:MASKED_LM", "architecture:ForMaskedLM"),
        ),
        (
            "text-classifier",
            "classifier",
            "gives labels to text (BERT, RoBERTa, ... with a classification head)",
            ("architecture:ForSequenceClassification",),
        ),
        (
            "token-classifier",
            "token_classifier",
            "gives a label to each word: entities, parts of speech",
            ("head:TOKEN_CLASSIFICATION",),
        ),
        (
            "extractive-question-answerer",
            "extractive_qa",
            "finds the answer to a question in a text (SQuAD's kind)",
            ("head:QUESTION_ANSWERING",),
        ),
        (
            "sentence-encoder",
            "sentence_encoder",
            "embeds sentences (sentence-transformers' layout, or any bare encoder)",
            ("file:1_Pooling/config.json", "head:TEXT_ENCODING", "base-of:MASKED_LM"),
        ),
    ):
        registry.add(
            f"hf/{kind}",
            factory=f"evalsuite_text.{module}:Loader",
            summary=summary,
            tags=("text", *tags),
        )
    registry.add(
        "ngram",
        factory="evalsuite_text.ngram:Loader",
        summary="ngram:corpus.txt, a Kneser-Ney model trained on that text: the floor of a report",
        tags=("text",),
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
