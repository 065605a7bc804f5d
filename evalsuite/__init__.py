"""Evaluate text, image-text and audio-text models: tasks, fairness, privacy, explanations.

The names below are what plugins may import; everything else may move.
"""

from __future__ import annotations

from evalsuite.content import Audio, Image, Text
from evalsuite.errors import (
    DataError,
    EvalsuiteError,
    MediaError,
    ModelError,
    OutOfMemory,
    RequestFailed,
    UsageError,
)
from evalsuite.hookspecs import hookimpl
from evalsuite.metric import Estimate, Metric, Null, Table, undefined
from evalsuite.model import DifferentiableView, Loader, LoadSettings, Model, ModelInfo
from evalsuite.probe import Card, Probe
from evalsuite.request import (
    Attribute,
    Attribution,
    Classification,
    Classify,
    ContinuationScore,
    EmbedAudio,
    EmbedImage,
    Embedding,
    EmbedText,
    Failure,
    Generate,
    Generation,
    LogLikelihood,
    Request,
    RollingLogLikelihood,
    Similarity,
    SimilarityScale,
    TextScore,
    TokenScores,
    TokenScoreTable,
    Transcribe,
    Transcript,
)
from evalsuite.source import Sample, Source
from evalsuite.summaries import GroupGap, GroupRatioGap, Mean, Proportion, Ratio

__version__ = "0.1.0"

__all__ = [
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
    "Generate",
    "Generation",
    "GroupGap",
    "GroupRatioGap",
    "Image",
    "LoadSettings",
    "Loader",
    "LogLikelihood",
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
    "RollingLogLikelihood",
    "Sample",
    "Similarity",
    "SimilarityScale",
    "Source",
    "Table",
    "Text",
    "TextScore",
    "TokenScoreTable",
    "TokenScores",
    "Transcribe",
    "Transcript",
    "UsageError",
    "__version__",
    "hookimpl",
    "undefined",
]
