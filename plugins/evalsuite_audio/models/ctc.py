"""Transcribers with a CTC head through transformers: wav2vec 2.0, HuBERT, MMS and their kin.

Cutting frames of padding is not enough where padding reaches the clip's own frames: through
statistics over time (group normalisation), through several positional convolutions in a row, or
through relative positions counted from the padded end. Such models hear one clip at a time,
whatever their attention mask says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from transformers import AutoModelForCTC

import evalsuite
from evalsuite import DifferentiableView, LoadSettings, ModelError, ModelInfo, UsageError
from evalsuite.content import Content
from evalsuite_audio.models.ctc_gradients import alignment_view
from evalsuite_audio.models.ctc_labels import Labels
from evalsuite_audio.models.ctc_model import CtcModel, Decoding
from evalsuite_audio.models.padding import ALONE, PADDED, can_pad
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    fingerprint,
    load_processor,
    load_weights,
    open_checkpoint,
)
from evalsuite_transformers.torch_model import count_parameters

METHODS = frozenset({"transcribe", "align", "differentiate"})

# They read a spectrogram, which is normalised over the clip; also one at a time.
SPECTROGRAM = frozenset({"wav2vec2-bert", "parakeet_ctc"})
FAMILIES = PADDED | ALONE | SPECTROGRAM
# Two windows of 25 ms: fewer leave no variance to normalise a spectrogram by.
SHORTEST_SPECTROGRAM_S = 0.05


@dataclass(frozen=True)
class Options(Decoding):
    """How labels become words, and in which language.

    Args:
        target_lang: The adapter to load, in the checkpoint's own code (MMS: ``fra``, ``deu``).
    """

    target_lang: str = ""

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Options:
        """The options of a checkpoint's settings; raises UsageError for unknown or wrong ones."""
        return checkpoint.options_of(cls)


class Loader:
    """The loader behind ``hf/ctc-transcriber:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        return _info(reference, _open(reference, settings)[0])

    def load(self, reference: str, settings: LoadSettings) -> CtcTranscriber:
        """Load weights and processor, and the adapter of a language where one is asked for."""
        checkpoint, options = _open(reference, settings)
        processor = load_processor(checkpoint)
        module = load_weights(AutoModelForCTC, checkpoint)
        if options.target_lang:
            _speak(options.target_lang, checkpoint, module, processor.tokenizer)
        return CtcTranscriber(reference, checkpoint, options, module, processor)


def _open(reference: str, settings: LoadSettings) -> tuple[Checkpoint, Options]:
    """The checkpoint; raises ModelError for a family whose padding has not been looked into."""
    checkpoint = open_checkpoint(reference, settings)
    options = Options.of(checkpoint)
    family = checkpoint.config.model_type
    if family not in FAMILIES:
        raise ModelError(
            f"Model {reference!r} is of the family {family!r}, and whether padding changes its "
            f"transcripts is not known here. The families are {', '.join(sorted(FAMILIES))}."
        )
    if options.target_lang and getattr(checkpoint.config, "adapter_attn_dim", None) is None:
        raise UsageError(
            f"Model {reference!r} has no adapters, so the option target_lang means nothing to it. "
            "The option language says which language it writes."
        )
    return checkpoint, options


def _speak(language: str, checkpoint: Checkpoint, module: Any, tokenizer: Any) -> None:
    """Load a language's adapter and letters; raises ModelError where there are none."""
    vocabularies = [code for code, found in tokenizer.vocab.items() if isinstance(found, dict)]
    if language not in vocabularies:
        shown = ", ".join(sorted(vocabularies)[:12]) or "none"
        raise ModelError(
            f"Model {checkpoint.reference!r} has no letters for {language!r}; it has those of "
            f"{len(vocabularies)} languages ({shown}{', ...' if len(vocabularies) > 12 else ''})."
        )
    options = checkpoint.settings.options
    safe_only = not options.get("allow_pickle", False)
    try:
        module.load_adapter(
            language,
            revision=options.get("revision"),
            use_safetensors=True if safe_only else None,
        )
    except (OSError, ValueError) as error:
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"The adapter of model {checkpoint.reference!r} for {language!r} could not be loaded: "
            f"{first_line}"
        ) from error
    module.eval()
    tokenizer.set_target_lang(language)


def _info(reference: str, checkpoint: Checkpoint, **facts: Any) -> ModelInfo:
    return ModelInfo(
        name=f"hf:{reference}",
        kind="CTC transcriber",
        modalities=frozenset({"audio"}),
        methods=METHODS,
        revision=checkpoint.revision,
        **facts,
    )


