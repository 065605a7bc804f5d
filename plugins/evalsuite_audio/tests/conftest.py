"""A suite, written and run as a user would, and a tiny Whisper."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

from evalsuite.cli import run
from evalsuite.store import JobResult, Run

LANGUAGES = ("en", "de")
SPECIAL = ["<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES), "<|translate|>",
           "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>",
           "<|notimestamps|>"]  # fmt: skip


class SuiteFolder:
    """A folder for the clips, tables and models of a suite."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def jobs(self, suite: str) -> dict[str, JobResult]:
        """What the jobs of a suite found, by label."""
        (self.path / "suite.yaml").write_text(f"version: 1\nname: end-to-end\n{suite}")
        out = str(self.path / "run")
        assert run(["run", str(self.path / "suite.yaml"), "-q", "-o", out]) == 0
        return {result.label: result for result in Run.open(Path(out)).results}

    def results(self) -> tuple[JobResult, ...]:
        """Those of all models."""
        return tuple(Run.open(self.path / "run").results)

    def records(self, job: JobResult) -> list[dict[str, object]]:
        """What was found for each sample."""
        return [dict(row.record) for row in Run.open(self.path / "run").samples(job.id)]

    def report(self) -> str:
        """The page about the run."""
        page = self.path / "report.html"
        assert run(["report", str(self.path / "run"), "-o", str(page)]) == 0
        return page.read_text(encoding="utf-8")


@pytest.fixture
def suite_folder(tmp_path: Path) -> SuiteFolder:
    """An empty one."""
    return SuiteFolder(tmp_path)


def whisper_tokenizer():
    """Bytes, and words' beginnings with their space."""
    base = Tokenizer(models.BPE())
    base.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    base.decoder = decoders.ByteLevel()
    vocabulary = {sign: i for i, sign in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    merges = [("\u0120", "c"), ("\u0120c", "a"), ("\u0120ca", "t"), ("\u0120", "m")]
    for one, other in merges:
        vocabulary[one + other] = len(vocabulary)
    end = "<|endoftext|>"
    made = WhisperTokenizer(
        vocab=vocabulary, merges=merges, **{f"{x}_token": end for x in ("unk", "bos", "eos", "pad")}
    )
    made.add_special_tokens({"additional_special_tokens": SPECIAL})
    return made


@pytest.fixture(scope="session")
def small_whisper(tmp_path_factory):
    """The folder of a Whisper of one second, whose weights let sounds and words matter."""
    folder = tmp_path_factory.mktemp("whisper")
    words = whisper_tokenizer()
    ids = words.convert_tokens_to_ids
    ends = {f"{name}_token_id": ids("<|endoftext|>") for name in ("pad", "bos", "eos")}
    config = WhisperConfig(
        vocab_size=len(words), num_mel_bins=16, d_model=32, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=64,
        decoder_ffn_dim=64, max_source_positions=50, max_target_positions=64,
        decoder_start_token_id=ids("<|startoftranscript|>"), tie_word_embeddings=False,
        suppress_tokens=None, begin_suppress_tokens=None, **ends,
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                sharpness = 12.0 if "decoder.embed" in name else 1.0
                weight.normal_(0, sharpness * weight[0].numel() ** -0.5)
        spaced = [i for sign, i in words.get_vocab().items() if sign.startswith("\u0120")]
        model.proj_out.weight[spaced] *= 2  # several words in a transcript
        # From the fifteenth position on all points to the end token, so that transcripts end.
        end = torch.randn(32)
        model.model.decoder.embed_positions.weight[15:] += 400 * end / end.norm()
        model.proj_out.weight[ids("<|endoftext|>")] = 2 * end / end.norm()
    is_word = lambda text: text.isascii() and text.isalpha()
    letters = [i for sign, i in words.get_vocab().items() if is_word(sign.lstrip("\u0120"))]
    silent = sorted(set(words.get_vocab().values()) - set(letters) - {ids("<|endoftext|>")})
    facts = {
        "is_multilingual": True,
        "no_timestamps_token_id": ids("<|notimestamps|>"),
        "lang_to_id": {f"<|{code}|>": ids(f"<|{code}|>") for code in LANGUAGES},
        "task_to_id": {t: ids(f"<|{t}|>") for t in ("translate", "transcribe")},
        "alignment_heads": [[0, 1], [1, 0]],
        "suppress_tokens": silent,
        "begin_suppress_tokens": [ids("<|endoftext|>")],
        "max_length": 24,
    }
    for name, value in facts.items():
        setattr(model.generation_config, name, value)
    model.generation_config._from_model_config = False
    model.save_pretrained(folder)
    extractor = WhisperFeatureExtractor(
        feature_size=16, sampling_rate=16_000, hop_length=160, chunk_length=1, n_fft=400
    )
    WhisperProcessor(feature_extractor=extractor, tokenizer=words).save_pretrained(folder)
    return folder
