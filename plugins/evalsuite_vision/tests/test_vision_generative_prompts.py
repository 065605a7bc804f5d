"""Prompts: roles and images in their places, with a chat template and without."""

from __future__ import annotations

import pytest

from evalsuite import (
    Audio,
    ContinuationScore,
    Failure,
    Generate,
    Image,
    LogLikelihood,
    Role,
    UsageError,
)
from evalsuite.content import as_content
from evalsuite.testing import check_model


def text_of(model, *content):
    prompt = model.writer.write(as_content(content))
    assert not isinstance(prompt, Failure), prompt
    return prompt.text


def test_roles_become_turns_with_images_in_their_places(loaded, pictures):
    text = text_of(
        loaded["qwen2-vl"],
        Role("system"), "be brief", Role("user"), "look", pictures[0], "and", pictures[1],
        Role("assistant"), " yes\n", Role("user"), "which ?",
    )  # fmt: skip
    image = "<|vision_start|><|image_pad|><|vision_end|>"
    assert text == (
        "<|im_start|>system\nbe brief<|im_end|>\n"
        f"<|im_start|>user\nlook{image}and{image}<|im_end|>\n"
        "<|im_start|>assistant\nyes<|im_end|>\n"
        "<|im_start|>user\nwhich ?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_what_has_no_role_is_said_by_the_user(loaded, pictures):
    text = text_of(loaded["llava"], pictures[0], "what is it ?")
    assert text == "<s>user: <image>\nwhat is it ?\nassistant:"


def test_an_answer_that_has_begun_is_gone_on_with(loaded, pictures):
    begun = (pictures[0], "what is it ?", Role("assistant"), " a red")
    assert text_of(loaded["llava"], *begun) == "<s>user: <image>\nwhat is it ?\nassistant: a red"


def test_a_system_prompt_comes_first_unless_the_prompt_has_one(load, checkpoints):
    model = load(checkpoints["llava"], system_prompt="be kind")
    assert text_of(model, "hello") == "<s>system: be kind\nuser: hello\nassistant:"
    own = text_of(model, Role("system"), "be short", Role("user"), "hello")
    assert own == "<s>system: be short\nuser: hello\nassistant:"


def test_options_that_change_prompts_change_the_fingerprint(load, checkpoints, loaded):
    folder = checkpoints["llava"]
    marks = {
        loaded["llava"].fingerprint,
        load(folder, system_prompt="be kind").fingerprint,
        load(folder, chat_template=False).fingerprint,
    }
    assert len(marks) == 3
    assert load(folder, image_cache_mib=1).fingerprint == loaded["llava"].fingerprint


@pytest.mark.parametrize("options", [{"chat_template": True}, {"system_prompt": "be kind"}])
def test_a_template_that_is_not_there_cannot_be_asked_for(tmp_path, load, builders, options):
    folder = builders["llava"](tmp_path, template=False)
    with pytest.raises(UsageError, match="has no chat template"):
        load(folder, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"chat_template": "false"},
        {"image_cache_mib": -1},
        {"image_cache_mib": True},
        {"max_length": 1},
        {"system_prompt": 3},
        {"system_prompt": "be kind", "chat_template": False},
        {"num_beams": 3},
    ],
)
def test_wrong_options_are_refused(load, checkpoints, options):
    with pytest.raises(UsageError):
        load(checkpoints["llava"], **options)


@pytest.mark.parametrize("name", ["llava", "qwen2-vl"])
def test_a_model_without_a_chat_template_reads_the_parts_joined(
    tmp_path, load, builders, pictures, name
):
    model = load(builders[name](tmp_path, template=False))
    image = {"llava": "<image>", "qwen2-vl": "<|vision_start|><|image_pad|><|vision_end|>"}[name]
    start = "<s>" if name == "llava" else ""
    parts = (Role("user"), "look ", pictures[0], " and ", pictures[1], "\n")
    assert text_of(model, *parts) == f"{start}look {image} and {image}\n"
    assert model.info.details["chat template"] == "off"
    assert model.info.details["scoring path"] == "shared beginnings"
    requests = [
        LogLikelihood(("what is it ?",), " red"),
        LogLikelihood((pictures[0], "what is it ? "), "red"),
        LogLikelihood((pictures[0], pictures[1]), " red"),
        Generate((pictures[0], "it is"), max_tokens=4),
        Generate("it is", max_tokens=4),
    ]
    check_model(model, requests)