def labels_of(tokenizer: Any) -> Labels:
    """What a tokenizer says of its labels; its padding token is the blank."""
    tokens = {token: index for token, index in tokenizer.get_vocab().items() if index is not None}
    blank, unknown = tokenizer.pad_token_id, tokenizer.unk_token_id
    separator = tokens.get(getattr(tokenizer, "word_delimiter_token", None))

    def spell(word: str) -> tuple[int, ...] | None:
        found = tuple(tokenizer(word, add_special_tokens=False).input_ids)
        return None if not found or {blank, unknown, separator} & set(found) else found

    return Labels(
        blank=blank,
        separator=separator,
        openers=frozenset(i for token, i in tokens.items() if token.startswith("\u2581")),
        write=lambda path: str(tokenizer.decode(list(path))),
        spell=spell,
    )


class CtcTranscriber(CtcModel):
    """A speech encoder with a letter at every frame."""

    def __init__(
        self,
        reference: str,
        checkpoint: Checkpoint,
        options: Options,
        module: Any,
        processor: Any,
    ) -> None:
        """Find out whether this model can be padded."""
        self.processor = processor
        self.extractor = processor.feature_extractor
        self.decoding = options
        self.language = options.language
        self.labels = labels_of(processor.tokenizer)
        self.sample_rate_hz = int(self.extractor.sampling_rate)
        self.reads_spectrogram = module.config.model_type in SPECTROGRAM
        self.can_pad = can_pad(module.config, self.extractor)
        info = _info(
            reference,
            checkpoint,
            n_parameters=count_parameters(module),
            sample_rate_hz=self.sample_rate_hz,
            details={
                "class": type(module).__name__,
                "decoding": options.description,
                "language": self.writes or "its own; the checkpoint does not say which",
                "batches": "padded, with a mask" if self.can_pad else "one clip at a time",
            },
        )
        mark = fingerprint(
            checkpoint.reference,
            checkpoint.revision,
            module.dtype,
            options,
            version=evalsuite.__version__,
        )
        super().__init__(info, mark, module)

    @property
    def writes(self) -> str | None:
        """The language asked for, or that of the adapter."""
        spoken = getattr(self.processor.tokenizer, "target_lang", None)
        return self.language or (str(spoken) if spoken else None)

    def n_frames(self, n_samples: int) -> int:
        """Frames of a clip alone, from its samples."""
        if self.reads_spectrogram:  # the extractor makes the rows; enough for one is enough
            return int(n_samples >= SHORTEST_SPECTROGRAM_S * self.sample_rate_hz)
        return self._own_frames(torch.tensor([n_samples]))[0]

    def seconds_per_frame(self, n_samples: int, n_frames: int) -> float:
        """From the strides of the convolutions, or the share of the clip under a spectrogram."""
        config = self.module.config
        if self.reads_spectrogram:
            return n_samples / n_frames / self.sample_rate_hz
        stride = prod(config.conv_stride)
        if getattr(config, "add_adapter", False):
            stride *= config.adapter_stride**config.num_adapter_layers
        return stride / self.sample_rate_hz

    def _own_frames(self, lengths: torch.Tensor) -> list[int]:
        """Frames that inputs of these lengths (samples, or rows of a spectrogram) come to."""
        count = getattr(self.module, "_get_subsampling_output_length", None)
        count = count or self.module._get_feat_extract_output_lengths
        return [max(0, int(n)) for n in count(lengths)]

    def logits(self, waveforms: Sequence[Any]) -> list[torch.Tensor]:
        """Float32 scores [frames, labels] of each clip, frames of padding cut off."""
        inputs = self.extractor(
            list(waveforms),
            sampling_rate=self.sample_rate_hz,
            padding=self.can_pad,
            return_tensors="pt",
        ).to(self.device)
        values = {
            name: value.to(self.dtype) if value.is_floating_point() else value
            for name, value in inputs.items()
        }
        with torch.inference_mode():
            logits = self.module(**values).logits.float()
        lengths = torch.tensor([len(waveform) for waveform in waveforms])
        if self.reads_spectrogram:
            lengths = inputs["attention_mask"].sum(-1).cpu()
        return [row[:n] for row, n in zip(logits, self._own_frames(lengths), strict=True)]

    def differentiable_view(
        self,
        content: Content,
        target: str,
        *,
        medium: str = "text",
        grid: tuple[int, int] = (0, 0),
    ) -> DifferentiableView:
        """A clip; the output is how well the target's words fit it, as an alignment's score."""
        return alignment_view(self, content, target, medium, grid)
