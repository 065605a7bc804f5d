"""Tasks ready to be asked: documents, prompts, and the way from responses to metric values."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lm_eval.api.group import Group
from lm_eval.api.instance import Instance
from lm_eval.api.task import Task
from lm_eval.utils import handle_non_serializable

from evalsuite import DataError
from evalsuite_lm_eval.chat_prompt import ChatPrompt
from evalsuite_lm_eval.requests import generation_of


@dataclass(frozen=True)
class Prompting:
    """How prompts are written; see TaskDocuments for what each means."""

    num_fewshot: int | None = None
    system: str | None = None
    apply_chat_template: bool = False
    fewshot_as_multiturn: bool = True
    seed: int = 1234
    limit: int | None = None
    gen_kwargs: Mapping[str, Any] = field(default_factory=dict)


class LoadedTask:
    """One task of the harness with its prompting; its text is its name."""

    def __init__(self, task: Task, prompting: Prompting) -> None:
        """Override what the prompting says, as the harness's own evaluator does.

        Raises:
            DataError: The task's generation settings cannot be asked for.
        """
        self.task = task
        self.name = str(task.task_name)
        self.prompting = prompting
        self._built: list[list[Instance]] = []
        own = task.get_config("num_fewshot")
        if own is None or (prompting.num_fewshot is not None and own != 0):
            task.set_config("num_fewshot", prompting.num_fewshot or 0)
        task.set_fewshot_seed(seed=prompting.seed)
        if task.get_config("output_type") == "generate_until":
            if prompting.gen_kwargs:
                task.set_config("generation_kwargs", dict(prompting.gen_kwargs), update=True)
            generation_of(task.get_config("generation_kwargs") or {})

    def __str__(self) -> str:
        return self.name

    @cached_property
    def n_documents(self) -> int:
        """How many documents are asked."""
        n = len(self.documents)
        return n if self.prompting.limit is None else min(n, self.prompting.limit)

    @cached_property
    def documents(self) -> Any:
        """The documents of the test split, or of the validation split in its absence."""
        return self.task.eval_docs

    def instances(self, index: int) -> list[Instance]:
        """The instances of one document.

        Few-shot examples are drawn from one stream of random numbers, document after document;
        so those before it are built first, whoever is asked for first.
        """
        while len(self._built) <= index:
            self._built.append(self._build(len(self._built)))
        # The harness writes responses into instances; each model gets instances of its own.
        return [copy.copy(instance) for instance in self._built[index]]

    def _build(self, index: int) -> list[Instance]:
        task, prompting = self.task, self.prompting
        document = self.documents[index]
        template = ChatPrompt.of if prompting.apply_chat_template else None
        context = task.fewshot_context(
            document,
            num_fewshot=task.get_config("num_fewshot") or 0,
            system_instruction=prompting.system,
            apply_chat_template=prompting.apply_chat_template,
            fewshot_as_multiturn=prompting.fewshot_as_multiturn,
            chat_template=template,
            gen_prefix=task.doc_to_prefix(document),
        )
        built = task.construct_requests(
            doc=document,
            ctx=context,
            metadata=(self.name, index, task.get_config("repeats") or 1),
            apply_chat_template=prompting.apply_chat_template,
            chat_template=template,
        )
        return list(built) if isinstance(built, list) else [built]

    def results(
        self, index: int, instances: Sequence[Instance], responses: Sequence[list[Any]]
    ) -> dict[str, dict[str, Any]]:
        """Metric values of one document, by filter and metric, and what each filter let through.

        Filters see the responses of one document at a time, so that one document that a task's
        own code cannot digest costs its own record only.

        Returns:
            {filter: {"metrics": {metric: value}, "filtered": [one for each instance]}}
        """
        for instance, response in zip(instances, responses, strict=True):
            instance.resps = list(response)
            instance.filtered_resps = {}
        ordered = sorted(instances, key=lambda instance: instance.idx)
        found = {}
        for ensemble in self.task._filters:
            ensemble.apply(ordered)
            filtered = [instance.filtered_resps[ensemble.name] for instance in ordered]
            metrics = self.task.process_results(self.documents[index], filtered)
            found[ensemble.name] = {"metrics": metrics, "filtered": filtered}
        return found

    def target(self, index: int) -> str:
        """What the task calls the right answer, as text; for a choice, its text."""
        document = self.documents[index]
        target = self.task.doc_to_target(document)
        if isinstance(target, int) and self.task.get_config("doc_to_choice") is not None:
            choices = self.task.doc_to_choice(document)
            if 0 <= target < len(choices):
                return str(choices[target])
        return str(target)

    def chance(self, index: int, n_instances: int) -> float | None:
        """How often guessing among the choices is right; None where there are none to guess."""
        if self.task.get_config("output_type") != "multiple_choice":
            return None
        document = self.documents[index]
        target = self.task.doc_to_target(document)
        choices = self.task.doc_to_choice(document)
        is_list = isinstance(target, list) and getattr(self.task, "multiple_target", 0)
        n_right = len(set(target)) if is_list else 1
        return n_right / len(choices) if choices else 1 / n_instances

    def plain_document(self, index: int) -> Any:
        """A document as JSON reads it back; media by the hash of their pixels."""
        text = json.dumps(self.documents[index], default=_plain, ensure_ascii=False)
        return json.loads(text)

    def higher_is_better(self, metric: str) -> bool | None:
        """Which way a metric points, where the task says."""
        return self.task.higher_is_better().get(metric)


def _plain(value: Any) -> Any:
    if hasattr(value, "tobytes") and hasattr(value, "size"):  # pictures, arrays
        return hashlib.sha256(value.tobytes()).hexdigest()
    return handle_non_serializable(value)


@dataclass(frozen=True)
class TaskSet:
    """What one name of the harness stands for: a task, a group of them, or all with a tag."""

    name: str
    tasks: tuple[LoadedTask, ...]
    groups: tuple[Group, ...] = ()

    @property
    def is_single(self) -> bool:
        """Whether the name is that of one task."""
        return len(self.tasks) == 1 and not self.groups


@dataclass(frozen=True)
class TaskDocument:
    """One document of one task; its text is the task's name, which its content hash rests on."""

    task: LoadedTask
    index: int
    set: TaskSet

    def __str__(self) -> str:
        return self.task.name


