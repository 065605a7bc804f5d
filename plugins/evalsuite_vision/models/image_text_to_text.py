"""Generative image-text models: text given images, scored and written.

The processor runs on each prompt with its images, so that placeholders expand to as many tokens as
the model has patches; the continuation's tokens are appended after that. Rows are right padded, so
that an answer does not depend on its batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoModelForImageTextToText

import evalsuite
from evalsuite import (
    ContinuationScore,
    Failure,
    Generate,
    Generation,
    Image,
    LoadSettings,
    LogLikelihood,
    ModelInfo,
    Request,
)
from evalsuite.content import Content, Text
from evalsuite_transformers.checkpoint import (
    Checkpoint,
    fingerprint,
    load_processor,
    load_weights,
    open_checkpoint,
)
from evalsuite_transformers.torch_model import TorchModel, count_parameters

METHODS = frozenset({"loglikelihood", "generate"})
# One value per token: these grow with the continuation; every other tensor belongs to the images.
_PER_TOKEN = {"input_ids": None, "attention_mask": 1, "mm_token_type_ids": 0}


class Loader:
    """The loader behind ``hf/image-text-to-text:``."""

    def describe(self, reference: str, settings: LoadSettings) -> ModelInfo:
        """What the configuration says."""
        checkpoint = open_checkpoint(reference, settings)
        checkpoint.refuse_unknown_options()
        return _info(reference, checkpoint)

    def load(self, reference: str, settings: LoadSettings) -> ImageTextToText:
        """Load weights and processor."""
        checkpoint = open_checkpoint(reference, settings)
        checkpoint.refuse_unknown_options()
        processor = load_processor(checkpoint)
        module = load_weights(AutoModelForImageTextToText, checkpoint)
        return ImageTextToText(reference, checkpoint, module, processor)


def _info(reference: str, checkpoint: Checkpoint, **facts: Any) -> ModelInfo:
    return ModelInfo(
        name=f"hf:{reference}",
        kind="generative image-text model",
        modalities=frozenset({"image", "text"}),
        methods=METHODS,
        revision=checkpoint.revision,
        **facts,
    )


class ImageTextToText(TorchModel):
    """A vision tower whose features stand among a language model's tokens."""

    def __init__(self, reference: str, checkpoint: Checkpoint, module: Any, processor: Any) -> None:
        """Keep the processor and find a padding token."""
        self.processor = processor
        self.tokenizer = processor.tokenizer
        pad, end = self.tokenizer.pad_token_id, self.tokenizer.eos_token_id
        self.pad_id = int(pad if pad is not None else (end or 0))
        image_processor = type(processor.image_processor).__name__
        info = _info(
            reference,
            checkpoint,
            n_parameters=count_parameters(module),
            details={"class": type(module).__name__, "image processor": image_processor},
        )
        mark = fingerprint(
            checkpoint.reference,
            checkpoint.revision,
            module.dtype,
            image_processor,
            version=evalsuite.__version__,
        )
        super().__init__(info, mark, module)

    def cost(self, request: Request) -> int:
        """Tokens, estimated: 256 for each image and one for three characters."""
        parts = request.parts
        images = sum(isinstance(part, Image) for part in parts)
        letters = sum(len(part.text) for part in parts if isinstance(part, Text))
        new = request.max_tokens if isinstance(request, Generate) else 8
        return 256 * images + letters // 3 + new

    def _prepare(self, content: Content) -> dict[str, torch.Tensor]:
        """One prompt as the model's inputs, batch of one."""
        items = [
            {"type": "image"} if isinstance(part, Image) else {"type": "text", "text": part.text}
            for part in content
            if isinstance(part, Image | Text)
        ]
        if self.processor.chat_template:
            prompt = self.processor.apply_chat_template(
                [{"role": "user", "content": items}], add_generation_prompt=True, tokenize=False
            )
        else:
            token = getattr(self.processor, "image_token", "<image>")
            prompt = "".join(str(item.get("text", token)) for item in items)
        images = [part.load() for part in content if isinstance(part, Image)]
        extra = {"images": images} if images else {}
        inputs = dict(self.processor(text=[prompt], return_tensors="pt", **extra))
        inputs.pop("token_type_ids", None)
        return inputs

    def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[ContinuationScore | Failure]:
        """Log P(continuation | text and images), float32."""
        tails = [
            self.tokenizer(r.continuation, add_special_tokens=False)["input_ids"] for r in requests
        ]
        answers: list[ContinuationScore | Failure] = [
            Failure("empty continuation", "it has no token to score")
        ] * len(requests)
        kept = [i for i, tail in enumerate(tails) if tail]
        if not kept:
            return answers
        rows = [_extended(self._prepare(requests[i].context), tails[i]) for i in kept]
        inputs = _batch(rows, self.pad_id)
        with torch.inference_mode():
            output = self.module(**self._on_device(inputs), use_cache=False).logits
        if output.shape[1] != inputs["input_ids"].shape[1]:
            raise ValueError(
                f"{type(self.module).__name__} returned {output.shape[1]} positions for "
                f"{inputs['input_ids'].shape[1]} tokens, so continuations cannot be located"
            )
        for position, index in enumerate(kept):
            length = rows[position]["input_ids"].shape[1]
            answers[index] = _score(output[position, :length], tails[index])
        return answers

    def generate(self, requests: Sequence[Generate]) -> list[Generation]:
        """Text after each prompt; sampled requests run alone under their own seed."""
        return [self._generate_one(request) for request in requests]

    def _generate_one(self, request: Generate) -> Generation:
        inputs = self._on_device(self._prepare(request.prompt))
        sampling: dict[str, Any] = {"do_sample": False}
        if request.temperature > 0:
            sampling = {
                "do_sample": True,
                "temperature": request.temperature,
                "top_p": request.top_p,
            }
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.inference_mode(), torch.random.fork_rng(devices=devices):
            torch.manual_seed(request.seed)
            output = self.module.generate(
                **inputs, max_new_tokens=request.max_tokens, pad_token_id=self.pad_id, **sampling
            )
        ids = output[0, inputs["input_ids"].shape[1] :].tolist()
        end = self.tokenizer.eos_token_id
        ended = end in ids
        kept = ids[: ids.index(end)] if ended else ids
        text = self.tokenizer.decode(kept, skip_special_tokens=True)
        cut = min((text.find(stop) for stop in request.stop if stop in text), default=-1)
        text = text[:cut] if cut >= 0 else text
        return Generation(text, len(kept), "stop" if ended or cut >= 0 else "length")

    def _on_device(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {
            name: value.to(self.device, self.dtype if value.is_floating_point() else None)
            for name, value in inputs.items()
        }


def _extended(inputs: dict[str, torch.Tensor], tail: list[int]) -> dict[str, torch.Tensor]:
    """A prompt's inputs with the continuation's tokens appended."""
    row = dict(inputs)
    ids = torch.tensor([tail])
    for name, fill in _PER_TOKEN.items():
        if name in row:
            more = ids if fill is None else torch.full_like(ids, fill)
            row[name] = torch.cat([row[name], more], dim=1)
    return row


def _batch(rows: list[dict[str, torch.Tensor]], pad_id: int) -> dict[str, Any]:
    """Pad per-token tensors to one length and join image tensors along the first axis."""
    longest = max(row["input_ids"].shape[1] for row in rows)
    names = dict.fromkeys(name for row in rows for name in row)
    batch = {}
    for name in names:
        tensors = [row[name] for row in rows if name in row]
        if name in _PER_TOKEN:
            fill = pad_id if name == "input_ids" else 0
            gaps = [longest - tensor.shape[1] for tensor in tensors]
            tensors = [
                torch.nn.functional.pad(t, (0, gap), value=fill) for t, gap in zip(tensors, gaps)
            ]
        batch[name] = torch.cat(tensors, dim=0)
    return batch


def _score(logits: torch.Tensor, tail: list[int]) -> ContinuationScore:
    """The scores of a row's last ``len(tail)`` tokens."""
    begin = logits.shape[0] - len(tail)
    scored = logits[begin - 1 : -1].float().log_softmax(-1)
    target = torch.tensor(tail, device=logits.device)
    logprobs = scored.gather(-1, target[:, None])[:, 0]
    return ContinuationScore(
        total=float(logprobs.sum()),
        n_tokens=len(tail),
        is_greedy=bool((scored.argmax(-1) == target).all()),
        token_logprobs=tuple(logprobs.cpu().tolist()),
    )
