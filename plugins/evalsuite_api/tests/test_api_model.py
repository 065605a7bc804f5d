"""A served model against a real local server, faults included."""

from __future__ import annotations

import base64
import io
import json
import math
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import soundfile
from PIL import Image as pillow  # noqa: N813

from evalsuite import (
    Audio,
    EmbedText,
    Failure,
    Generate,
    Image,
    LoadSettings,
    LogLikelihood,
    Role,
    Text,
    TimedWord,
    Transcribe,
    UsageError,
)
from evalsuite_api.model import Loader, ServedModel
from evalsuite_api.options import Options


@pytest.fixture
def server():
    """Answers what ``replies`` says, one after another; the last one again and again."""
    state = {"replies": [], "seen": []}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            is_json = "json" in self.headers["Content-Type"]
            body = json.loads(sent) if is_json else sent
            state["seen"].append((self.path, body, self.headers.get("Authorization")))
            replies = state["replies"]
            status, headers, answer = replies.pop(0) if len(replies) > 1 else replies[0]
            time.sleep(headers.pop("slow", 0))
            if status == 0:
                self.connection.close()
                return
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            return

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    state["url"] = f"http://127.0.0.1:{httpd.server_port}/v1"
    yield state
    httpd.shutdown()
    httpd.server_close()


def model_of(server, waits, **options) -> ServedModel:
    made = Options.of({"base_url": server["url"], "max_retries": 2, **options})
    return ServedModel("m", made, waits.append)


def said(text: str, **more):
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    return {"choices": [{"text": text, "finish_reason": "stop"}], "usage": usage, **more}


OK = (200, {}, said("hi"))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ((429, {"Retry-After": "7"}, {}), "rate limited"),
        ((500, {}, {}), "server error"),
        ((200, {}, b"no json"), "server error"),
        ((0, {}, b""), "connection dropped"),
    ],
)
def test_a_fault_that_passes_is_tried_again_and_one_that_stays_is_a_failure(server, fault, kind):
    waits = []
    server["replies"] = [fault, OK]
    (answer,) = model_of(server, waits).generate([Generate("x")])
    assert answer.text == "hi"
    assert len(waits) == 1
    if fault[0] == 429:
        assert waits[0] >= 7
    server["replies"] = [fault]
    (answer,) = model_of(server, waits).generate([Generate("x")])
    assert isinstance(answer, Failure)
    assert answer.kind == kind


