"""Evaluate text, image-text and audio-text models: tasks, fairness, privacy, explanations.

The names below are what plugins may import; everything else may move. They are imported on first
use, so that a plugin module which only registers names costs nothing at start-up.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from evalsuite.hookspecs import hookimpl

if TYPE_CHECKING:
    from evalsuite.content import Audio, Image, Role, Text, Turn
    from evalsuite.errors import (
        DataError,
        EvalsuiteError,
        MediaError,
        ModelError,
        OutOfMemory,
        RequestFailed,
        UsageError,
    )
    from evalsuite.group_gaps import GroupGap, GroupRatioGap
    from evalsuite.metric import Estimate, Metric, Null, Summed, Table, undefined
    from evalsuite.model import (
        DifferentiableView,
        ForwardTrace,
        Loader,
        LoadSettings,
        Model,
        ModelInfo,
    )
    from evalsuite.probe import Card, Probe
    from evalsuite.request import (
        Align,
        AnswerSpan,
        Attribute,
        Classify,
        EmbedAudio,
        EmbedImage,
        EmbedText,
        Generate,
        LabelTokens,
        LogLikelihood,
        MaskedTokenScores,
        Request,
        RollingLogLikelihood,
        SimilarityScale,
        TokenEntropies,
        TokenScores,
        Transcribe,
    )
    from evalsuite.response import (
        Alignment,
        Attribution,
        Classification,
        ContinuationScore,
        Embedding,
        Failure,
        Generation,
        Similarity,
        Span,
        TextScore,
        TimedWord,
        TokenEntropyTable,
        TokenLabels,
        TokenScoreTable,
        Transcript,
    )
    from evalsuite.source import Sample, Source
    from evalsuite.summaries import Mean, Proportion, Ratio

__version__ = "0.1.0"

_HOME = {
    "Audio": "evalsuite.content",
    "Image": "evalsuite.content",
    "Text": "evalsuite.content",
    "TokenEntropies": "evalsuite.request",
    "TokenEntropyTable": "evalsuite.response",
    "TokenLabels": "evalsuite.response",
    "Span": "evalsuite.response",
    "MaskedTokenScores": "evalsuite.request",
    "LabelTokens": "evalsuite.request",
    "AnswerSpan": "evalsuite.request",
    "Turn": "evalsuite.content",
    "Role": "evalsuite.content",
    "DataError": "evalsuite.errors",
    "EvalsuiteError": "evalsuite.errors",
    "MediaError": "evalsuite.errors",
    "ModelError": "evalsuite.errors",
    "OutOfMemory": "evalsuite.errors",
    "RequestFailed": "evalsuite.errors",
    "UsageError": "evalsuite.errors",
    "Estimate": "evalsuite.metric",
    "Metric": "evalsuite.metric",
    "Null": "evalsuite.metric",
    "Summed": "evalsuite.metric",
    "Table": "evalsuite.metric",
    "undefined": "evalsuite.metric",
    "DifferentiableView": "evalsuite.model",
    "ForwardTrace": "evalsuite.model",
    "Loader": "evalsuite.model",
    "LoadSettings": "evalsuite.model",
    "Model": "evalsuite.model",
    "ModelInfo": "evalsuite.model",
    "Card": "evalsuite.probe",
    "Probe": "evalsuite.probe",
    "Attribute": "evalsuite.request",
    "Attribution": "evalsuite.response",
    "Classification": "evalsuite.response",
    "Classify": "evalsuite.request",
    "ContinuationScore": "evalsuite.response",
    "EmbedAudio": "evalsuite.request",
    "EmbedImage": "evalsuite.request",
    "Embedding": "evalsuite.response",
    "EmbedText": "evalsuite.request",
    "Failure": "evalsuite.response",
    "Generate": "evalsuite.request",
    "Generation": "evalsuite.response",
    "LogLikelihood": "evalsuite.request",
    "Request": "evalsuite.request",
    "RollingLogLikelihood": "evalsuite.request",
    "Similarity": "evalsuite.response",
    "SimilarityScale": "evalsuite.request",
    "TextScore": "evalsuite.response",
    "TimedWord": "evalsuite.response",
    "TokenScores": "evalsuite.request",
    "TokenScoreTable": "evalsuite.response",
    "Align": "evalsuite.request",
    "Alignment": "evalsuite.response",
    "Transcribe": "evalsuite.request",
    "Transcript": "evalsuite.response",
    "Sample": "evalsuite.source",
    "Source": "evalsuite.source",
    "GroupGap": "evalsuite.group_gaps",
    "GroupRatioGap": "evalsuite.group_gaps",
    "Mean": "evalsuite.summaries",
    "Proportion": "evalsuite.summaries",
    "Ratio": "evalsuite.summaries",
}


def __getattr__(name: str) -> Any:
    """Import a public name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module 'evalsuite' has no public name {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


__all__ = [
    "Align",
    "Alignment",
    "AnswerSpan",
    "Attribute",
    "Attribution",
    "Audio",
    "Card",
    "Classification",
    "Classify",
    "ContinuationScore",
    "DataError",
    "DifferentiableView",
    "EmbedAudio",
    "EmbedImage",
    "EmbedText",
    "Embedding",
    "Estimate",
    "EvalsuiteError",
    "Failure",
    "ForwardTrace",
    "Generate",
    "Generation",
    "GroupGap",
    "GroupRatioGap",
    "Image",
    "LabelTokens",
    "LoadSettings",
    "Loader",
    "LogLikelihood",
    "MaskedTokenScores",
    "Mean",
    "MediaError",
    "Metric",
    "Model",
    "ModelError",
    "ModelInfo",
    "Null",
    "OutOfMemory",
    "Probe",
    "Proportion",
    "Ratio",
    "Request",
    "RequestFailed",
    "Role",
    "RollingLogLikelihood",
    "Sample",
    "Similarity",
    "SimilarityScale",
    "Source",
    "Span",
    "Summed",
    "Table",
    "Text",
    "TextScore",
    "TimedWord",
    "TokenEntropies",
    "TokenEntropyTable",
    "TokenLabels",
    "TokenScoreTable",
    "TokenScores",
    "Transcribe",
    "Transcript",
    "Turn",
    "UsageError",
    "__version__",
    "hookimpl",
    "undefined",
]
