"""Under which circumstances the numbers were made, and how to make them again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsuite.report.credentials import without_credentials
from evalsuite.report.wording import plain_utf8
from evalsuite.store import Run


@dataclass(frozen=True)
class Provenance:
    """What is known of one run."""

    name: str
    facts: tuple[tuple[str, str], ...]
    models: tuple[tuple[str, ...], ...]
    sources: tuple[tuple[str, ...], ...]
    plugins: tuple[tuple[str, ...], ...]
    files: tuple[tuple[str, str], ...]
    suite_text: str
    again: str


def provenance(runs: Sequence[Run]) -> list[Provenance]:
    """One entry for each run."""
    return [_of(run) for run in runs]


def _of(run: Run) -> Provenance:
    manifest = run.manifest
    git = manifest.get("git") or {}
    versions = manifest.get("versions", {})
    hardware = manifest.get("hardware", {})
    facts = [
        ("run", run.name),
        ("suite", str(run.plan.get("suite_name", ""))),
        ("suite sha256", _sha256(str(run.plan.get("suite_text", "")))),
        ("command", without_credentials(str(run.plan.get("command", "")))),
        ("seed", str(run.plan.get("seed", ""))),
        ("planned", str(run.plan.get("created", ""))),
        ("started", str(manifest.get("started", ""))),
        ("seconds", str(manifest.get("seconds", ""))),
        ("complete", "yes" if manifest.get("complete") else "no"),
        ("executor", str(run.plan.get("executor", ""))),
        ("versions", ", ".join(f"{name} {value}" for name, value in versions.items())),
        ("hardware", _hardware(hardware)),
        ("git", f"{git.get('commit', '')}{' with changes' if git.get('dirty') else ''}"),
    ]
    return Provenance(
        name=run.name,
        facts=tuple((name, value) for name, value in facts if value),
        models=tuple(_models(run)),
        sources=tuple(_source(source) for source in run.plan.get("sources", ())),
        plugins=tuple(_plugin(plugin) for plugin in manifest.get("plugins", ())),
        # A picture or clip is stored under its hash, so to list it would say nothing.
        files=tuple(
            sorted((k, v) for k, v in manifest.get("files", {}).items() if k[:6] != "media/")
        ),
        suite_text=without_credentials(str(run.plan.get("suite_text", ""))),
        again=without_credentials(str(run.plan.get("command", ""))),
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(plain_utf8(text)).hexdigest() if text else ""


def _hardware(facts: Mapping[str, Any]) -> str:
    def text(value: Any) -> str:
        return " and ".join(map(str, value)) if isinstance(value, list) else str(value)

    return ", ".join(
        f"{key.replace('_', ' ')} {text(value)}" for key, value in facts.items() if value
    )


def _source(source: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("name", "type", "n_rows", "fingerprint")
    name, kind, rows, fingerprint = (str(source.get(key) or "") for key in names)
    return name, kind, rows, fingerprint[:16]


def _plugin(plugin: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("name", "distribution", "version", "error")
    return tuple(str(plugin.get(key) or "") for key in names)


def _models(run: Run) -> list[tuple[str, ...]]:
    facts: dict[str, Any] = run.manifest.get("models", {})
    rows: list[tuple[str, ...]] = []
    for model in run.plan.get("models", ()):
        known = facts.get(model["name"], {})
        rows.append(
            (
                str(model["name"]),
                str(model.get("kind", "")),
                f"{known.get('n_parameters') or 0:,}",
                str((known.get("details") or {}).get("dtype") or model.get("dtype", "")),
                str(model.get("revision", ""))[:12],
                str(known.get("fingerprint", ""))[:16],
                str(known.get("requests_answered_by_model", "")),
                str(known.get("requests_from_store", "")),
                str(known.get("seconds", "")),
            )
        )
    return rows