def test_the_template_can_be_switched_off(load, checkpoints, pictures):
    model = load(checkpoints["llava"], chat_template=False)
    assert text_of(model, pictures[0], "what ?") == "<s><image>what ?"


def test_a_template_for_plain_texts_gets_them_with_placeholders(tmp_path, load, builders, pictures):
    folder = builders["llava"](tmp_path)
    words = "{% for m in messages %}[{{ m['content'] + ']' }}{% endfor %}"
    (tmp_path / "chat_template.jinja").write_text(words)
    assert text_of(load(folder), pictures[0], "what ?") == "<s>[<image>what ?]"


def test_a_template_that_leaves_images_out_makes_requests_fail(tmp_path, load, builders, pictures):
    folder = builders["llava"](tmp_path)
    words = (
        "{% for m in messages %}{% for c in m['content'] %}{{ c['text'] }}{% endfor %}{% endfor %}"
    )
    (tmp_path / "chat_template.jinja").write_text(words)
    model = load(folder)
    (answer,) = model.loglikelihood([LogLikelihood((pictures[0], "what ?"), " red")])
    assert answer.kind == "misplaced image"
    (answer,) = model.generate([Generate((pictures[0], "what ?"))])
    assert answer.kind == "misplaced image"


def test_sound_is_refused(loaded):
    (answer,) = loaded["llava"].generate([Generate((Audio(data=b"clip"), "what ?"))])
    assert (answer.kind, "sound" in answer.message) == ("unsupported part", True)


def test_a_start_token_is_never_written_twice(tmp_path, load, builders):
    folder = builders["llava"](tmp_path)
    (tmp_path / "chat_template.jinja").write_text("<s>{{ messages[0]['content'][0]['text'] }}")
    model = load(folder)
    assert text_of(model, "hello") == "<s>hello"
    assert model.writer.ids("<s>hello").count(1) == 1


def test_an_end_token_that_the_tokenizer_would_add_is_not_read(tmp_path, load, builders, pictures):
    # Else it would stand between a prompt and its continuation.
    import json

    folder = builders["llava"](tmp_path)
    path = tmp_path / "tokenizer.json"
    backend = json.loads(path.read_text())
    backend["post_processor"]["single"].append({"SpecialToken": {"id": "</s>", "type_id": 0}})
    backend["post_processor"]["special_tokens"]["</s>"] = {
        "id": "</s>", "ids": [2], "tokens": ["</s>"],
    }  # fmt: skip
    path.write_text(json.dumps(backend))
    model = load(folder)
    assert model.tokenizer("a")["input_ids"][-1] == 2
    prompt = model.writer.write(as_content((pictures[0], "what ?")))
    assert 2 not in model.writer.ids(prompt.text)
    assert 2 not in model.paths.plain.prepare(prompt)["input_ids"]
    assert model.info.details["scoring path"] == "shared beginnings"


def test_white_space_before_a_continuation_is_the_continuations(tmp_path, load, builders):
    # "it is " + "red" has the tokens of "it is" + " red", as in running text.
    model = load(builders["llava"](tmp_path, template=False))
    assert model.writer.joint("it is ", "red") == model.writer.joint("it is", " red")


def test_white_space_that_stays_a_token_of_its_own_is_the_prompts(loaded):
    text = "<|im_start|>assistant\n"
    assert loaded["qwen2-vl"].writer.joint(text, "red")[0] == text


def test_an_unreadable_image_is_not_answered(loaded):
    with pytest.raises(Exception, match="not a readable image"):
        loaded["llava"].generate([Generate((Image(data=b"nothing"), "what ?"))])


def test_a_sentence_with_nothing_before_it_is_no_error_of_the_template(loaded):
    """Stereotype pairs score whole sentences: by a start token, where the model has one."""
    (answer,) = loaded["llava"].loglikelihood([LogLikelihood("", " yes no")])
    assert isinstance(answer, ContinuationScore) or answer.kind == "empty context"
