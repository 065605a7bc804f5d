"""The two sides: each loads the checkpoint, is warmed up, and answers a list of requests."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workloads import Request


class Ours:
    """evalsuite, through the executor that a run uses."""

    def __init__(self, directory: Path, device: str) -> None:
        """Load by the path of any checkpoint."""
        from evalsuite import LoadSettings
        from evalsuite_text.models.causal import Loader

        settings = LoadSettings(device=device, dtype="float32")
        self.model = Loader().load(str(directory), settings)

    def answer(self, kind: str, requests: Sequence[Request], batch_size: int = 0) -> list[Any]:
        """Log-probabilities, or texts."""
        from evalsuite import Generate, LogLikelihood, RollingLogLikelihood
        from evalsuite.executor import BudgetMemory, LocalExecutor

        make = {
            "loglikelihood": lambda context, continuation: LogLikelihood(context, continuation),
            "rolling": lambda text: RollingLogLikelihood(text),
            "generate": lambda prompt, n: Generate(prompt, max_tokens=n),
        }[kind]
        asked = [make(*request) for request in requests]
        found: dict[str, Any] = {}
        LocalExecutor(memory=BudgetMemory(Path("/nonexistent"))).answer(
            self.model, asked, found.update
        )
        answers = [found[request.digest] for request in asked]
        return [a.text if kind == "generate" else a.total for a in answers]

    @property
    def n_read(self) -> int:
        """Tokens that the model has read so far."""
        return int(self.model.scorer.n_read)

    @property
    def n_scored(self) -> int:
        """Positions that the head was applied to so far."""
        return int(self.model.scorer.n_scored)

    def forget(self) -> None:
        """As if nothing had been asked before."""
        self.model.scorer.forget()
        self.model.scorer.n_read = self.model.scorer.n_scored = 0


class Peer:
    """lm-evaluation-harness's ``hf`` backend."""

    def __init__(self, directory: Path, device: str) -> None:
        """Load as its command line does."""
        from lm_eval.models.huggingface import HFLM

        warnings.simplefilter("ignore")
        self.model = HFLM(pretrained=str(directory), device=device, dtype="float32", batch_size=1)

    def answer(self, kind: str, requests: Sequence[Request], batch_size: int = 1) -> list[Any]:
        """Log-probabilities, or texts."""
        from lm_eval.api.instance import Instance

        self.model.batch_size_per_gpu = batch_size
        name = {"rolling": "loglikelihood_rolling", "generate": "generate_until"}.get(kind, kind)

        def arguments(request: Request) -> tuple[Any, ...]:
            if kind != "generate":
                return tuple(request)
            prompt, n = request
            return (prompt, {"until": [], "max_gen_toks": n, "do_sample": False})

        instances = [
            Instance(request_type=name, doc={}, arguments=arguments(request), idx=i)
            for i, request in enumerate(requests)
        ]
        found = getattr(self.model, name)(instances, disable_tqdm=True)
        return [a[0] if kind == "loglikelihood" else a for a in found]

    n_read = n_scored = 0

    def forget(self) -> None:
        """It keeps nothing between calls."""


SIDES = {"ours": Ours, "peer": Peer}
