"""A suite, written and run as a user would."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalsuite.cli import run
from evalsuite.store import JobResult, Run


class SuiteFolder:
    """A folder for the clips, tables and models of a suite."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def jobs(self, suite: str) -> dict[str, JobResult]:
        """What the jobs of a suite found, by label."""
        (self.path / "suite.yaml").write_text(f"version: 1\nname: end-to-end\n{suite}")
        out = str(self.path / "run")
        assert run(["run", str(self.path / "suite.yaml"), "-q", "-o", out]) == 0
        return {result.label: result for result in Run.open(Path(out)).results}

    def records(self, job: JobResult) -> list[dict[str, object]]:
        """What was found for each sample."""
        return [dict(row.record) for row in Run.open(self.path / "run").samples(job.id)]

    def report(self) -> str:
        """The page about the run."""
        page = self.path / "report.html"
        assert run(["report", str(self.path / "run"), "-o", str(page)]) == 0
        return page.read_text(encoding="utf-8")


@pytest.fixture
def suite_folder(tmp_path: Path) -> SuiteFolder:
    """An empty one."""
    return SuiteFolder(tmp_path)
