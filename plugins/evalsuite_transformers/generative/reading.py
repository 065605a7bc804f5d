"""A prompt as the symbols and positions that a language model reads, media already encoded.

A symbol is a token id, or ``FEATURE`` plus the row of a medium's feature in a bank; two prompts
share a beginning exactly where their symbols do, so images and clips count by what is in them.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from evalsuite_transformers.generative.features import EncodedMedium, MediaEncoder
from evalsuite_transformers.generative.prompt import Prompt, PromptWriter

Integers: TypeAlias = npt.NDArray[np.int64]
FEATURE = 2**40


@dataclass(frozen=True, eq=False)
class Reading:
    """One prompt: its token ids and symbols [n], and positions [axes, n] (three with M-RoPE)."""

    ids: Integers
    symbols: Integers
    positions: Integers

    def __len__(self) -> int:
        """How many tokens it has, those of media included."""
        return len(self.symbols)

    def extended(self, tail: Sequence[int]) -> tuple[Integers, Integers]:
        """Symbols and positions with more text behind; text goes on after the highest position."""
        if not len(tail):
            return self.symbols, self.positions
        first = int(self.positions.max()) + 1 if len(self) else 0
        more = np.broadcast_to(
            np.arange(first, first + len(tail)), (len(self.positions), len(tail))
        )
        symbols = np.concatenate([self.symbols, np.asarray(tail, np.int64)])
        return symbols, np.concatenate([self.positions, more], axis=1)


class Bank:
    """The features of the media of one call, side by side [all their tokens, width]."""

    def __init__(self, encoded: dict[str, EncodedMedium]) -> None:
        """Lay the media out one after another."""
        self.encoded = encoded
        self.first: dict[str, int] = {}
        total = 0
        for name, one in encoded.items():
            self.first[name] = total
            total += len(one.features)
        parts = [one.features for one in encoded.values()]
        self.features = torch.cat(parts) if parts else None


class Reader:
    """Makes readings, and turns symbols into the vectors of ``inputs_embeds``."""

    def __init__(self, module: Any, writer: PromptWriter, encoder: MediaEncoder) -> None:
        """Look at what the model says of positions."""
        self.module, self.writer, self.encoder = module, writer, encoder
        base = getattr(module, module.base_model_prefix or "", module)
        self._rope_index: Any = getattr(base, "get_rope_index", None)
        self._media = encoder.media
        self.n_axes = 3 if self._rope_index is not None else 1
        self._embed: Any = module.get_input_embeddings()

    @property
    def device(self) -> torch.device:
        """Where the inputs go."""
        device: torch.device = self._embed.weight.device
        return device

    def read(self, prompts: Sequence[Prompt]) -> tuple[list[Reading], Bank]:
        """The reading of each prompt, and the features that their symbols point at."""
        bank = Bank(self.encoder.encode([part for prompt in prompts for part in prompt.media]))
        known: dict[Prompt, Reading] = {}
        for prompt in prompts:
            if prompt not in known:
                known[prompt] = self._reading(prompt, bank)
        return [known[prompt] for prompt in prompts], bank

    def _reading(self, prompt: Prompt, bank: Bank) -> Reading:
        ids: list[int] = []
        symbols: list[int] = []
        left = {medium.token_id: iter(prompt.of(medium)) for medium in self.encoder.media}
        for token in self.writer.ids(prompt.text):
            if token not in left:
                ids.append(token)
                symbols.append(token)
                continue
            name = next(left[token]).digest
            feature = FEATURE + bank.first[name]
            for part in bank.encoded[name].ids:
                ids.append(part)
                if part == token:
                    symbols.append(feature)
                    feature += 1
                else:
                    symbols.append(part)
        found = np.asarray(ids, np.int64)
        return Reading(found, np.asarray(symbols, np.int64), self._positions(found, prompt, bank))

    def _positions(self, ids: Integers, prompt: Prompt, bank: Bank) -> Integers:
        """Counted up, or as the model counts them where images have rows and columns."""
        has_images = any(medium.name == "image" and prompt.of(medium) for medium in self._media)
        if self._rope_index is None or not has_images:
            return np.broadcast_to(np.arange(len(ids)), (self.n_axes, len(ids)))
        types = np.zeros_like(ids)
        facts: dict[str, torch.Tensor] = {}
        for medium in self._media:
            types[ids == medium.token_id] = medium.type_id
            own = [bank.encoded[part.digest].facts for part in prompt.of(medium)]
            facts |= {name: torch.cat([one[name] for one in own]) for name in (own or [{}])[0]}
        arguments = {
            "input_ids": torch.from_numpy(ids)[None],
            "mm_token_type_ids": torch.from_numpy(types)[None],
        }
        accepted = inspect.signature(self._rope_index).parameters
        arguments = {n: value for n, value in (arguments | facts).items() if n in accepted}
        positions: Integers = self._rope_index(**arguments)[0][:, 0].numpy()
        return positions

    def vectors(self, symbols: Integers, bank: Bank) -> torch.Tensor:
        """Input vectors [..., width] of an array of symbols."""
        is_feature = symbols >= FEATURE
        ids = torch.from_numpy(np.where(is_feature, 0, symbols)).to(self.device)
        vectors: torch.Tensor = self._embed(ids)
        if is_feature.any() and bank.features is not None:
            rows = torch.from_numpy(symbols[is_feature] - FEATURE).to(self.device)
            places = torch.from_numpy(is_feature).to(self.device)
            vectors = vectors.clone()
            vectors[places] = bank.features[rows].to(vectors.dtype)
        return vectors

    def position_ids(self, positions: Integers) -> torch.Tensor:
        """Positions [axes, rows, n] as the model takes them: without axes where there is one."""
        tensor = torch.from_numpy(positions.copy()).to(self.device)
        return tensor if self.n_axes > 1 else tensor[0]