def test_a_refused_key_fails_at_once_and_is_never_told(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    waits = []
    server["replies"] = [(401, {}, {"error": "bad key sk-secret"})]
    (answer,) = model_of(server, waits).generate([Generate("x")])
    assert answer.kind == "key refused"
    assert "sk-secret" not in answer.message
    assert waits == []
    assert server["seen"][0][2] == "Bearer sk-secret"


def test_an_empty_text_is_an_answer_and_no_choice_is_a_failure(server):
    server["replies"] = [(200, {}, said("")), (200, {}, {"choices": []})]
    model = model_of(server, [], concurrency=1)
    empty, none = model.generate([Generate("x"), Generate("y")])
    assert empty.text == ""
    assert none.kind == "server error"


def test_cost_is_counted_and_its_limit_kept(server):
    server["replies"] = [OK]
    prices = {"price_per_million_input": 1e6, "price_per_million_output": 1e6, "max_cost": 5}
    model = model_of(server, [], concurrency=1, **prices)
    first, second = model.generate([Generate("x"), Generate("y")])
    assert first.text == "hi"
    assert second.kind == "budget spent"
    assert model.usage.cost == pytest.approx(5)  # 3 tokens read and 2 written, at 1 each


def test_a_continuation_is_found_among_the_echoed_tokens(server):
    logprobs = {
        "tokens": ["the", " house", " is", "."],
        "token_logprobs": [None, -1.0, -2.0, -9.0],
        "text_offset": [0, 3, 9, 12],
        "top_logprobs": [None, {" house": -1.0}, {" was": -0.5}, {".": -9.0}],
    }
    server["replies"] = [(200, {}, {"choices": [{"text": "", "logprobs": logprobs}]})]
    score, greedy = model_of(server, [], concurrency=1).loglikelihood(
        [LogLikelihood("the house", " is"), LogLikelihood("the ", "house")]
    )
    assert (score.total, score.n_tokens, score.is_greedy) == (-2.0, 1, False)
    assert greedy.token_logprobs[0] == -1.0


def test_where_the_server_marks_no_beginning_a_new_line_is_one(server):
    def echoed(*tokens):
        logprobs = {"tokens": list(tokens), "token_logprobs": [None, -1.0, -2.0][: len(tokens)]}
        return (200, {}, {"choices": [{"text": "", "logprobs": logprobs}]})

    server["replies"] = [echoed("The", " end"), *[echoed("\n", "The", " end")] * 2]
    model = model_of(server, [], concurrency=1)
    scores = model.loglikelihood([LogLikelihood("", "The end"), LogLikelihood("", "The end")])
    assert [(score.total, score.n_tokens) for score in scores] == [(-3.0, 2)] * 2
    server["replies"] = [echoed("The", " end")]
    bare = model_of(server, [], beginning="")
    (failure,) = bare.loglikelihood([LogLikelihood("", "The end")])
    assert failure.kind == "first token"
    assert "model option beginning" in failure.message
    assert bare.fingerprint != model.fingerprint


def test_without_echoed_scores_there_is_a_reason(server):
    server["replies"] = [OK]
    (answer,) = model_of(server, []).loglikelihood([LogLikelihood("a", " b")])
    assert answer.kind == "no log-probabilities"


def test_a_chat_gets_turns(server):
    message = {"message": {"content": "ok"}, "finish_reason": "length"}
    server["replies"] = [(200, {}, {"choices": [message]})]
    prompt = (Role("system"), Text("Be brief."), Role("user"), Text("Hello"))
    (answer,) = model_of(server, [], endpoint="chat").generate([Generate(prompt)])
    assert (answer.text, answer.finish_reason) == ("ok", "length")
    path, body, _ = server["seen"][0]
    assert path == "/v1/chat/completions"
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}


def test_wrong_options_are_refused():
    for options in ({"base_url": "x"}, {"base_url": "http://h", "key": "k"}):
        with pytest.raises(UsageError):
            Loader().describe("m", LoadSettings(options=options))


def test_an_answer_that_takes_too_long_is_a_timeout_and_is_tried_again(server):
    waits = []
    server["replies"] = [(200, {"slow": 0.6}, said("late")), OK]
    (answer,) = model_of(server, waits, timeout_s=0.2).generate([Generate("x")])
    assert answer.text == "hi"
    assert len(waits) == 1
    server["replies"] = [(200, {"slow": 0.6}, said("late"))] * 2
    (answer,) = model_of(server, [], timeout_s=0.2, max_retries=0).generate([Generate("x")])
    assert answer.kind == "timeout"


def test_a_rate_is_kept(server):
    """120 a minute: half a second between two starts, so the third waits for about one."""
    waits = []
    server["replies"] = [OK]
    model = model_of(server, waits, concurrency=1, requests_per_minute=120)
    model.generate([Generate(str(i)) for i in range(3)])
    assert len(waits) == 2
    assert waits[0] == pytest.approx(0.5, abs=0.2)
    assert waits[1] == pytest.approx(1.0, abs=0.2)


def test_images_and_sounds_are_sent_as_parts_that_read_back(server):
    message = {"message": {"content": "ok"}, "finish_reason": "stop"}
    server["replies"] = [(200, {}, {"choices": [message]})]
    picture = Image.from_array(np.full((3, 4, 3), 7, np.uint8))
    clip = Audio.from_array(np.linspace(-0.5, 0.5, 80, dtype=np.float32), 8000)
    options = {"endpoint": "chat", "modalities": ["image", "audio"]}
    model = model_of(server, [], **options)
    assert model.info.modalities == {"text", "image", "audio"}
    model.generate([Generate((picture, clip, "what is this?"))])
    image, sound, text = server["seen"][0][1]["messages"][0]["content"]
    kind, _, data = image["image_url"]["url"].partition(";base64,")
    assert kind == "data:image/png"
    assert pillow.open(io.BytesIO(base64.b64decode(data))).getpixel((0, 0)) == (7, 7, 7)
    heard, rate = soundfile.read(io.BytesIO(base64.b64decode(sound["input_audio"]["data"])))
    assert (sound["input_audio"]["format"], rate, len(heard)) == ("wav", 8000, 80)
    assert text == {"type": "text", "text": "what is this?"}


