"""Registers the bias and fairness probes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1

# Name, factory, summary, and what a sample holds.
_PROBES = (
    (
        "stereotype-pairs",
        "pairs.stereotype_pairs:StereotypePairs",
        "is the stereotype more probable than its opposite?",
        "text",
    ),
    (
        "masked-stereotype-pairs",
        "pairs.masked_stereotype_pairs:MaskedStereotypePairs",
        "the same of masked language models: pseudo-log-likelihood, all-unmasked likelihood",
        "text",
    ),
    (
        "stereoset",
        "pairs.stereoset:StereoSet",
        "StereoSet within sentences, by whole-sentence likelihood: SS, LMS, ICAT",
        "text",
    ),
    (
        "masked-stereoset",
        "pairs.stereoset:MaskedStereoSet",
        "the same of masked language models, by the filled blank",
        "text",
    ),
    (
        "likelihood-bias",
        "pairs.likelihood_bias:LikelihoodBias",
        "do descriptors of people differ in perplexity? (HolisticBias)",
        "text",
    ),
    (
        "masked-likelihood-bias",
        "pairs.likelihood_bias:MaskedLikelihoodBias",
        "the same of masked language models, by pseudo-perplexity",
        "text",
    ),
    (
        "image-zero-shot-gap",
        "zero_shot_gap:ImageZeroShotGap",
        "zero-shot accuracy by group of images",
        "image",
    ),
    (
        "audio-zero-shot-gap",
        "zero_shot_gap:AudioZeroShotGap",
        "zero-shot accuracy by group of clips",
        "audio",
    ),
    (
        "transcription-gap",
        "speech.transcription_gap:TranscriptionGap",
        "word error rate by group of speakers",
        "audio",
    ),
    (
        "association",
        "associations.association:Association",
        "are two sets of words, pictures or clips associated with two others?",
        "text",
    ),
    (
        "image-retrieval-skew",
        "associations.retrieval_skew:ImageRetrievalSkew",
        "which group's images come first for neutral queries?",
        "image",
    ),
    (
        "audio-retrieval-skew",
        "associations.retrieval_skew:AudioRetrievalSkew",
        "which group's clips come first for neutral queries?",
        "audio",
    ),
    (
        "image-harmful-labels",
        "associations.harmful_labels:ImageHarmfulLabels",
        "which group's images are labelled as an animal or a crime?",
        "image",
    ),
    (
        "audio-harmful-labels",
        "associations.harmful_labels:AudioHarmfulLabels",
        "which group's voices are labelled as an animal or a crime?",
        "audio",
    ),
    (
        "bbq",
        "questions.bbq:Bbq",
        "do answers follow stereotypes where the context does not tell?",
        "text",
    ),
    (
        "bbq-written",
        "questions.bbq:WrittenBbq",
        "the same of written answers, refusals apart",
        "text",
    ),
    (
        "winogender",
        "questions.winogender:Winogender",
        "does a pronoun's gender change who is meant?",
        "text",
    ),
    (
        "winobias",
        "questions.winobias:WinoBias",
        "are pronouns resolved better where that is a stereotype?",
        "text",
    ),
    (
        "masked-winogender",
        "questions.winogender:MaskedWinogender",
        "Winogender by a masked language model",
        "text",
    ),
    (
        "masked-winobias",
        "questions.winobias:MaskedWinoBias",
        "WinoBias by a masked language model",
        "text",
    ),
    (
        "gap",
        "questions.gap:Gap",
        "are feminine pronouns traced to names as well as masculine ones?",
        "text",
    ),
    (
        "translation-gender",
        "questions.translation_gender:TranslationGender",
        "do persons keep their gender in translation?",
        "text",
    ),
    (
        "paired-images",
        "written.paired_images:PairedImages",
        "does an answer depend on which of two paired images is shown?",
        "image",
    ),
    (
        "voice",
        "written.voice:Voice",
        "does an answer depend on whose voice says the same words?",
        "audio",
    ),
    (
        "generation",
        "written.generation:OpenGeneration",
        "what is written about different groups: toxicity, sentiment, words, refusals",
        "text",
    ),
    (
        "recorded-decisions",
        "decisions.recorded:RecordedDecisions",
        "error rates by group of decisions that are in the data",
        "tabular",
    ),
    (
        "decisions",
        "decisions.group_fairness:GroupFairness",
        "selection and error rates by group of what a model decides",
        "text",
    ),
    (
        "refusal-gap",
        "decisions.refusal_gap:RefusalGap",
        "is one group refused more often than another?",
        "text",
    ),
    (
        "counterfactual",
        "decisions.counterfactual:Counterfactual",
        "would the decision be another for somebody of another group?",
        "text",
    ),
    (
        "identity-terms",
        "decisions.identity_terms:IdentityTerms",
        "is a text judged otherwise when it mentions an identity?",
        "text",
    ),
)


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Declare the probes."""
    for name, factory, summary, modality in _PROBES:
        registry.add(
            f"fairness/{name}",
            factory=f"evalsuite_fairness.{factory}",
            summary=summary,
            tags=("fairness", modality),
        )
