"""What cannot be loaded whole is refused in one clear paragraph; nothing random is scored."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from evalsuite import ModelError, UsageError
from evalsuite.registry import Registry
from evalsuite_text import plugin
from evalsuite_text.models import causal, classifier
from evalsuite_transformers import dispatch


def copy_of(directory: str, target: Path) -> Path:
    shutil.copytree(directory, target)
    return target


def test_describing_reads_no_weights(llama_directory, bert_directory, tmp_path, cpu) -> None:
    for kind, directory in ((causal, llama_directory), (classifier, bert_directory)):
        copy = copy_of(directory, tmp_path / kind.__name__)
        (copy / "model.safetensors").unlink()
        info = kind.Loader().describe(str(copy), cpu)
        assert info.modalities == {"text"}
        assert info.methods


def test_a_directory_without_weights_is_refused(llama_directory, tmp_path, cpu) -> None:
    copy = copy_of(llama_directory, tmp_path / "empty")
    (copy / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="could not be loaded"):
        causal.Loader().load(str(copy), cpu)


@pytest.mark.parametrize(
    ("kind", "fixture", "part"),
    [(causal, "llama_directory", "lm_head"), (classifier, "bert_directory", "classifier")],
)
def test_a_missing_head_is_refused(kind, fixture, part, request, tmp_path, cpu) -> None:
    copy = copy_of(request.getfixturevalue(fixture), tmp_path / "headless")
    weights = load_file(copy / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith(part)}
    assert len(kept) < len(weights)
    save_file(kept, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=part):
        kind.Loader().load(str(copy), cpu)


def test_a_pickle_is_refused_unless_it_is_allowed(llama_directory, tmp_path, cpu, llama) -> None:
    copy = copy_of(llama_directory, tmp_path / "pickled")
    weights = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    torch.save(weights, copy / "pytorch_model.bin")
    with pytest.raises(ModelError, match="allow_pickle=true"):
        causal.Loader().load(str(copy), cpu)
    allowed = replace(cpu, options={"allow_pickle": True})
    assert causal.Loader().load(str(copy), allowed).info.n_parameters == llama.info.n_parameters


def test_a_missing_tokenizer_is_refused(llama_directory, tmp_path, cpu) -> None:
    copy = copy_of(llama_directory, tmp_path / "mute")
    for path in copy.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(ModelError, match="tokenizer"):
        causal.Loader().load(str(copy), cpu)


def test_a_tokenizer_without_start_and_end_is_refused(
    llama, tmp_path, cpu, word_level, save_checkpoint
) -> None:
    tokenizer = word_level()
    tokenizer.bos_token = tokenizer.eos_token = None
    directory = save_checkpoint(tmp_path, llama.module, tokenizer)
    with pytest.raises(ModelError, match="neither a start nor an end token"):
        causal.Loader().load(directory, cpu)


@pytest.mark.parametrize(
    "options",
    [{"chat_template": "false"}, {"max_length": "8"}, {"max_length": 1}, {"temprature": 1}],
)
def test_wrong_options_are_refused_before_weights_are_read(llama_directory, cpu, options) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        causal.Loader().describe(llama_directory, replace(cpu, options=options))


def test_max_length_shortens_what_is_read(llama_directory, cpu) -> None:
    model = causal.Loader().load(llama_directory, replace(cpu, options={"max_length": 8}))
    assert model.encoder.max_length == 8
    assert model.info.details["context length"] == "8"


def test_the_fingerprint_follows_weights_and_options(llama_directory, tmp_path, cpu, llama) -> None:
    assert causal.Loader().load(llama_directory, cpu).fingerprint == llama.fingerprint
    shorter = causal.Loader().load(llama_directory, replace(cpu, options={"max_length": 8}))
    copy = copy_of(llama_directory, tmp_path / "other")
    weights = load_file(copy / "model.safetensors")
    weights["lm_head.weight"][0, 0] += 1
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    other = causal.Loader().load(str(copy), cpu)
    assert len({llama.fingerprint, shorter.fingerprint, other.fingerprint}) == 3


def test_every_registered_name_can_be_imported() -> None:
    registry = Registry()
    registry.models.owner = registry.probes.owner = "text"
    plugin.evalsuite_register_models(registry.models)
    plugin.evalsuite_register_probes(registry.probes)
    for entry in (*registry.models, *registry.probes):
        factory = entry.load()
        assert entry.kind == "model" or factory.name == entry.name


def test_configurations_find_their_kind(gpt2, llama, bert) -> None:
    for model, name in (
        (gpt2, "hf/causal-language-model"),
        (llama, "hf/causal-language-model"),
        (bert, "hf/text-classifier"),
    ):
        assert dispatch.kind_of(model.module.config, "it").name == name
