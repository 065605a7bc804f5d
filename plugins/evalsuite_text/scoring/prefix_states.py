"""Keys and values of a beginning that many rows share, kept between forward passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers.cache_utils import Cache, CacheLayerMixin

from evalsuite_text.scoring.token_tree import Ids, common


class KeptLayer(CacheLayerMixin):
    """One layer's keys and values [1, heads, length, width], read by any number of rows.

    ``update`` gives the rows the kept positions followed by their own. It stores the result only
    while a prefix is being read (``grows``); otherwise nothing outlives the layer.
    """

    is_sliding = False

    def __init__(self, keys: Any = None, values: Any = None, *, grows: bool = False) -> None:
        """Start from kept states, or from nothing."""
        super().__init__()
        self.keys, self.values, self.grows = keys, values, grows
        self.is_initialized = keys is not None

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Nothing to prepare."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The kept states, for every row, and the new ones behind them."""
        if self.keys is not None and self.values is not None:
            key_states = torch.cat([self._rows(self.keys, key_states), key_states], dim=-2)
            value_states = torch.cat([self._rows(self.values, value_states), value_states], dim=-2)
        if self.grows:
            self.keys, self.values = key_states, value_states
        return key_states, value_states

    @staticmethod
    def _rows(kept: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
        return kept.expand(new.shape[0], -1, -1, -1)

    def get_seq_length(self) -> int:
        """Kept positions."""
        return 0 if self.keys is None else int(self.keys.shape[-2])

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Positions attended to, and where they begin."""
        return self.get_seq_length() + query_length, 0

    def get_max_length(self) -> int:
        """No limit."""
        return -1


@dataclass(frozen=True, eq=False)
class PrefixStates:
    """The token ids of a prefix, and each layer's keys and values."""

    ids: Ids
    layers: tuple[tuple[torch.Tensor, torch.Tensor], ...]

    def cache(self, *, grows: bool = False) -> Cache:
        """As a model takes it."""
        return Cache(layers=[KeptLayer(k, v, grows=grows) for k, v in self.layers])

    def cut(self, length: int) -> PrefixStates:
        """The first ``length`` positions, as a view."""
        return PrefixStates(
            self.ids[:length],
            tuple((k[..., :length, :], v[..., :length, :]) for k, v in self.layers),
        )


class PrefixMemory:
    """The prefixes on the way to the last one asked for; others are forgotten.

    Batches come in the order of the tree, so a prefix that was left is not needed again.
    """

    def __init__(self, n_layers: int, read: Callable[[torch.Tensor, Cache], None]) -> None:
        """``read`` runs the model over ids [1, n] with a cache that grows."""
        self.n_layers = n_layers
        self._read = read
        self._kept: list[PrefixStates] = []

    def known(self, ids: Ids) -> int:
        """How many tokens at the beginning of ``ids`` are at hand."""
        return max((common(states.ids, ids) for states in self._kept), default=0)

    def at(self, ids: Ids) -> PrefixStates:
        """The states of a prefix, computed as far as they are not at hand."""
        best = max(self._kept, key=lambda states: common(states.ids, ids), default=None)
        length = common(best.ids, ids) if best is not None else 0
        if best is not None and length == len(ids):
            found = best if length == len(best.ids) else best.cut(length)
        else:
            found = self._extended(best.cut(length) if best is not None and length else None, ids)
        self._kept = [s for s in self._kept if common(s.ids, ids) == len(s.ids) < len(ids)]
        self._kept.append(found)
        return found

    def clear(self) -> None:
        """Forget everything."""
        self._kept = []

    def _extended(self, start: PrefixStates | None, ids: Ids) -> PrefixStates:
        if start is None:
            cache = Cache(layers=[KeptLayer(grows=True) for _ in range(self.n_layers)])
            new = ids
        else:
            cache, new = start.cache(grows=True), ids[len(start.ids) :]
        self._read(torch.from_numpy(new.astype(np.int64))[None], cache)
        return PrefixStates(ids, tuple((layer.keys, layer.values) for layer in cache.layers))
