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
            "models.causal",
            "scores and writes text (GPT-2, Llama, Qwen, ...)",
            ("mapping:CAUSAL_LM",),
        ),
        (
            "sequence-to-sequence",
            "models.seq2seq",
            "translates, sums up, scores one text given another (T5, BART, Marian, NLLB, ...)",
            ("head:SEQ_TO_SEQ_CAUSAL_LM", "mapping:SEQ_TO_SEQ_CAUSAL_LM"),
        ),
        (
            "masked-language-model",
            "models.masked",
            "scores each token given both sides (BERT, RoBERTa, ModernBERT, ...)",
            ("head:MASKED_LM", "architecture:ForMaskedLM"),
        ),
        (
            "text-classifier",
            "models.classifier",
            "gives labels to text (BERT, RoBERTa, ... with a classification head)",
            ("architecture:ForSequenceClassification",),
        ),
        (
            "token-classifier",
            "models.token_classifier",
            "gives a label to each word: entities, parts of speech",
            ("head:TOKEN_CLASSIFICATION",),
        ),
        (
            "extractive-question-answerer",
            "models.extractive_qa",
            "finds the answer to a question in a text (SQuAD's kind)",
            ("head:QUESTION_ANSWERING",),
        ),
        (
            "sentence-encoder",
            "models.sentence_encoder",
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
        factory="evalsuite_text.models.ngram:Loader",
        summary="ngram:corpus.txt, a Kneser-Ney model trained on that text: the floor of a report",
        tags=("text",),
    )


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Declare the text tasks."""
    for name, factory, summary in (
        ("multiple-choice", "prompted.choice:MultipleChoice", "choices ranked by log-likelihood"),
        ("letter-choice", "prompted.letters:LetterChoice", "letters of listed choices"),
        ("true-mass", "prompted.true_mass:TrueMass", "probability on several true choices"),
        ("cloze", "prompted.cloze:Cloze", "a gap filled with each choice"),
        ("last-word", "prompted.cloze:LastWord", "the last word of a passage"),
        ("generation", "prompted.generation:PromptedGeneration", "answers that a model writes"),
        ("perplexity", "tasks.perplexity:Perplexity", "surprise per token, word and byte"),
        ("minimal-pairs", "tasks.minimal_pairs:MinimalPairs", "the better sentence of two"),
        ("classification", "tasks.classification:Classification", "labels of a classifier"),
        (
            "extractive-qa",
            "tasks.span_answers:ExtractiveAnswers",
            "the span that answers",
        ),
        ("translation", "tasks.translation:Translation", "BLEU, chrF and TER of translations"),
        ("summarisation", "tasks.summarisation:Summarisation", "ROUGE of summaries"),
        ("token-labels", "tasks.token_labels:TokenLabelling", "parts of speech and named entities"),
        (
            "code-execution",
            "tasks.code_execution:CodeExecution",
            "programs against tests (off)",
        ),
        (
            "embedding-knn",
            "tasks.embeddings_knn:NearestNeighbours",
            "classes among neighbours",
        ),
        ("sts", "tasks.similarity:SentenceSimilarity", "cosine against graded similarity"),
    ):
        registry.add(
            f"text/{name}",
            factory=f"evalsuite_text.{factory}",
            summary=summary,
            tags=("task", "text"),
        )


@hookimpl
def evalsuite_register_metrics(registry: Catalogue) -> None:
    """Declare the metrics that are no means of records."""
    own, agreement = "evalsuite_text.metrics", "evalsuite.classification.agreement"
    for name, factory, summary in (
        ("bleu", f"{own}.corpus:CorpusBleu", "sacrebleu's BLEU, bootstrap over documents"),
        ("chrf", f"{own}.corpus:CorpusChrf", "sacrebleu's chrF (chrF++ with word_order 2)"),
        ("ter", f"{own}.corpus:CorpusTer", "sacrebleu's translation edit rate"),
        ("accuracy", f"{agreement}:Accuracy", "share of labels that agree"),
        ("balanced-accuracy", f"{agreement}:BalancedAccuracy", "mean recall over classes"),
        ("macro-f1", f"{agreement}:MacroF1", "mean F1 over classes"),
        ("mcc", f"{agreement}:MatthewsCorrelation", "correlation of two labellings"),
        ("span-f1", f"{own}.span_f1:SpanF1", "F1 of whole entities, and of each type"),
        ("pearson", f"{own}.correlation:Pearson", "linear correlation of two columns"),
        ("spearman", f"{own}.correlation:Spearman", "rank correlation of two columns"),
    ):
        registry.add(f"text/{name}", factory=factory, summary=summary)
