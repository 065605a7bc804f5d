"""What every CTC transcriber does with the label scores of its frames.

A clip's frames end where its own samples end: frames of padding are never decoded, so that the
company of a longer clip adds no letters. Clips of similar length are heard together, so that
little is padded.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from evalsuite import Align, Alignment, Failure, Request, Transcribe, Transcript, UsageError
from evalsuite_audio.models.asked import refusal
from evalsuite_audio.models.ctc_alignment import align, best_path
from evalsuite_audio.models.ctc_beam import best_labelling
from evalsuite_audio.models.ctc_labels import Labels, path_of, timed_words
from evalsuite_transformers.torch_model import TorchModel, count_parameters

# Samples of a frame of wav2vec 2.0; only an estimate of cost.
FRAME = 320
# Frames in one pass on a CPU: more leave its caches, and cost more than they save. In a tiny model
# (up to so many weights), what every pass costs counts more.
CPU_FRAMES, CPU_FRAMES_TINY, TINY = 200, 1600, 5_000_000
# Clips heard together on a CPU are at least this long beside the longest: it pays for padding too.
ALIKE = 0.9


@dataclass(frozen=True)
class Decoding:
    """How labels become words.

    Args:
        decoding: ``greedy`` takes the likeliest label of each frame, ``beam`` looks for the
            likeliest labelling.
        beam_width: Prefixes that a beam holds.
        language: The language that the model writes, where the checkpoint does not say.
    """

    decoding: Literal["greedy", "beam"] = "greedy"
    beam_width: int = 16
    language: str = ""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        if self.decoding not in ("greedy", "beam"):
            raise UsageError(
                f"Model option decoding must be greedy or beam (got {self.decoding!r})."
            )
        width = self.beam_width
        if not isinstance(width, int) or isinstance(width, bool) or width < 1:
            raise UsageError(f"Model option beam_width must be an integer from 1 (got {width!r}).")
        if not isinstance(self.language, str):
            raise UsageError(f"Model option language must be a code (got {self.language!r}).")

    @property
    def description(self) -> str:
        """As a report prints it."""
        if self.decoding == "greedy":
            return "greedy"
        return f"beam of {self.beam_width} prefixes, no language model"


class CtcModel(TorchModel):
    """A model with a score for every label at every frame.

    Subclasses set these attributes and say how clips are heard.

    Attributes:
        sample_rate_hz: The rate that clips are resampled to.
        labels: What the labels stand for.
        decoding: How they become words.
        can_pad: Whether clips of several lengths can be heard at once without changing a letter.
    """

    sample_rate_hz: int
    labels: Labels
    decoding: Decoding
    can_pad: bool

    @property
    @abstractmethod
    def writes(self) -> str | None:
        """The language that is written, or None where that is not known."""

    @abstractmethod
    def logits(self, waveforms: Sequence[Any]) -> list[torch.Tensor]:
        """Float32 scores [frames, labels] of each clip, its own frames only."""

    @abstractmethod
    def n_frames(self, n_samples: int) -> int:
        """Frames of a clip alone; 0 where it is too short to be heard."""

    @abstractmethod
    def seconds_per_frame(self, n_samples: int, n_frames: int) -> float:
        """Time from one frame to the next."""

    def cost(self, request: Request) -> int:
        """Frames, of 320 samples as in wav2vec 2.0."""
        if isinstance(request, Transcribe | Align):
            return 1 + request.audio.n_samples(self.sample_rate_hz) // FRAME
        return 1

    def transcribe(self, requests: Sequence[Transcribe]) -> list[Transcript | Failure]:
        """Transcripts, empty ones included.

        A clip without a single frame is a failure, and so is a translation, or a language that
        the model does not write.
        """
        refusals = [refusal(request, self.writes) for request in requests]

        def answer(index: int, heard: Any, seconds_per_frame: float) -> Transcript:
            return self._written(heard, requests[index].word_times, seconds_per_frame)

        read: Any = _scores
        if self.decoding.decoding == "greedy":
            read = _on_the_cpu if any(request.word_times for request in requests) else _paths
        return self._heard(requests, refusals, read, answer)

    def align(self, requests: Sequence[Align]) -> list[Alignment | Failure]:
        """Times of given words; fails where the model cannot write them or the clip is too short.

        The score is the log-probability of the best path for each frame, in nats.
        """

        def answer(index: int, scores: Any, seconds_per_frame: float) -> Any:
            return align(scores, requests[index].text, self.labels, seconds_per_frame)

        return self._heard(requests, [None] * len(requests), _scores, answer)

    def _heard(
        self, requests: Sequence[Any], refusals: Sequence[Any], read: Any, answer: Any
    ) -> list[Any]:
        """``answer(index, heard, seconds per frame)`` of each clip that is not refused.

        ``read`` brings over what is heard of the clips of a pass from their logits, all at once.
        """
        clips = [request.audio.load(self.sample_rate_hz)[0] for request in requests]
        lengths = [self.n_frames(len(clip)) for clip in clips]
        answers: dict[int, Any] = {}
        for index, refused in enumerate(refusals):
            if refused is None and not lengths[index]:
                told = f"{len(clips[index])} samples make no frame of this model"
                refused = Failure("too short", told)
            if refused is not None:
                answers[index] = refused
        open_ones = [index for index in range(len(requests)) if index not in answers]
        for group in self._groups(open_ones, lengths):
            logits = self.logits([clips[index] for index in group])
            for index, heard in zip(group, read(logits), strict=True):
                step = self.seconds_per_frame(len(clips[index]), len(heard))
                answers[index] = answer(index, heard, step)
        return [answers[index] for index in range(len(requests))]

    def _groups(self, indices: Sequence[int], lengths: Sequence[int]) -> list[list[int]]:
        """Clips to hear at once, of similar length."""
        if not self.can_pad:
            return [[index] for index in indices]
        ordered = sorted(indices, key=lambda index: -lengths[index])
        if self.device.type != "cpu":
            return [ordered] if ordered else []
        is_tiny = count_parameters(self.module) < TINY
        most, alike = (CPU_FRAMES_TINY, 0.0) if is_tiny else (CPU_FRAMES, ALIKE)
        groups: list[list[int]] = []
        for index in ordered:
            longest = lengths[groups[-1][0]] if groups else 0
            fits = groups and longest * (len(groups[-1]) + 1) <= most
            if fits and lengths[index] >= alike * longest:
                groups[-1].append(index)
            else:
                groups.append([index])
        return groups

    def _written(self, heard: Any, word_times: bool, step: float) -> Transcript:
        """The words of a path, or of logits [frames, labels] by the decoding asked for."""
        path = heard if isinstance(heard, list) else self._path(heard, word_times)
        text = self.labels.write(path)
        if not word_times:
            return Transcript(text)
        posteriors = None
        if len(path) == len(heard):
            frames = torch.arange(len(path))
            labels = torch.tensor(path, dtype=torch.long)
            posteriors = heard.log_softmax(-1)[frames, labels].exp().tolist()
        return Transcript(text, tuple(timed_words(path, self.labels, step, posteriors)))

    def _path(self, scores: torch.Tensor, in_frames: bool) -> list[int]:
        """The labels found; one for each frame where that is asked for and can be had."""
        if self.decoding.decoding == "greedy":
            return [int(label) for label in scores.argmax(-1)]
        blank = self.labels.blank
        labelling = best_labelling(scores, blank, self.decoding.beam_width)
        # The likeliest frames of the labels that were found.
        found = best_path(scores, labelling, blank) if in_frames and labelling else None
        return list(found[0]) if found is not None else path_of(labelling, blank)


def _paths(logits: Sequence[torch.Tensor]) -> list[list[int]]:
    """The likeliest label of each frame."""
    labels = torch.cat([row.argmax(-1) for row in logits]).cpu()
    return [part.tolist() for part in labels.split([len(row) for row in logits])]


def _on_the_cpu(logits: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
    """The logits [frames, labels] as they are."""
    return torch.cat(list(logits)).cpu().split([len(row) for row in logits])


def _scores(logits: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
    """Log-probabilities [frames, labels], on the CPU."""
    scores = torch.cat([row.log_softmax(-1) for row in logits]).cpu()
    return scores.split([len(row) for row in logits])
