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
        ("member-folders", "members:MemberFolders", "members of the training data, and others"),
        ("idx", "idx:Idx", "images and labels in the format of MNIST"),
        ("image-sprite", "sprites:ImageSprite", "tiles of one picture, rows of them per class"),
        ("squad", "questions:Squad", "SQuAD's nested JSON (XQuAD, CMRC 2018, ...)"),
        ("arc", "questions:Arc", "ARC's questions, upstream's or the hub's form"),
        ("hellaswag-text", "questions:HellaSwagText", "HellaSwag as text, six lines a task"),
        ("truthfulqa", "questions:TruthfulQa", "TruthfulQA's CSV"),
        ("stereoset", "stereoset:StereoSetFile", "StereoSet's JSON: a stereotype and its rivals"),
        ("holistic-bias", "holistic_bias:HolisticBias", "HolisticBias: sentences of its lists"),
        ("text", "texts:TextFile", "a text file as documents, paragraphs, articles or lines"),
        ("parallel-lines", "texts:ParallelLines", "sentences and translations, line by line"),
        ("labelled-words", "texts:LabelledWords", "CoNLL's formats: a word and its label a line"),
        ("coco-captions", "captions:CocoCaptions", "COCO's captions, or Karpathy's splits of them"),
        ("sugarcrepe", "hard_negatives:SugarCrepe", "SugarCrepe: a true and a false caption"),
        ("aro", "hard_negatives:Aro", "ARO: true and false captions of a part of an image"),
        ("nlvr", "statements:Nlvr", "NLVR: statements that are true or false of an image"),
        ("nlvr-objects", "statements:NlvrObjects", "NLVR: kinds of objects, and where they are"),
        ("edited-pairs", "edited_pairs:EditedPairs", "texts edited to turn their label round"),
        (
            "sent-bias",
            "association_tests:SentBias",
            "WEAT and SEAT: a test a file, four word lists",
        ),
        ("bbq", "bbq:Bbq", "BBQ's questions, a file or the folder of categories"),
        ("winogender", "coreference:Winogender", "Winogender: a sentence in three genders"),
        ("winobias", "coreference:WinoBias", "WinoBias: pairs for and against a stereotype"),
        ("gap", "coreference:Gap", "GAP: a pronoun and two names in a snippet"),
        ("winomt", "winomt:WinoMt", "WinoMT: sentences to translate, and a person's gender"),
        ("madlibs", "madlibs:Madlibs", "template sentences with identity terms, harmful and not"),
        ("bold", "bold:Bold", "BOLD: sentence beginnings about people of several groups"),
        ("webdataset", "webdataset:WebDataset", "CLIP_benchmark's tar shards, without unpacking"),
        ("audio-manifest", "sounds.manifest:AudioManifest", "a line per utterance, NeMo's form"),
        ("librispeech", "sounds.speech:LibriSpeech", "LibriSpeech's tree, speakers' sex"),
        ("common-voice", "sounds.speech:CommonVoice", "Common Voice's tables and clips"),
        ("fleurs", "sounds.speech:Fleurs", "FLEURS' tables and clips"),
        ("esc50", "sounds.classes:Esc50", "ESC-50 and ESC-10, by folds"),
        ("speech-commands", "sounds.classes:SpeechCommands", "Speech Commands, by splits"),
        ("fsdd", "sounds.classes:Fsdd", "spoken digits, speakers by the clips' names"),
        ("clotho-captions", "sounds.descriptions:ClothoCaptions", "Clotho's captions"),
        ("audiocaps", "sounds.descriptions:AudioCaps", "AudioCaps' captions, clips by name"),
        ("clotho-aqa", "sounds.descriptions:ClothoAqa", "Clotho-AQA's questions and answers"),
        ("speaker-trials", "sounds.trials:SpeakerTrials", "pairs of clips, VoxCeleb's lists"),
        ("huggingface", "hub:HuggingFace", "a dataset by hub name or local directory"),
    ):
        registry.add(name, factory=f"evalsuite_sources.{factory}", summary=summary)
