"""A tiny real GPT-2 on disk, and tasks written as their users write them, on local real data."""

from __future__ import annotations

import json
import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest
import torch
import yaml
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from tokenizers.trainers import BpeTrainer
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

N = 20
CORPUS = [
    "The old house at the river is warm and the garden is green.",
    "An astronomer observes that a planet rotates faster after an impact.",
    "She sells the remainder at the market for 2 dollars. The answer is 18.",
]
TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def save_gpt2(folder: Path, seed: int, chat_template: str | None = None) -> str:
    torch.manual_seed(seed)
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=400,
        special_tokens=["<|end|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    inner.train_from_iterator(CORPUS, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<|end|>", eos_token="<|end|>", unk_token="<|end|>"
    )
    tokenizer.pad_token = "<|end|>"
    tokenizer.chat_template = chat_template
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=1024,
        n_embd=32,
        n_layer=2,
        n_head=2,
        bos_token_id=0,
        eos_token_id=0,
        initializer_range=0.3,
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def gpt2_directory(tmp_path_factory) -> str:
    return save_gpt2(tmp_path_factory.mktemp("gpt2"), 0)


@pytest.fixture(scope="session")
def chat_directory(tmp_path_factory) -> str:
    return save_gpt2(tmp_path_factory.mktemp("chat"), 1, TEMPLATE)


def write_jsonl(path: Path, rows) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def read_jsonl(path: Path, n: int):
    with path.open(encoding="utf-8") as stream:
        return [json.loads(line) for line, _ in zip(stream, range(n))]


def write_task(folder: Path, name: str, rows, **config) -> None:
    """A task's YAML file beside its data; the data set's cache stays in the same folder."""
    data = write_jsonl(folder / f"{name}.jsonl", rows)
    document = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": data}, "cache_dir": str(folder / "cache")},
        "test_split": "test",
        "metadata": {"version": 1.0},
        **config,
    }
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(document))


def mean_of(*names: str) -> list[dict]:
    return [{"metric": n, "aggregation": "mean", "higher_is_better": True} for n in names]


def toy_choices(n: int):
    words = ["warm", "green", "old", "fast"]
    return [
        {"question": f"The house number {i} is", "choices": words, "answer": i % 4}
        for i in range(n)
    ]


@pytest.fixture(scope="session")
def toy_tasks(tmp_path_factory) -> Path:
    """Small tasks on data made up here: every kind of request, no real data needed."""
    folder = tmp_path_factory.mktemp("toy_tasks")
    choice = {
        "output_type": "multiple_choice",
        "doc_to_text": "{{question}}",
        "doc_to_target": "answer",
        "doc_to_choice": "choices",
    }
    write_task(
        folder,
        "toy_choice",
        toy_choices(12),
        **choice,
        fewshot_split="test",
        metric_list=[
            *mean_of("acc", "acc_norm"),
            {"metric": "mcc", "aggregation": "matthews_corrcoef", "higher_is_better": True},
        ],
    )
    write_task(folder, "toy_other", toy_choices(6), **choice, metric_list=mean_of("acc"))
    write_task(
        folder,
        "toy_last_word",
        [{"text": f"The garden {i} is", "word": " green"} for i in range(5)],
        output_type="loglikelihood",
        doc_to_text="{{text}}",
        doc_to_target="{{word}}",
        metric_list=[
            {"metric": "perplexity", "aggregation": "perplexity", "higher_is_better": False},
            *mean_of("acc"),
        ],
    )
    write_task(
        folder,
        "toy_rolling",
        [{"page": f"The old house {i} at the river. " * (i + 1)} for i in range(6)],
        output_type="loglikelihood_rolling",
        doc_to_text="",
        doc_to_target="{{page}}",
        metric_list=[
            {"metric": m} for m in ("word_perplexity", "byte_perplexity", "bits_per_byte")
        ],
    )
    write_task(
        folder,
        "toy_generate",
        [{"question": f"What is {i} and {i}?", "answer": str(2 * i)} for i in range(8)],
        output_type="generate_until",
        doc_to_text="{{question}}",
        doc_to_target="{{answer}}",
        generation_kwargs={"until": ["\n", "e"], "do_sample": False, "max_gen_toks": 12},
        filter_list=[
            {
                "name": "number",
                "filter": [
                    {"function": "regex", "regex_pattern": "(-?[0-9]+)"},
                    {"function": "take_first"},
                ],
            },
            {"name": "plain", "filter": [{"function": "take_first"}]},
        ],
        metric_list=[
            *mean_of("exact_match"),
            {"metric": "bleu", "aggregation": "bleu", "higher_is_better": True},
        ],
    )
    (folder / "group.yaml").write_text(
        yaml.safe_dump(
            {
                "group": "toy_group",
                "task": ["toy_choice", "toy_other"],
                "aggregate_metric_list": [{"metric": "acc", "weight_by_size": True}],
            }
        )
    )
    return folder


