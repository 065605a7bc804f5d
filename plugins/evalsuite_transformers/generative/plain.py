"""The plain way: the processor prepares each prompt with its media, the model reads it whole.

It is what the faster ways are compared with, and what models are run by that do something with
media on the way which ``inputs_embeds`` cannot carry.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
)

from evalsuite import ContinuationScore, TokenEntropyTable
from evalsuite_transformers.generative.bounded_memory import BoundedMemory
from evalsuite_transformers.generative.medium import PER_TOKEN, Medium, Tensors, placed
from evalsuite_transformers.generative.prompt import Prompt
from evalsuite_transformers.generative.sampling import choose
from evalsuite_transformers.generative.token_entropies import entropy_table
from evalsuite_transformers.generative.token_scores import chosen_scores, split_scores
from evalsuite_transformers.generative.writing import Row, Scribe
from evalsuite_transformers.sampling import leaving

Tail = tuple[int, ...]
Inputs = Tensors
# Tokens of one pass, whose logits are as wide as the vocabulary.
_PASS_TOKENS = 4_096
# Prepared prompts that are kept: their length is asked for before they are read.
_PREPARED_BYTES = 256 * 2**20


class PlainModel:
    """A generative model that reads token ids and media.

    Attributes:
        keeps_prompts: Whether the continuations of a prompt go on from its keys and values.
        n_prompts_read: Prompts with media that went through the model when scoring.
    """

    def __init__(self, module: Any, processor: Any, media: Sequence[Medium], pad_id: int) -> None:
        """Look at what the model takes."""
        self.module, self.processor, self.pad_id = module, processor, pad_id
        self.media = tuple(media)
        parameters = inspect.signature(module.forward).parameters
        self._takes_types = "token_type_ids" in parameters
        self._takes_places = "logits_to_keep" in parameters
        self._takes_positions = "position_ids" in parameters
        self.keeps_prompts = False
        self.n_prompts_read = 0
        self._prepared: BoundedMemory[Prompt, Inputs] = BoundedMemory(_PREPARED_BYTES)

    def prepare(self, prompt: Prompt) -> Inputs:
        """One prompt as the model's inputs, batch of one, on the CPU."""
        known = self._prepared.get(prompt)
        if known is None:
            known = self._prepare(prompt)
            n_bytes = sum(value.numel() * value.element_size() for value in known.values())
            self._prepared.put(prompt, known, n_bytes)
        return known

    def _prepare(self, prompt: Prompt) -> Inputs:
        arguments: dict[str, Any] = {}
        for medium in self.media:
            if parts := prompt.of(medium):
                arguments |= medium.arguments(parts)
        inputs = dict(
            self.processor(
                text=[prompt.text],
                return_tensors="pt",
                add_special_tokens=False,
                **arguments,
            )
        )
        if not self._takes_types:
            inputs.pop("token_type_ids", None)
        return inputs

    def n_tokens(self, prompt: Prompt) -> int:
        """Length of a prompt as the processor writes it."""
        return int(self.prepare(prompt)["input_ids"].shape[1])

    def score(self, rows: Sequence[tuple[Prompt, Tail]]) -> list[ContinuationScore]:
        """Log P(tail | prompt) for each row; each distinct row is read once."""
        distinct = list(dict.fromkeys(rows))
        if self.keeps_prompts:
            known = self._score_from_prompts(distinct)
        else:
            known = self._score_rows(distinct)
        return [known[row] for row in rows]

    def _score_rows(
        self, rows: Sequence[tuple[Prompt, Tail]]
    ) -> dict[tuple[Prompt, Tail], ContinuationScore]:
        """Rows in right-padded batches."""
        found = {}
        for group, logits, at in self._read(rows):
            answers = _scores(logits, at, [rows[i][1] for i in group])
            found |= dict(zip((rows[i] for i in group), answers, strict=True))
        return found

    def entropies(
        self, rows: Sequence[tuple[Prompt, Tail]], orders: Sequence[float], *, with_media: bool
    ) -> list[TokenEntropyTable]:
        """Entropies before each token of each tail, and at the media, in order of rows."""
        distinct = list(dict.fromkeys(rows))
        found = {}
        for group, logits, at in self._read(distinct, with_media=with_media):
            for number, (index, places) in enumerate(zip(group, at, strict=True)):
                tail = distinct[index][1]
                n = len(places) - len(tail)
                found[distinct[index]] = entropy_table(
                    logits[number], places[n:], tail, places[:n], orders, lambda rows: rows
                )
        return [found[row] for row in rows]

    def _media_places(self, prompt: Prompt) -> torch.Tensor:
        """Where the tokens of its images and clips stand."""
        ids = self.prepare(prompt)["input_ids"][0]
        kinds = torch.tensor([medium.token_id for medium in self.media if prompt.of(medium)])
        return torch.isin(ids, kinds).nonzero()[:, 0]

    def _read(
        self, rows: Sequence[tuple[Prompt, Tail]], *, with_media: bool = False
    ) -> Iterator[tuple[list[int], torch.Tensor, list[torch.Tensor]]]:
        """Right-padded batches: indices of rows, logits, and in them the places before tokens.

        With media their own places come first.
        """
        prepared = {prompt: self.prepare(prompt) for prompt, _ in rows}
        # The last token of a tail is scored, never read.
        whole = [extended(prepared[prompt], tail[:-1]) for prompt, tail in rows]
        starts = [prepared[prompt]["input_ids"].shape[1] for prompt, _ in rows]
        for group in _groups(whole):
            inputs = self.on_device(_joined([whole[i] for i in group], self.pad_id, is_left=False))
            places = [torch.arange(starts[i] - 1, whole[i]["input_ids"].shape[1]) for i in group]
            if with_media:
                media = [self._media_places(rows[i][0]) for i in group]
                places = [torch.cat(pair) for pair in zip(media, places, strict=True)]
            self.n_prompts_read += len(group)
            yield group, *self._logits(inputs, places)

    def _logits(
        self, inputs: Inputs, places: Sequence[torch.Tensor]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Logits [rows, kept, vocabulary], and the index of each row's places among the kept."""
        n = inputs["input_ids"].shape[1]
        kept = torch.cat(list(places)).unique()
        extra: dict[str, Any] = {"use_cache": False}
        if self._takes_places:
            extra["logits_to_keep"] = kept.to(self.module.device)
        with torch.inference_mode():
            logits = self.module(**inputs, **extra).logits
        if self._takes_places and logits.shape[1] == len(kept):
            return logits, [torch.searchsorted(kept, one) for one in places]
        if logits.shape[1] != n:
            raise ValueError(
                f"{type(self.module).__name__} returned {logits.shape[1]} positions for {n} "
                "tokens, so continuations cannot be located"
            )
        return logits, list(places)

    def _score_from_prompts(
        self, rows: Sequence[tuple[Prompt, Tail]]
    ) -> dict[tuple[Prompt, Tail], ContinuationScore]:
        """One prompt after another: read once, its continuations from its keys and values."""
        tails: dict[Prompt, list[Tail]] = defaultdict(list)
        for prompt, tail in rows:
            tails[prompt].append(tail)
        found = {}
        for prompt, own in tails.items():
            inputs = self.on_device(self.prepare(prompt))
            last = {"logits_to_keep": 1} if self._takes_places else {}
            with torch.inference_mode():
                output = self.module(**inputs, **last, use_cache=True)
                logits = self._continued(output, own, bool(prompt.media))
            self.n_prompts_read += 1
            places = [torch.arange(len(tail)) for tail in own]
            answers = _scores(logits, places, own)
            found |= dict(zip(((prompt, tail) for tail in own), answers, strict=True))
        return found

    def _continued(self, output: Any, tails: Sequence[Tail], has_media: bool) -> torch.Tensor:
        """Logits [tails, longest tail, vocabulary], the first from the prompt's own end."""
        first = output.logits[:, -1:].expand(len(tails), -1, -1)
        longest = max(map(len, tails)) - 1
        if not longest:
            return first
        ids = torch.full((len(tails), longest), self.pad_id)
        for row, tail in zip(ids, tails, strict=True):
            row[: len(tail) - 1] = torch.tensor(tail[:-1])
        cache = output.past_key_values
        extra = {}
        if self._takes_positions and not has_media:
            # Qwen2-VL would go on from where the last prompt with an image ended.
            begin = cache.get_seq_length()
            places = torch.arange(begin, begin + longest, device=self.module.device)
            extra["position_ids"] = places.expand(len(tails), -1)
        cache.batch_repeat_interleave(len(tails))
        # Nothing is masked: padding is on the right, where no scored token looks.
        rest = self.module(
            input_ids=ids.to(self.module.device), past_key_values=cache, use_cache=True, **extra
        ).logits
        return torch.cat([first, rest], dim=1)

    def write(self, scribe: Scribe, prompts: Sequence[Prompt], rows: Sequence[Row]) -> None:
        """Let every row write after its prompt, by the library's own ``generate``."""
        prepared = [self.prepare(prompt) for prompt in prompts]
        for group in _groups(prepared):
            inputs = _joined([prepared[index] for index in group], self.pad_id, is_left=True)
            self._write_together(scribe, self.on_device(inputs), [rows[index] for index in group])

    def _write_together(self, scribe: Scribe, inputs: Inputs, rows: list[Row]) -> None:
        pen = _Pen(scribe, rows)
        with torch.inference_mode():
            self.module.generate(
                **inputs,
                do_sample=False,
                max_new_tokens=max(row.n_new for row in rows),
                logits_processor=LogitsProcessorList([pen]),
                stopping_criteria=StoppingCriteriaList([_Done(rows)]),
            )

    def on_device(self, inputs: Inputs) -> Inputs:
        """Inputs where the model is, media in its number format."""
        return placed(inputs, self.module)


class _Pen(LogitsProcessor):
    """Chooses the tokens itself, each row by its own request, and leaves one possible token."""

    def __init__(self, scribe: Scribe, rows: Sequence[Row]) -> None:
        self.scribe, self.rows = scribe, rows

    def __call__(self, input_ids: Any, scores: Any) -> torch.Tensor:
        tokens = choose(scores.float(), [row.choice for row in self.rows])
        for row, token in zip(self.rows, tokens, strict=True):
            if not row.is_done:
                self.scribe.take(row, token)
        return leaving(scores, tokens)


class _Done(StoppingCriteria):
    """Ends the rows that have written their last token."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> torch.Tensor:
        return torch.tensor([row.is_done for row in self.rows], device=input_ids.device)


def _scores(
    logits: torch.Tensor, places: Sequence[torch.Tensor], tails: Sequence[Tail]
) -> list[ContinuationScore]:
    """Scores from logits [rows, n, vocabulary] and the places in them."""
    width = logits.shape[1]
    flat = torch.cat([one + row * width for row, one in enumerate(places)])
    targets = torch.tensor([token for tail in tails for token in tail])
    scores, greedy = chosen_scores(logits.flatten(0, 1), flat, targets, lambda rows: rows)
    return split_scores(scores, greedy, [len(tail) for tail in tails])


def extended(inputs: Inputs, tail: Tail) -> Inputs:
    """A prompt's inputs with more tokens appended."""
    row = dict(inputs)
    ids = torch.tensor([tail], dtype=torch.long)
    for name, fill in PER_TOKEN.items():
        if name in row:
            more = ids if fill is None else torch.full_like(ids, fill)
            row[name] = torch.cat([row[name], more], dim=1)
    return row


def _groups(rows: Sequence[Inputs]) -> Iterator[list[int]]:
    """Indices of rows that can share a batch: those whose media have tensors of one shape."""
    groups: dict[object, list[int]] = defaultdict(list)
    for index in sorted(range(len(rows)), key=lambda i: -rows[i]["input_ids"].shape[1]):
        media = {n: v.shape[1:] for n, v in rows[index].items() if n not in PER_TOKEN}
        groups[tuple(media.items())].append(index)
    for group in groups.values():
        size = max(1, _PASS_TOKENS // rows[group[0]]["input_ids"].shape[1])
        yield from (group[begin : begin + size] for begin in range(0, len(group), size))


def _joined(rows: Sequence[Inputs], pad_id: int, *, is_left: bool) -> Inputs:
    """Pad per-token tensors to one length and join media tensors along the first axis."""
    longest = max(row["input_ids"].shape[1] for row in rows)
    batch = {}
    for name in rows[0]:
        tensors = [row[name] for row in rows]
        if name in PER_TOKEN:
            fill = pad_id if name == "input_ids" else 0
            gaps = [longest - tensor.shape[1] for tensor in tensors]
            sides = [(gap, 0) if is_left else (0, gap) for gap in gaps]
            tensors = [
                torch.nn.functional.pad(tensor, side, value=fill)
                for tensor, side in zip(tensors, sides, strict=True)
            ]
        batch[name] = torch.cat(tensors)
    return batch
