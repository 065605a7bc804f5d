"""Moonshine through transformers (Jeffries et al. 2024): short clips, as long as they are.

The encoder reads the waveform itself and normalises over time, so padding changes a transcript:
clips are heard one at a time. Its decoder has room for half a minute of speech; a longer clip is a
failure, not a cut transcript.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import torch

from evalsuite import (
    Audio,
    ContinuationScore,
    DifferentiableView,
    Failure,
    LogLikelihood,
    Request,
    Transcribe,
    Transcript,
    UsageError,
)
from evalsuite.content import Content
from evalsuite_audio.models.asked import refusal
from evalsuite_audio.models.moonshine_words import score_of, words_view
from evalsuite_audio.models.seq2seq_transcriber import Seq2SeqTranscriber
from evalsuite_transformers.checkpoint import Checkpoint
from evalsuite_transformers.written_text import neutral_settings, text_of_ids

# The authors' bound against endless repetition, and the longest clips that they train on.
TOKENS_PER_SECOND = 6.5
LONGEST_S = 30


@dataclass(frozen=True)
class Options:
    """How transcripts are written.

    Args:
        language: The language that the checkpoint writes, which it does not say.
        num_beams: Beams; 1 is greedy search.
    """

    language: str = ""
    num_beams: int = 1

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Options:
        """The options of a checkpoint's settings; raises UsageError for unknown or wrong ones."""
        options = checkpoint.options_of(cls)
        beams = options.num_beams
        if not isinstance(beams, int) or isinstance(beams, bool) or beams < 1:
            raise UsageError(f"Model option num_beams must be an integer from 1 (got {beams!r}).")
        if not isinstance(options.language, str):
            raise UsageError(f"Model option language must be a code (got {options.language!r}).")
        return options


class MoonshineTranscriber(Seq2SeqTranscriber):
    """A MoonshineForConditionalGeneration."""

    options_class = Options
    methods = frozenset({"transcribe", "loglikelihood", "differentiate"})

    def set_up(self, reference: str, module: Any) -> Mapping[str, str]:
        """Greedy search or so many beams, whatever the checkpoint says."""
        beams = self.options.num_beams
        start = int(module.config.decoder_start_token_id)
        settings, set_aside = neutral_settings(module.generation_config, self.tokenizer, start)
        settings.decoder_start_token_id = start
        settings.num_beams = beams
        module.generation_config = settings
        details = {
            "decoding": f"{beams} beams" if beams > 1 else "greedy",
            "language": self.options.language or "its own; the checkpoint does not say which",
            "batches": "one clip at a time",
            "longest clip": f"{LONGEST_S} s",
            "longest transcript": f"{TOKENS_PER_SECOND} tokens for each second",
        }
        return details | ({"generation settings set aside": set_aside} if set_aside else {})

    def cost(self, request: Request) -> int:
        """Positions of the encoder, of 384 samples."""
        clips = [part for part in request.parts if isinstance(part, Audio)]
        return 1 + sum(clip.n_samples(self.sample_rate_hz) // 384 for clip in clips)

    def transcribe(self, requests: Sequence[Transcribe]) -> list[Transcript | Failure]:
        """Transcripts, empty ones included; clips too short or too long to be heard fail."""
        return [self._transcribe(request) for request in requests]

    def _transcribe(self, request: Transcribe) -> Transcript | Failure:
        refused = refusal(request, self.options.language or None)
        if refused is not None:
            return refused
        if request.word_times:
            return Failure("no word times", "Moonshine does not say when a word is spoken")
        values = self.heard(request.audio)
        if isinstance(values, Failure):
            return values
        seconds = values.shape[1] / self.sample_rate_hz
        room = int(self.module.config.max_position_embeddings) - 1
        with torch.inference_mode():
            (row,) = self.module.generate(
                input_values=values.to(self.dtype),
                max_new_tokens=min(room, max(1, ceil(seconds * TOKENS_PER_SECOND))),
            )
        return Transcript(text_of_ids(self.tokenizer, row.tolist()).strip())

    def heard(self, clip: Audio) -> torch.Tensor | Failure:
        """The waveform [1, samples] as the encoder is given it; or why it cannot be heard."""
        waveform, _ = clip.load(self.sample_rate_hz)
        n_samples = len(waveform)
        if self.module._get_feat_extract_output_lengths(torch.tensor(n_samples)) < 1:
            return Failure("too short", f"{n_samples} samples make no frame of this model")
        seconds = n_samples / self.sample_rate_hz
        if seconds > LONGEST_S:
            return Failure("clip too long", f"it has {seconds:.1f} s; Moonshine hears {LONGEST_S}")
        inputs = self.extractor(waveform, sampling_rate=self.sample_rate_hz, return_tensors="pt")
        values: torch.Tensor = inputs["input_values"].to(self.device)
        return values

    def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[ContinuationScore | Failure]:
        """Log P(continuation | clip and text), in nats, without the end token; one by one."""
        return [score_of(self, request) for request in requests]

    def differentiable_view(
        self, content: Content, target: str, *, medium: str = "audio", grid: tuple[int, int]
    ) -> DifferentiableView:
        """The waveform; the output is the log-probability of the target's words."""
        return words_view(self, content, target, medium, grid)
