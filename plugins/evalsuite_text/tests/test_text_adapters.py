"""Adapters and rounded weights: laid over every kind, and part of a model's identity."""

from __future__ import annotations

import shutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PrefixTuningConfig, TaskType, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    BertConfig,
    BertForTokenClassification,
    BertModel,
)

from evalsuite import Classify, EmbedText, LabelTokens, LogLikelihood, ModelError, UsageError
from evalsuite.factories import loader_for
from evalsuite.registry import installed
from evalsuite_transformers.checkpoint import Checkpoint, load_weights, open_checkpoint

PAIR = [LogLikelihood("the old house", " is warm")]


def load(folder, settings, **options):
    loader, reference = loader_for(f"hf:{folder}", installed())
    return loader.load(reference, replace(settings, options=options))


def trained(module, seed=0):
    """Give every weight of an adapter a value: a fresh LoRA changes nothing."""
    torch.manual_seed(seed)
    for name, weight in module.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.3)
    return module


@pytest.fixture(scope="module")
def lora(gpt2_directory, tmp_path_factory):
    """A LoRA on GPT-2's attention, as peft saves it; and the adapted model itself."""
    base = AutoModelForCausalLM.from_pretrained(gpt2_directory)
    config = LoraConfig(
        r=4, target_modules=["c_attn"], fan_in_fan_out=True, task_type=TaskType.CAUSAL_LM
    )
    adapted = trained(get_peft_model(base, config)).eval()
    folder = tmp_path_factory.mktemp("lora")
    adapted.save_pretrained(folder)
    return folder, adapted


def test_scores_are_those_of_the_adapted_model(gpt2_directory, lora, cpu, gpt2):
    folder, adapted = lora
    model = load(gpt2_directory, cpu, adapter=str(folder))
    (answer,) = model.loglikelihood(PAIR)
    ids = model.tokenizer("the old house is warm")["input_ids"]
    n_context = len(model.tokenizer("the old house")["input_ids"])
    with torch.no_grad():
        logp = adapted(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
    expected = sum(float(logp[i - 1, ids[i]]) for i in range(n_context, len(ids)))
    assert answer.total == pytest.approx(expected, abs=1e-3)
    assert abs(answer.total - gpt2.loglikelihood(PAIR)[0].total) > 0.1


def test_the_adapter_is_part_of_the_models_identity(gpt2_directory, lora, cpu, gpt2, tmp_path):
    folder, adapted = lora
    first = load(gpt2_directory, cpu, adapter=str(folder))
    assert first.fingerprint != gpt2.fingerprint
    assert "+adapter:" in first.info.revision
    assert load(gpt2_directory, cpu, adapter=str(folder)).fingerprint == first.fingerprint
    other = tmp_path / "other"
    trained(adapted, seed=1).save_pretrained(other)
    trained(adapted, seed=0)
    assert load(gpt2_directory, cpu, adapter=str(other)).fingerprint != first.fingerprint


def test_a_description_names_the_adapter_without_reading_weights(gpt2_directory, lora, cpu):
    loader, reference = loader_for(f"hf:{gpt2_directory}", installed())
    settings = replace(cpu, options={"adapter": str(lora[0])})
    assert "+adapter:" in loader.describe(reference, settings).revision


def test_an_adapter_brings_the_head_that_it_trained(tmp_path, word_piece, save_checkpoint, cpu):
    tokenizer = word_piece()
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=24, num_labels=3, initializer_range=0.3,
    )  # fmt: skip
    base = save_checkpoint(tmp_path / "base", BertModel(config), tokenizer)
    with pytest.raises(ModelError, match="lacks 2 of its weights"):
        loader_for("hf/text-classifier:x", installed())[0].load(base, cpu)
    whole = AutoModelForSequenceClassification.from_pretrained(base)
    adapted = get_peft_model(
        whole, LoraConfig(r=2, target_modules=["query"], task_type=TaskType.SEQ_CLS)
    )
    trained(adapted).eval().save_pretrained(tmp_path / "adapter")
    options = {"adapter": str(tmp_path / "adapter")}
    loader, _ = loader_for("hf/text-classifier:x", installed())
    model = loader.load(base, replace(cpu, options=options))
    (answer,) = model.classify([Classify("a small dog")])
    with torch.no_grad():
        logits = adapted(**tokenizer("a small dog", return_tensors="pt")).logits[0]
    assert answer.probabilities == pytest.approx(logits.softmax(-1).tolist(), abs=1e-5)