def test_embeddings_are_made_unit_vectors(server):
    server["replies"] = [(200, {}, {"data": [{"embedding": [3.0, 4.0]}]})]
    (answer,) = model_of(server, [], endpoint="embeddings").embed_text([EmbedText("x")])
    assert answer.vector == pytest.approx([0.6, 0.8])


def test_a_clip_is_sent_as_a_file_and_its_words_come_back(server):
    server["replies"] = [(200, {}, {"text": " hello there "})]
    clip = Audio.from_array(np.zeros(80, np.float32), 8000)
    model = model_of(server, [], endpoint="transcriptions")
    (answer,) = model.transcribe([Transcribe(clip, language="en")])
    assert answer.text == "hello there"
    path, body, _ = server["seen"][0]
    assert path == "/v1/audio/transcriptions"
    assert b"RIFF" in body
    assert b'filename="clip.wav"' in body


def test_translations_have_an_address_of_their_own(server):
    server["replies"] = [(200, {}, {"text": "good day"})]
    clip = Audio.from_array(np.zeros(80, np.float32), 8000)
    model = model_of(server, [], endpoint="transcriptions")
    (answer,) = model.transcribe([Transcribe(clip, task="translate")])
    assert answer.text == "good day"
    assert server["seen"][0][0] == "/v1/audio/translations"
    refused = model.transcribe(
        [
            Transcribe(clip, "de", "translate"),
            Transcribe(clip, task="translate", word_times=True),
        ]
    )
    assert [answer.kind for answer in refused] == ["no language", "no word times"]
    assert len(server["seen"]) == 1


def test_word_times_are_asked_for_and_read(server):
    words = [{"word": " hello", "start": 0.1, "end": 0.4}, {"word": "you", "start": 0.5, "end": 1}]
    server["replies"] = [
        (200, {}, {"text": "hello you", "words": words}),
        (200, {}, {"text": "hello you"}),
        (200, {}, {"text": "hello you", "words": [{"word": "hello"}]}),
        (200, {}, {"text": ""}),
    ]
    clip = Audio.from_array(np.zeros(80, np.float32), 8000)
    model = model_of(server, [], endpoint="transcriptions")
    request = Transcribe(clip, word_times=True)
    timed, none, broken, silence = (model.transcribe([request])[0] for _ in range(4))
    assert timed.words == (TimedWord("hello", 0.1, 0.4), TimedWord("you", 0.5, 1.0))
    body = server["seen"][0][1]
    assert b"timestamp_granularities[]" in body
    assert b"verbose_json" in body
    assert (none.kind, broken.kind) == ("no word times", "server error")
    assert silence.text == ""


def test_a_servers_confidence_in_words_is_read(server):
    words = [{"word": "hello", "start": 0.1, "end": 0.4}, {"word": "you", "start": 0.5, "end": 1}]
    told = [{**word, "probability": p} for word, p in zip(words, (0.9, 1.0000001))]
    # " hel" and "lo" are .5 and .7 probable: the mean is .6; " you" is .25
    tokens = [(" hel", 0.5), ("lo", 0.7), (" you", 0.25), (".", 0.1)]
    logprobs = [{"token": token, "logprob": math.log(p)} for token, p in tokens]
    server["replies"] = [
        (200, {}, {"text": "hello you", "words": told}),
        (200, {}, {"text": "hello you.", "words": words, "logprobs": logprobs}),
        (200, {}, {"text": "hullo you", "words": words, "logprobs": logprobs[2:]}),
    ]
    clip = Audio.from_array(np.zeros(80, np.float32), 8000)
    model = model_of(server, [], endpoint="transcriptions")
    found = [model.transcribe([Transcribe(clip, word_times=True)])[0] for _ in range(3)]
    first, second, third = ([word.confidence for word in one.words] for one in found)
    assert first == [0.9, 1.0]
    assert second == pytest.approx([0.6, 0.25])
    assert third == [None, pytest.approx(0.25)]
