"""CoCa of open_clip: captions written and scored, besides the vectors of a dual encoder.

open_clip's own ``generate`` needs a class that transformers 5 no longer has; here the decoder is
called directly. An image is encoded once for all the tokens that are written about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from evalsuite import (
    ContinuationScore,
    EmbedImage,
    Failure,
    Generate,
    Generation,
    Image,
    LogLikelihood,
    Request,
)
from evalsuite.content import Content, text_of
from evalsuite_transformers.sampling import Choice, choose
from evalsuite_vision.models.open_clip import METHODS, OpenClipModel

COCA_METHODS = METHODS | {"generate", "loglikelihood"}
_ONE_IMAGE = Failure("one image", "CoCa reads exactly one image before its text")


class CocaModel(OpenClipModel):
    """A dual encoder with a decoder that looks at the image."""

    @property
    def longest(self) -> int:
        """Tokens that text tower and decoder both read at once."""
        return int(min(self.module.text.context_length, self.module.text_decoder.context_length))

    def cost(self, request: Request) -> int:
        """An image and a text."""
        if not isinstance(request, Generate | LogLikelihood):
            return super().cost(request)
        image = next((part for part in request.parts if isinstance(part, Image)), None)
        return self.longest + (super().cost(EmbedImage(image)) if image is not None else 0)

    def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[ContinuationScore | Failure]:
        """Log P(continuation | image and text), float32."""
        answers: list[ContinuationScore | Failure] = [_ONE_IMAGE] * len(requests)
        for index, request in enumerate(requests):
            image = _image_of(request.context)
            if image is not None:
                answers[index] = self._score(image, request)
        return answers

    def _score(self, image: Image, request: LogLikelihood) -> ContinuationScore | Failure:
        context = self._ids(text_of(request.context))
        whole = self._ids(text_of(request.context) + request.continuation)
        start = next(
            (i for i, (a, b) in enumerate(zip(context, whole)) if a != b),
            min(len(context), len(whole)),
        )
        if start >= len(whole):
            return Failure("empty continuation", "it has no token to score")
        if len(whole) > self.longest:
            return Failure("prompt too long", f"{len(whole)} tokens; it reads {self.longest}")
        logp = self._after(self._seen(image), whole).log_softmax(-1)
        targets = torch.tensor(whole[start:], device=logp.device)
        rows = logp[start - 1 : len(whole) - 1]
        scores = rows.gather(1, targets[:, None])[:, 0]
        return ContinuationScore(
            total=float(scores.sum()),
            n_tokens=len(targets),
            is_greedy=bool((rows.argmax(-1) == targets).all()),
            token_logprobs=tuple(scores.tolist()),
        )

    def generate(self, requests: Sequence[Generate]) -> list[Generation | Failure]:
        """Text after the prompt; greedy, or drawn from the request's own random numbers."""
        return [self._write(request) for request in requests]

    def _write(self, request: Generate) -> Generation | Failure:
        image = _image_of(request.prompt)
        if image is None:
            return _ONE_IMAGE
        ids = self._ids(text_of(request.prompt))
        room = min(request.max_tokens, self.longest - len(ids))
        if room < 1:
            return Failure("prompt too long", f"{len(ids)} tokens; it reads {self.longest}")
        draws = np.random.default_rng([request.seed, *ids])
        choice = Choice(request.temperature, request.top_k, request.top_p, draws)
        seen = self._seen(image)
        written: list[int] = []
        for _ in range(room):
            logits = self._after(seen, [*ids, *written])
            (token,) = choose(logits[None, -1], [choice])
            if token == self.end_id:
                return self._finished(written, request, "stop")
            written.append(token)
            if any(stop in self._text(written) for stop in request.stop):
                return self._finished(written, request, "stop")
        return self._finished(written, request, "length")

    def _finished(self, ids: list[int], request: Generate, reason: Any) -> Generation:
        text = self._text(ids)
        cut = min((text.find(stop) for stop in request.stop if stop in text), default=len(text))
        return Generation(text[:cut], len(ids), reason)

    # --------------------------------------------------------------------------------------------
    # Tokens and passes
    # --------------------------------------------------------------------------------------------

    @property
    def end_id(self) -> int:
        """The token that ends a text."""
        inner = getattr(self.tokenizer, "tokenizer", None)
        if inner is None:
            return int(self.tokenizer.eot_token_id)
        return int(inner.eos_token_id if inner.eos_token_id is not None else inner.sep_token_id)

    def _ids(self, text: str) -> list[int]:
        """The start token and the text's, without end and padding."""
        # No text has more tokens than bytes; the tokenizer would cut at its own length in silence.
        row = self.tokenizer([text], context_length=len(text.encode()) + 3)[0].tolist()
        if self.end_id in row[1:]:
            return row[: row.index(self.end_id, 1)]
        while len(row) > 1 and row[-1] == self.module.pad_id:
            row.pop()
        return row

    def _text(self, ids: Sequence[int]) -> str:
        inner = getattr(self.tokenizer, "tokenizer", None)
        if inner is None:
            return str(self.tokenizer.decode(list(ids))).strip()
        return str(inner.decode(list(ids), skip_special_tokens=True)).strip()

    def _seen(self, image: Image) -> torch.Tensor:
        """What the decoder looks at."""
        pixels = self.transform(image.load())[None].to(self.device, self.dtype)
        with torch.inference_mode():
            return self.module._encode_image(pixels)[1]

    def _after(self, seen: torch.Tensor, ids: Sequence[int]) -> torch.Tensor:
        """Float32 logits after each token [tokens, vocabulary]."""
        tokens = torch.tensor([list(ids)], device=self.device)
        with torch.inference_mode():
            _, states = self.module._encode_text(tokens)
            return self.module.text_decoder(seen, states)[0].float()


def _image_of(content: Content) -> Image | None:
    """The one image of a prompt; None where there is none, or more than one."""
    images = [part for part in content if isinstance(part, Image)]
    return images[0] if len(images) == 1 else None