def test_other_kinds_take_adapters_too(tmp_path, word_piece, save_checkpoint, cpu):
    tokenizer = word_piece()
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=24, initializer_range=0.3,
    )  # fmt: skip
    for name, kind, request, method in (
        ("tokens", BertForTokenClassification, LabelTokens(("a", "dog")), "label_tokens"),
        ("vectors", BertModel, EmbedText("a dog"), "embed_text"),
    ):
        base = save_checkpoint(tmp_path / name, kind(config), tokenizer)
        adapted = get_peft_model(
            kind.from_pretrained(base), LoraConfig(r=2, target_modules=["query"])
        )
        trained(adapted).save_pretrained(tmp_path / f"{name}-adapter")
        plain, laid = load(base, cpu), load(base, cpu, adapter=str(tmp_path / f"{name}-adapter"))
        assert repr(getattr(plain, method)([request])) != repr(getattr(laid, method)([request]))


def test_an_adapter_in_the_models_own_folder_is_laid_over_it(gpt2_directory, lora, cpu, tmp_path):
    shutil.copytree(gpt2_directory, tmp_path, dirs_exist_ok=True)
    lora[1].save_pretrained(tmp_path)
    inside, beside = load(tmp_path, cpu), load(gpt2_directory, cpu, adapter=str(lora[0]))
    assert inside.loglikelihood(PAIR)[0].total == beside.loglikelihood(PAIR)[0].total


def test_weights_that_the_base_lacks_are_seen_beside_an_adapter(
    gpt2_directory, lora, cpu, tmp_path
):
    """transformers alone reports what the adapter lacks: nothing."""
    shutil.copytree(gpt2_directory, tmp_path, dirs_exist_ok=True)
    lora[1].save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if ".h.1.mlp." not in name}
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    _, theirs = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not theirs["missing_keys"]
    with pytest.raises(ModelError, match="lacks 4 of its weights"):
        load(tmp_path, cpu)


def test_an_adapter_on_the_hub_is_no_model(gpt2_directory, lora, cpu, monkeypatch):
    checkpoint = open_checkpoint(str(gpt2_directory), cpu)
    monkeypatch.setattr(Checkpoint, "file", lambda self, path: lora[0] / path)
    with pytest.raises(ModelError, match="is an adapter on the hub. Name the model"):
        load_weights(AutoModelForCausalLM, replace(checkpoint, reference="somebody/their-lora"))


def test_an_adapter_of_another_model_is_refused(lora, llama_directory, cpu):
    with pytest.raises(ModelError, match="cannot be laid over LlamaForCausalLM"):
        load(llama_directory, cpu, adapter=str(lora[0]))


def test_a_learnt_prompt_is_refused(gpt2_directory, tmp_path, cpu):
    base = AutoModelForCausalLM.from_pretrained(gpt2_directory)
    config = PrefixTuningConfig(num_virtual_tokens=2, task_type=TaskType.CAUSAL_LM)
    get_peft_model(base, config).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="learns a prompt"):
        load(gpt2_directory, cpu, adapter=str(tmp_path))


def test_an_adapter_that_is_not_there_is_refused(gpt2_directory, tmp_path, cpu):
    with pytest.raises(ModelError, match=r"no adapter_config\.json"):
        load(gpt2_directory, cpu, adapter=str(tmp_path))
    with pytest.raises(ModelError, match=r"no adapter_config\.json"):
        load(gpt2_directory, cpu, adapter="nobody/no-such-adapter")


def test_an_adapter_in_a_pickle_is_refused(gpt2_directory, lora, tmp_path, cpu):
    adapted = lora[1]
    adapted.save_pretrained(tmp_path, safe_serialization=False)
    if (tmp_path / "adapter_model.safetensors").exists():
        (tmp_path / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelError, match="allow_pickle"):
        load(gpt2_directory, cpu, adapter=str(tmp_path))


def test_quantization_is_int8_or_int4(gpt2_directory, cpu):
    with pytest.raises(UsageError, match="quantization must be int8 or int4"):
        load(gpt2_directory, cpu, quantization="8bit")


@pytest.mark.skipif(find_spec("torchao") is not None, reason="torchao is installed")
def test_a_missing_package_is_named(llama_directory, cpu):
    with pytest.raises(UsageError, match="needs the package torchao, which is not installed"):
        load(llama_directory, cpu, quantization="int8")


@pytest.mark.skipif(find_spec("torchao") is None, reason="torchao is not installed")
def test_rounded_weights_answer_nearly_alike(llama_directory, cpu, llama):
    model = load(llama_directory, cpu, quantization="int8")
    exact, rounded = (m.loglikelihood(PAIR)[0].total for m in (llama, model))
    assert exact != rounded
    assert rounded == pytest.approx(exact, rel=0.05)
    assert model.fingerprint != llama.fingerprint
    assert model.info.revision == "+int8"


def test_the_files_of_an_adapter_are_all_it_is_made_of(lora):
    assert {path.name for path in Path(lora[0]).glob("adapter_*")} == {
        "adapter_config.json",
        "adapter_model.safetensors",
    }
