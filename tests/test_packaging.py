"""The wheel holds exactly the packages and data that an editable install shows."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = CONFIGURATION["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(ROOT)], check=True)
    (wheel,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_holds_the_declared_packages_and_no_others(files):
    top = {name.split("/")[0] for name in files if ".dist-info" not in name}
    assert top == {Path(package).name for package in PACKAGES}


def test_the_wheel_holds_the_data(files):
    wanted = {
        "evalsuite/py.typed",
        "evalsuite/report/templates/report.html.j2",
        "evalsuite/report/assets/report.css",
        "evalsuite/cli/first_suite.yaml",
        "evalsuite_benchmarks/suites/quickstart.yaml",
        "evalsuite_controls/weights/text-clean/model.safetensors",
        "evalsuite_controls/cards/text-clean.md",
    }
    assert wanted <= files


def test_the_wheel_holds_every_file_of_the_packages_but_tests(files):
    tracked = subprocess.run(
        ["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    shipped = {
        str(Path(name).relative_to(Path(package).parent))
        for name in tracked
        for package in PACKAGES
        if name.startswith(f"{package}/") and "/tests/" not in name
    }
    assert shipped == {name for name in files if ".dist-info" not in name}


@pytest.mark.parametrize("name", ["reports", "plugins", "benchmarks", "tests"])
def test_folders_of_the_project_are_no_packages(name, tmp_path):
    """Another distribution may well install a package of that name (opacus has benchmarks)."""
    program = (
        f"import importlib.util; found = importlib.util.find_spec({name!r}); "
        "print(found.origin if found else '')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    origin = done.stdout.strip()
    assert not origin or "site-packages" in Path(origin).parts
