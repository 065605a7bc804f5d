"""The options of a model behind a server."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from evalsuite import UsageError

Endpoint = Literal["completions", "chat", "embeddings", "transcriptions"]
METHODS: dict[str, frozenset[str]] = {
    "completions": frozenset(
        {"generate", "loglikelihood", "rolling_loglikelihood", "token_scores"}
    ),
    "chat": frozenset({"generate"}),
    "embeddings": frozenset({"embed_text"}),
    "transcriptions": frozenset({"transcribe"}),
}
_ADDRESS_VARIABLES = ("EVALSUITE_API_URL", "OPENAI_BASE_URL")


@dataclass(frozen=True)
class Options:
    """How to reach a server and what it costs.

    Args:
        base_url: Address up to and including ``/v1``; else from EVALSUITE_API_URL or
            OPENAI_BASE_URL.
        endpoint: ``completions`` (scores and writes text), ``chat``, ``embeddings`` or
            ``transcriptions``.
        modalities: What a chat model takes besides text: ``image``, ``audio``.
        beginning: What stands before a text that is scored with nothing before it, where the server
            puts no mark of its own there: it gives no probability of a prompt's first token. The
            mark of the model's own vocabulary (``<|endoftext|>``) is the best; a new line is a
            beginning for most.
        key_env: The environment variable that holds the key. It is read when a request is sent
            and kept nowhere.
        concurrency: Requests at once; halved when the server says that they are too many.
        requests_per_minute: A limit to keep to; 0 for none.
        timeout_s: Seconds to wait for an answer.
        max_retries: How often a request is sent again after a fault that may pass.
        price_per_million_input, price_per_million_output: In any currency; for the cost.
        max_cost: Ask nothing more once so much has been spent; 0 for no limit.
    """

    base_url: str = ""
    endpoint: Endpoint = "completions"
    modalities: tuple[str, ...] = ()
    beginning: str = "\n"
    key_env: str = "OPENAI_API_KEY"
    concurrency: int = 8
    requests_per_minute: float = 0
    timeout_s: float = 120
    max_retries: int = 5
    price_per_million_input: float = 0
    price_per_million_output: float = 0
    max_cost: float = 0

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        if self.endpoint not in METHODS:
            raise UsageError(
                f"Model option endpoint must be one of {', '.join(METHODS)} "
                f"(got {self.endpoint!r})."
            )
        unknown = set(self.modalities) - {"text", "image", "audio"}
        if unknown:
            raise UsageError(
                f"Model option modalities: {min(unknown)!r} is not text, image, audio."
            )
        for name in ("concurrency", "timeout_s"):
            if not getattr(self, name) > 0:
                raise UsageError(f"Model option {name} must be above 0.")
        address = urlsplit(self.address)
        if address.scheme not in ("http", "https") or not address.netloc:
            raise UsageError(
                f"The server's address {self.address!r} is no http or https address. Set the model "
                "option base_url (e.g. http://localhost:8000/v1), or EVALSUITE_API_URL."
            )

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Options:
        """From a suite's options; raises UsageError for one that does not exist."""
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                raise UsageError(
                    f"An api: model has no option {name!r}; its options are: {', '.join(known)}. "
                    "A key is never an option: name its environment variable with key_env."
                )
        values = dict(given)
        if isinstance(values.get("modalities"), str):
            values["modalities"] = (values["modalities"],)
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})

    @property
    def address(self) -> str:
        """The server's address without a slash at the end."""
        named = (os.environ.get(name, "") for name in _ADDRESS_VARIABLES)
        return (self.base_url or next(filter(None, named), "")).rstrip("/")

    @property
    def public_address(self) -> str:
        """The address without user, password and query, which may be secrets."""
        parts = urlsplit(self.address)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))

    def mark(self, model: str) -> str:
        """Sha256 of what may change an answer: server, model, endpoint, beginning.

        A server can change its weights under a name without telling; no fingerprint sees that.
        """
        facts = repr(
            (model, self.public_address, self.endpoint, sorted(self.modalities), self.beginning)
        )
        return hashlib.sha256(facts.encode()).hexdigest()