def wikitext_pages(text: str):
    """The articles of a wikitext file; a title is a line `` = Title = ``."""
    pages, page = [], []
    for line in text.splitlines(keepends=True):
        if line.startswith(" = ") and not line.startswith(" = = ") and page:
            pages.append("".join(page))
            page = []
        page.append(line)
    return [{"page": text} for text in pages if text.strip()]


@pytest.fixture(scope="session")
def real_tasks(data, tmp_path_factory) -> Path:
    """Tasks on the first documents of public data sets."""
    folder = tmp_path_factory.mktemp("real_tasks")
    arc = read_jsonl(data / "arc_challenge" / "arc_challenge_test.jsonl", N)
    write_task(
        folder,
        "local_arc",
        [
            {
                "question": row["question"],
                "texts": [option["text"] for option in row["options"]],
                "answer": i % 3,
            }
            for i, row in enumerate(arc)
        ],
        output_type="multiple_choice",
        doc_to_text="Question: {{question}}\nAnswer:",
        doc_to_target="answer",
        doc_to_choice="texts",
        fewshot_split="test",
        metric_list=mean_of("acc", "acc_norm", "acc_bytes"),
    )
    write_task(
        folder,
        "local_wikitext",
        [
            {"page": row["page"][:1500]}
            for row in wikitext_pages((data / "wikitext2" / "test.txt").read_text())[:6]
        ],
        output_type="loglikelihood_rolling",
        doc_to_text="",
        doc_to_target="{{page}}",
        metric_list=[
            {"metric": m} for m in ("word_perplexity", "byte_perplexity", "bits_per_byte")
        ],
    )
    write_task(
        folder,
        "local_gsm8k",
        read_jsonl(data / "gsm8k" / "test.jsonl", N),
        output_type="generate_until",
        doc_to_text="Question: {{question}}\nAnswer:",
        doc_to_target="{{answer.split('####')[-1].strip()}}",
        generation_kwargs={"until": ["Question:", "\n\n"], "do_sample": False, "max_gen_toks": 8},
        filter_list=[
            {
                "name": "flexible",
                "filter": [
                    {"function": "regex", "regex_pattern": "(-?[0-9.,]+)", "group_select": -1},
                    {"function": "take_first"},
                ],
            }
        ],
        metric_list=[
            {
                "metric": "exact_match",
                "aggregation": "mean",
                "higher_is_better": True,
                "ignore_punctuation": False,
                "regexes_to_ignore": [","],
            }
        ],
    )
    write_task(
        folder,
        "local_blimp",
        read_jsonl(data / "blimp" / "anaphor_gender_agreement.jsonl", N),
        output_type="multiple_choice",
        doc_to_text="",
        doc_to_target=0,
        doc_to_choice="{{[sentence_good, sentence_bad]}}",
        metric_list=mean_of("acc"),
    )
    return folder
