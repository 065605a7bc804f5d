"""The house keeps its shape: imports go one way, names mean something, plugins use the door."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# From the cellar up; a module may import what stands before it, never what stands after.
LAYERS = [
    ["errors", "documents", "foreign_text", "hookspecs"],
    ["decoded", "resampling", "truncation", "vocoder", "text_lists", "personal_data"],
    ["sound_file"],
    ["content", "derived"],
    ["response"],
    ["request"],
    ["source", "identity"],
    ["model", "template"],
    ["statistics"],
    ["metric"],
    ["summing"],
    ["probe"],
    ["wordings", "registry", "options", "recorded", "plugin", "testing", "variant"],
    ["summaries", "sliced"],
    ["group_gaps"],
    ["figure"],
    ["all_changes"],
    ["classification"],
    ["zero_shot", "retrieval", "captions", "answers", "transcripts"],
    ["marked_yaml"],
    ["parameters"],
    ["suite"],
    ["policy"],
    ["task", "factories"],
    ["variant_settings"],
    ["suite_paths", "plan", "response_store", "exchange"],
    ["planned_jobs"],
    ["planner"],
    ["executor", "manifest"],
    ["schedule", "store", "second_model"],
    ["estimate_rows", "redaction"],
    ["sealing"],
    ["loss"],
    ["after_jobs"],
    ["observer"],
    ["work"],
    ["run", "replay"],
    ["so_far"],
    ["compare"],
    ["gate"],
    ["report"],
    ["exports"],
    ["site", "view"],
    ["cli", "__main__"],
]
HEIGHT = {name: height for height, layer in enumerate(LAYERS) for name in layer}


def sources(folder: str) -> list[Path]:
    return [p for p in (ROOT / folder).rglob("*.py") if "tests" not in p.parts]


def top_level_imports(path: Path) -> set[str]:
    """Modules imported when a module is, without those for the type checker only."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def layer_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def test_every_module_has_a_layer():
    modules = {p.relative_to(ROOT / "evalsuite").parts[0] for p in sources("evalsuite")}
    names = {name.removesuffix(".py") for name in modules} - {"__init__"}
    assert names == set(HEIGHT)


@pytest.mark.parametrize("path", sources("evalsuite"), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down(path):
    own = path.relative_to(ROOT / "evalsuite").parts[0].removesuffix(".py")
    for module in top_level_imports(path):
        if module.startswith("evalsuite.") and own in HEIGHT and layer_of(module) != own:
            assert HEIGHT[layer_of(module)] <= HEIGHT[own], f"{path.name} imports {module}"


PUBLIC = {"content", "statistics", "registry", "testing", "zero_shot", "errors", "cli", "store"}
PUBLIC |= {
    "derived",
    "variant",
    "wordings",
    "identity",
    "text_lists",
    "sliced",
    "summing",
    "template",
    "vocoder",
    "second_model",
    "report",
    "personal_data",
}
PUBLIC |= {
    "options",
    "exports",
    "classification",
    "retrieval",
    "captions",
    "answers",
    "transcripts",
}


@pytest.mark.parametrize("path", sources("plugins"), ids=lambda p: str(p.relative_to(ROOT)))
def test_plugins_use_the_public_door(path):
    own = path.relative_to(ROOT / "plugins").parts[0]
    for module in top_level_imports(path):
        if module.startswith("evalsuite."):
            assert layer_of(module) in PUBLIC, module
        elif module.startswith("evalsuite_"):
            assert module.split(".")[0] in (own, "evalsuite_transformers"), module


@pytest.mark.parametrize("folder", ["evalsuite", "plugins", "benchmarks"])
def test_no_module_is_named_for_nothing(folder):
    named = {path.stem for path in (ROOT / folder).rglob("*.py")}
    assert not named & {"utils", "util", "common", "helpers", "misc"}


def test_the_core_imports_no_model_library():
    for path in sources("evalsuite"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                assert node.module.split(".")[0] not in {"transformers", "open_clip"}, path
