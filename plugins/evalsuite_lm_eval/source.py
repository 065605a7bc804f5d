"""The documents of an lm-evaluation-harness task, as samples."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from evalsuite import DataError, Sample
from evalsuite.content import sha256_of
from evalsuite_lm_eval.tasks import Prompting, TaskDocument, TaskSet, load_task_set


@dataclass(frozen=True)
class TaskDocuments:
    """One sample for each document of a task, or of every task of a group or tag.

    Attributes:
        task: Name of a task, group or tag; or the path of a task's YAML file.
        include_path: Folder with tasks of your own; they come before built-in ones.
        num_fewshot: Worked examples before each question; the task's own number by default. As in
            the harness, a task that insists on 0 keeps it.
        limit: First so many documents of each task.
        system: System instruction put before every prompt.
        apply_chat_template: Ask in turns of a chat, which the model's own template renders.
        fewshot_as_multiturn: In a chat, each worked example is a pair of turns of its own.
        gen_kwargs: Laid over the task's ``generation_kwargs``; null takes one out.
        seed: Draws the worked examples; 1234 is the harness's own.
        metadata: Handed to tasks that take some (e.g. sequence lengths).
        allow_unsafe_code: Permit tasks that run what the model writes.
    """

    task: str
    include_path: str | None = None
    num_fewshot: int | None = None
    limit: int | None = None
    system: str | None = None
    apply_chat_template: bool = False
    fewshot_as_multiturn: bool = True
    gen_kwargs: dict[str, Any] = field(default_factory=dict)
    seed: int = 1234
    metadata: dict[str, Any] = field(default_factory=dict)
    allow_unsafe_code: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit must be at least 1 (got {self.limit})")
        if self.num_fewshot is not None and self.num_fewshot < 0:
            raise ValueError(f"num_fewshot must be at least 0 (got {self.num_fewshot})")

    def rows(self) -> Iterator[Sample]:
        """Every document, task after task."""
        tasks = self._tasks()
        for task in tasks.tasks:
            for index in range(task.n_documents):
                yield sample_of(TaskDocument(task, index, tasks))

    def check(self) -> None:
        """Load the task; raises DataError when it or its data cannot be read."""
        for task in self._tasks().tasks:
            if task.n_documents == 0:
                raise DataError(f"The lm-eval task {task.name!r} has no documents to ask about.")

    def count(self) -> int:
        """Documents of all tasks."""
        return sum(task.n_documents for task in self._tasks().tasks)

    def fingerprint(self) -> str:
        """Sha256 over every document, the tasks' versions and how prompts are written."""
        tasks = self._tasks().tasks
        told = json.dumps(asdict(self._prompting()), sort_keys=True, default=str)
        chunks = [told.encode()]
        for task in tasks:
            chunks += [task.name.encode(), str(task.task.VERSION).encode()]
            for index in range(task.n_documents):
                document = task.plain_document(index)
                chunks.append(json.dumps(document, sort_keys=True).encode())
        return sha256_of(*chunks)

    def _prompting(self) -> Prompting:
        return Prompting(
            num_fewshot=self.num_fewshot,
            system=self.system,
            apply_chat_template=self.apply_chat_template,
            fewshot_as_multiturn=self.fewshot_as_multiturn,
            seed=self.seed,
            limit=self.limit,
            gen_kwargs=self.gen_kwargs,
        )

    def _tasks(self) -> TaskSet:
        """The loaded tasks, kept in memory as long as no file of theirs changes."""
        told = json.dumps(asdict(self), sort_keys=True)
        remembered = _load(told, _stamp(self.include_path, self.task))
        if remembered.data_stamp != _data_stamp(remembered.tasks):
            _load.cache_clear()
            remembered = _load(told, _stamp(self.include_path, self.task))
        return remembered.tasks


def sample_of(document: TaskDocument) -> Sample:
    """One document as a sample; equal documents of equal tasks have equal content hashes."""
    return Sample(
        f"{document.task.name}/{document.index}",
        {"task": document, "doc": document.task.plain_document(document.index)},
    )


Stamp: TypeAlias = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class _Remembered:
    """Loaded tasks, and the state of their data files at that time."""

    tasks: TaskSet
    data_stamp: Stamp


@lru_cache(maxsize=16)
def _load(told: str, stamp: Stamp) -> _Remembered:
    """Load the tasks of a source from the JSON text of its options."""
    del stamp  # part of the key: a changed file is read again
    source = TaskDocuments(**json.loads(told))
    tasks = load_task_set(
        source.task,
        source.include_path,
        source.metadata,
        source._prompting(),
        source.allow_unsafe_code,
    )
    return _Remembered(tasks, _data_stamp(tasks))


def _stamp(include_path: str | None, task: str) -> Stamp:
    """When the files that define the user's own tasks were written."""
    files = [Path(task)] if Path(task).is_file() else []
    if include_path is not None:
        files += [p for p in Path(include_path).rglob("*") if p.suffix in (".yaml", ".yml", ".py")]
    return _written(files)


def _data_stamp(tasks: TaskSet) -> Stamp:
    """When the local data files of tasks were written."""
    files: list[Path] = []
    for task in tasks.tasks:
        named = (task.task.get_config("dataset_kwargs") or {}).get("data_files", [])
        listed = named.values() if isinstance(named, dict) else [named]
        for item in listed:
            files += [Path(name) for name in ([item] if isinstance(item, str) else item)]
    return _written(path for path in files if path.is_file())


def _written(files: Iterable[Path]) -> Stamp:
    return tuple(sorted((str(path), path.stat().st_mtime_ns) for path in files))
