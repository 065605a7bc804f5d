"""One sample as a line of the harness's samples file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalsuite.exports import json_line
from evalsuite.store import JobResult, Run, SampleRow

GENERATED, CHOICE, SCORED = "generate_until", "multiple_choice", "loglikelihood"


@dataclass(frozen=True)
class Scored:
    """What a line says beside the sample: its number, the filter, a value for each metric."""

    doc_id: int
    filter: str
    values: Mapping[str, Any]


def answered_rows(run: Run, result: JobResult) -> Iterator[SampleRow]:
    """The samples that have a record; the harness knows no failed ones."""
    return (row for row in run.samples(result.id) if row.status == "ok")


def output_type_of(row: SampleRow | None) -> str:
    """The harness's word for what was asked; empty where it has none.

    Several scores are choices only where the record's chance says that there were so many.
    """
    asked = _asked(row) if row else []
    kinds = {entry["asked"] for entry in asked}
    if kinds == {"Generate"}:
        return GENERATED
    if row is None or kinds != {"LogLikelihood"}:
        return ""
    chance = row.record.get("chance")
    is_choice = isinstance(chance, float) and abs(chance - 1 / len(asked)) < 1e-9
    return CHOICE if is_choice else SCORED


def line_of(row: SampleRow, scored: Scored) -> bytes:
    """The line, with the hashes that the harness makes of document, prompt and target."""
    asked = _asked(row)
    arguments = [_arguments(entry) for entry in asked]
    answers = [_answer(entry) for entry in asked]
    target = str(row.record.get("target", ""))
    # The data set's own row is not kept in a run; its hash stands for it.
    document = {"id": row.id, "content_hash": row.content_hash}
    prompt = arguments[0][0] if arguments else ""
    values = {name: value for name, value in scored.values.items() if value is not None}
    line: dict[str, Any] = {
        "doc_id": scored.doc_id,
        "doc": document,
        "target": target,
        "arguments": {
            f"gen_args_{i}": {f"arg_{j}": part for j, part in enumerate(parts)}
            for i, parts in enumerate(arguments)
        },
        "resps": [[answer] for answer in answers],
        "filtered_resps": answers,
        "filter": scored.filter,
        "metrics": list(values),
        "doc_hash": _sha256(json.dumps(document, indent=2, ensure_ascii=False)),
        "prompt_hash": _sha256(prompt),
        "target_hash": _sha256(target),
    }
    # A metric that is called like one of the line's own keys would replace it.
    return json_line({**values, **line})


def _asked(row: SampleRow) -> list[Mapping[str, Any]]:
    """Requests with their answers; not the last entry that only counts further ones."""
    return [entry for entry in row.exchange if "asked" in entry]


def _arguments(entry: Mapping[str, Any]) -> list[Any]:
    """What the harness calls a request's arguments: the context, and what is asked of it."""
    context = "".join(
        part["text"] if "text" in part else f"<{next(iter(part), 'nothing')}>"
        for part in entry.get("parts", ())
    )
    detail = entry.get("detail") or {}
    if "continuation" in detail:
        return [context, detail["continuation"]]
    return [context, detail] if detail else [context]


def _answer(entry: Mapping[str, Any]) -> Any:
    """A generated text, a score with its greediness as the harness writes them, or JSON."""
    answer = entry.get("answer") or {}
    if "total" in answer:
        return [str(answer["total"]), str(answer.get("is_greedy", False))]
    if "text" in answer:
        return answer["text"]
    return json.dumps(answer, ensure_ascii=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
