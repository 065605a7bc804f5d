"""``every-eval-ever``: the shared schema of evaluation results, version 0.3.0.

One record for each probe of each model, at the path that the schema's data store prescribes:
``data/COLLECTION/DEVELOPER/MODEL/UUID.json``. See arXiv 2606.14516. Samples are not part of it: the
schema asks of each whether it was answered correctly, which most probes do not say.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from evalsuite.documents import finite
from evalsuite.exports.files import Export, ExportedFile, file_name
from evalsuite.exports.texts import one_line
from evalsuite.metric import Estimate
from evalsuite.store import JobResult, Run

SCHEMA_VERSION = "0.3.0"
# The schema names models as the Hugging Face hub does; that of any other scheme keeps its scheme.
HUB_SCHEME = "hf"


def export(runs: Sequence[Run]) -> Export:
    """Every defined estimate, primary or not, whole or of a slice, with its interval."""
    files, left_out = [], 0
    for run in runs:
        for result in run.results:
            defined = [e for e in result.estimates if math.isfinite(e.value)]
            left_out += len(result.estimates) - len(defined)
            if defined:
                files.append(_file(run, result, defined))
    note = f"{left_out} undefined estimates are left out: the schema takes numbers only."
    return Export(tuple(files), (note,) if left_out else ())


def _file(run: Run, result: JobResult, estimates: Sequence[Estimate]) -> ExportedFile:
    record = _record(run, result, estimates)
    data = json.dumps(finite(record), indent=1, ensure_ascii=True, allow_nan=False).encode()
    developer, _, model = record["model_info"]["id"].partition("/")
    # Equal records have equal names: publishing one twice adds nothing.
    name = uuid.UUID(bytes=hashlib.sha256(data).digest()[:16], version=4)
    folder = f"data/{file_name(result.label)}/{developer}/{model}"
    return ExportedFile(f"{folder}/{name}.json", [data + b"\n"])


def model_id(model: str) -> str:
    """``developer/model``: a hub model's own name, else its scheme and its reference."""
    scheme, _, reference = model.partition(":")
    parts = reference.split("/")
    if scheme == HUB_SCHEME and len(parts) == 2 and all(parts) and parts[0] not in (".", "..", "~"):
        return f"{file_name(parts[0])}/{file_name(parts[1])}"
    return f"{file_name(scheme)}/{file_name(reference)}"


def _record(run: Run, result: JobResult, estimates: Sequence[Estimate]) -> dict[str, Any]:
    started = _seconds(str(run.manifest.get("started", "")))
    identity = model_id(result.model)
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": f"{file_name(result.label)}/{identity}/{started}",
        "evaluation_timestamp": started,
        "retrieved_timestamp": started,
        "source_metadata": {
            "source_name": "evalsuite",
            "source_type": "evaluation_run",
            "source_organization_name": "unknown",
            "evaluator_relationship": "other",
            "additional_details": _details(
                run=run.name, suite=run.plan.get("suite_name"), seed=run.plan.get("seed")
            ),
        },
        "eval_library": {
            "name": "evalsuite",
            "version": str(run.manifest.get("versions", {}).get("evalsuite", "unknown")),
        },
        "model_info": {
            "name": one_line(result.model),
            "id": identity,
            "additional_details": {
                "deployment_type": "unknown",
                "model_availability": "unknown",
                **_model_details(run, result.model),
            },
        },
        "evaluation_results": [_result(run, result, e) for e in estimates],
    }


def _result(run: Run, result: JobResult, estimate: Estimate) -> dict[str, Any]:
    label, metric = one_line(result.label), one_line(estimate.metric)
    sliced = f" [{one_line(estimate.slice)}]" if estimate.slice else ""
    sources = {str(s["name"]): s for s in run.plan.get("sources", ())}
    source = sources.get(result.source, {})
    return {
        "evaluation_result_id": f"{label}:{metric}{sliced}",
        "evaluation_name": f"{label}{sliced}",
        "source_data": {
            "dataset_name": file_name(result.label),
            "source_type": "other",
            "additional_details": _details(
                source=result.source,
                type=source.get("type"),
                fingerprint=source.get("fingerprint"),
                rows=source.get("n_rows"),
            ),
        },
        "metric_config": {
            "evaluation_description": one_line(result.card.get("measures", "")) or label,
            "metric_id": f"evalsuite.{metric.lower().replace(' ', '_')}",
            "metric_name": metric,
            "lower_is_better": estimate.direction == "lower is better",
            "additional_details": _details(
                direction=estimate.direction,
                slice=estimate.slice,
                null=estimate.null.value if estimate.null else None,
                margin=estimate.null.margin if estimate.null else None,
                verdict=estimate.verdict,
                primary=estimate.is_primary,
            ),
        },
        "score_details": {"score": estimate.value, "uncertainty": _uncertainty(estimate)},
    }


def _uncertainty(estimate: Estimate) -> dict[str, Any]:
    told: dict[str, Any] = {"num_samples": estimate.n}
    if math.isfinite(estimate.low) and math.isfinite(estimate.high):
        told["confidence_interval"] = {
            "lower": estimate.low,
            "upper": estimate.high,
            "confidence_level": estimate.level,
            "method": one_line(f"{estimate.method}, unit: {estimate.unit}"),
        }
    return told


def _model_details(run: Run, model: str) -> dict[str, str]:
    planned: Mapping[str, Any] = next(
        (m for m in run.plan.get("models", ()) if m["name"] == model), {}
    )
    facts = run.manifest.get("models", {}).get(model, {})
    return _details(
        kind=planned.get("kind"),
        dtype=planned.get("dtype"),
        revision=planned.get("revision"),
        fingerprint=facts.get("fingerprint"),
    )


def _details(**facts: Any) -> dict[str, str]:
    """Facts as the schema's free details: texts, what is unknown left out."""
    return {key: one_line(str(value)) for key, value in facts.items() if value not in (None, "")}


def _seconds(moment: str) -> str:
    """An ISO 8601 moment as seconds since 1970, as text."""
    try:
        return str(int(datetime.fromisoformat(moment).timestamp()))
    except ValueError:
        return "0"
