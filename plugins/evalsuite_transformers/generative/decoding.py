"""Text token by token in a batch that shrinks: rows that are done leave it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from evalsuite_transformers.generative.embedded import EmbeddedModel
from evalsuite_transformers.generative.prompt import Prompt
from evalsuite_transformers.generative.sampling import choose
from evalsuite_transformers.generative.writing import Row, Scribe

# Rows that are done are taken out when they are this part of the batch.
_DONE_PART = 0.25


def write(
    model: EmbeddedModel, scribe: Scribe, prompts: Sequence[Prompt], rows: Sequence[Row]
) -> None:
    """Let every row write after its prompt until it is done.

    Prompts are padded on the left, so that every row's next token is at the end.
    """
    readings, bank = model.reader.read(prompts)
    active = list(rows)
    positions = np.array([int(reading.positions.max()) + 1 for reading in readings])
    with torch.inference_mode():
        logits, cache, mask = model.first_step(readings, bank)
        while True:
            tokens = choose(logits, [row.choice for row in active])
            for row, token in zip(active, tokens, strict=True):
                if not row.is_done:
                    scribe.take(row, token)
            left = [index for index, row in enumerate(active) if not row.is_done]
            if not left:
                return
            if len(active) - len(left) >= max(1.0, _DONE_PART * len(active)):
                active = [active[index] for index in left]
                tokens = [tokens[index] for index in left]
                positions = positions[left]
                chosen = torch.tensor(left, device=mask.device)
                mask = mask[chosen]
                cache.batch_select_indices(chosen)
            mask = torch.nn.functional.pad(mask, (0, 1), value=1)
            logits, cache = model.next_step(np.asarray(tokens), positions, mask, cache)
            # A row that is done waits where it is: further on there may be no position for it.
            positions = positions + np.array([int(not row.is_done) for row in active])