def load_task_set(
    name: str,
    include_path: str | None,
    metadata: Mapping[str, Any],
    prompting: Prompting,
    allow_unsafe_code: bool,
) -> TaskSet:
    """Load a task, group or tag with its data.

    Raises:
        DataError: There is no such task, its file or data cannot be read, or it runs code that a
            model wrote and that was not allowed.
    """
    from evalsuite_lm_eval.task_index import manager_for

    manager = manager_for(name, include_path, dict(metadata))
    _refuse_unknown(name, manager.all_tasks or [], manager, include_path)
    try:
        loaded = manager.load([name])
    except (KeyError, ValueError, TypeError, OSError, ImportError, AttributeError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise DataError(
            f"The lm-eval task {name!r} cannot be loaded: {detail}. Its YAML file or its data are "
            "at fault; `lm-eval validate --tasks` says more about the file. Without a network, "
            "data must be local (`dataset_path: json`, `dataset_kwargs: {data_files: ...}`)."
        ) from error
    tasks = tuple(LoadedTask(task, prompting) for task in loaded["tasks"].values())
    for task in tasks:
        if getattr(task.task, "UNSAFE_CODE", False) and not allow_unsafe_code:
            raise DataError(
                f"The lm-eval task {task.name!r} runs code that the model writes. Say "
                "`allow_unsafe_code: true` in a place where that may happen."
            )
    return TaskSet(name, tasks, tuple(loaded.get("groups", {}).values()))


def _refuse_unknown(name: str, own: Sequence[str], manager: Any, include_path: str | None) -> None:
    """Refuse a name that is neither in the index nor a file."""
    import difflib
    from pathlib import Path

    if name in manager.task_index or Path(name).is_file():
        return
    close = difflib.get_close_matches(name, manager.task_index, n=3, cutoff=0.6)
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    mine = f" {include_path} defines {', '.join(own) or 'none'}." if include_path else ""
    raise DataError(
        f"There is no lm-eval task, group or tag named {name!r}.{hint}{mine} "
        "`lm-eval ls tasks` shows the built-in ones; include_path names a folder of your own."
    )
