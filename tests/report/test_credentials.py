"""No key of a command or suite file reaches a page that is made to be published."""

from __future__ import annotations

import pytest

from evalsuite.report.credentials import without_credentials


@pytest.mark.parametrize(
    "text",
    [
        "evalsuite run a.yaml --model-option api_key=KEY",
        "evalsuite run a.yaml --hf-token KEY",
        "HF_TOKEN=KEY evalsuite run a.yaml",
        "api_key: KEY",
        '{"password": "KEY"}',
        "secret: 'KEY with words'",
        "Authorization: Bearer KEYKEYKEY",
        "https://me:KEY@host.example/v1",
        "https://KEY@host.example/v1",
        "echo sk-KEYKEYKEYKEYKEYKEY",
        "hf_KEYKEYKEYKEYKEYKEY",
    ],
)
def test_a_key_is_hidden(text):
    assert "KEY" not in without_credentials(text)
    assert "***" in without_credentials(text)


@pytest.mark.parametrize(
    "text",
    [
        "evalsuite run suite.yaml --limit 5 -m hf:gpt2",
        "key_env: MY_API_KEY",
        "max_tokens: 5",
        "tokenizer: ./mine",
        "a secret that is planted",
        "https://host.example/v1?a=b",
        "probe: privacy/canary-exposure",
    ],
)
def test_what_is_no_key_stays(text):
    assert without_credentials(text) == text
