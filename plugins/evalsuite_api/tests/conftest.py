"""A real model behind a real socket: a control model, served in the completions shape.

It computes with transformers alone, one request at a time, so that what comes through ``api:`` is
compared with an independent reading of the same weights.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
import torch

WEIGHTS = Path(__file__).parents[2] / "evalsuite_controls" / "weights" / "text-clean"


class CompletionsModel:
    """Greedy completion with echo and log-probabilities, as servers of local weights answer."""

    def __init__(self, directory: Path) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(directory)
        self.model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
        self.lock = threading.Lock()

    @torch.inference_mode()
    def complete(self, body: dict) -> dict:
        coded = self.tokenizer(body["prompt"], return_offsets_mapping=True)
        ids, n_new = list(coded["input_ids"]), body["max_tokens"]
        if ids[-1] == self.tokenizer.eos_token_id:  # this tokenizer ends every text
            ids.pop()
        n_prompt = len(ids)
        with self.lock:
            for _ in range(n_new):
                following = int(self.model(torch.tensor([ids])).logits[0, -1].argmax())
                ids.append(following)
                if following == self.tokenizer.eos_token_id:
                    break
            logprobs = self.model(torch.tensor([ids])).logits[0].log_softmax(-1)
        new = [i for i in ids[n_prompt:] if i != self.tokenizer.eos_token_id]
        text = self.tokenizer.decode(new)
        for stop in body.get("stop") or ():
            text = text.partition(stop)[0]
        choice = {"text": text, "finish_reason": "length" if len(new) == n_new else "stop"}
        if body.get("echo"):
            places = range(1, n_prompt)
            best = [int(logprobs[i - 1].argmax()) for i in places]
            word = self.tokenizer.decode
            choice["text"] = body["prompt"] + text
            choice["logprobs"] = {
                "tokens": [word([i]) for i in ids[:n_prompt]],
                "token_logprobs": [None, *(float(logprobs[i - 1, ids[i]]) for i in places)],
                # a space belongs to the token after it
                "text_offset": [0, *(end for _, end in coded["offset_mapping"])][:n_prompt],
                "top_logprobs": [
                    None,
                    *({word([b]): float(logprobs[i - 1, b])} for i, b in zip(places, best)),
                ],
            }
        usage = {"prompt_tokens": n_prompt, "completion_tokens": len(new)}
        return {"choices": [choice], "usage": usage}


@contextmanager
def serving(model: CompletionsModel, port: int = 0, dies_after: int | None = None):
    """A server on a local port; after ``dies_after`` requests it drops every connection."""
    served = {"n": 0}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            served["n"] += 1
            if dies_after is not None and served["n"] > dies_after:
                self.connection.close()
                return
            data = json.dumps(model.complete(body)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            return

    httpd = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    served["url"] = f"http://127.0.0.1:{httpd.server_port}/v1"
    served["port"] = httpd.server_port
    try:
        yield served
    finally:
        httpd.shutdown()
        httpd.server_close()


@pytest.fixture(scope="session")
def serve():
    """Starts a server: ``with serve() as server`` gives its ``url`` and counts requests."""
    model = CompletionsModel(WEIGHTS)
    return lambda **how: serving(model, **how)
