"""Registers the sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1


@hookimpl
def evalsuite_register_sources(registry: Catalogue) -> None:
    """Declare the sources by the names that suites use."""
    for name, factory, summary in (
        ("csv", "tables:Csv", "comma- (or otherwise) separated rows; images and audio by column"),
        ("jsonl", "tables:JsonLines", "one JSON object a line; images and audio by column"),
        ("parquet", "tables:Parquet", "a Parquet file; images and audio by column or as bytes"),
        ("image-folder", "folders:ImageFolder", "one subfolder per class, or images beside .txt"),
        ("audio-folder", "folders:AudioFolder", "one subfolder per class, or clips beside .txt"),
        ("idx", "idx:Idx", "images and labels in the format of MNIST"),
        ("image-sprite", "sprites:ImageSprite", "tiles of one picture, rows of them per class"),
        ("squad", "questions:Squad", "SQuAD's nested JSON (XQuAD, CMRC 2018, ...)"),
        ("arc", "questions:Arc", "ARC's questions, upstream's or the hub's form"),
        ("hellaswag-text", "questions:HellaSwagText", "HellaSwag as text, six lines a task"),
        ("truthfulqa", "questions:TruthfulQa", "TruthfulQA's CSV"),
        ("text", "texts:TextFile", "a text file as documents, paragraphs, articles or lines"),
        ("parallel-lines", "texts:ParallelLines", "sentences and translations, line by line"),
        ("labelled-words", "texts:LabelledWords", "CoNLL's formats: a word and its label a line"),
        ("coco-captions", "captions:CocoCaptions", "COCO's captions, or Karpathy's splits of them"),
        ("sugarcrepe", "hard_negatives:SugarCrepe", "SugarCrepe: a true and a false caption"),
        ("aro", "hard_negatives:Aro", "ARO: true and false captions of a part of an image"),
        ("nlvr", "statements:Nlvr", "NLVR: statements that are true or false of an image"),
        (
            "sent-bias",
            "association_tests:SentBias",
            "WEAT and SEAT: a test a file, four word lists",
        ),
        ("madlibs", "madlibs:Madlibs", "template sentences with identity terms, harmful and not"),
        ("webdataset", "webdataset:WebDataset", "CLIP_benchmark's tar shards, without unpacking"),
        ("huggingface", "hub:HuggingFace", "a dataset by hub name or local directory"),
    ):
        registry.add(name, factory=f"evalsuite_sources.{factory}", summary=summary)
