"""Makes the gallery of sample reports in reports/ anew, from the control models alone.

    python benchmarks/gallery/build.py [NAME ...]

Each report is what the commands beside it write; figures agree up to the machine's floating-point
arithmetic, dates and times do not. ``made-from.json`` has the hash of all that they depend on, by
which a test finds out that they are out of date.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
REPORTS = ROOT / "reports"
MADE_FROM = "made-from.json"
SUITES = ROOT / "benchmarks" / "evalsuite_benchmarks"
CONTROLS = ROOT / "plugins" / "evalsuite_controls"


@dataclass(frozen=True)
class Sample:
    """One report of the gallery.

    Attributes:
        name: Of the file, and of its heading in the index.
        sentence: What a reader finds in it.
        runs: For each run directory, what follows ``evalsuite run``.
        max_mib: How large the page may grow.
    """

    name: str
    sentence: str
    runs: dict[str, str]
    max_mib: float

    @property
    def commands(self) -> list[str]:
        """What to type to make it again."""
        made = [f"evalsuite run {words} --output runs/{run}" for run, words in self.runs.items()]
        runs = " ".join(f"runs/{run}" for run in self.runs)
        return [*made, f"evalsuite report {runs} --max-size {self.max_mib} -o {self.name}.html"]


GALLERY = (
    Sample(
        "six-models",
        "Begin here: six models for text, images and speech, each asked to do its task and then "
        "measured for the fault that was planted in one of each pair.",
        {"six-models": "six-models"},
        0.6,
    ),
    Sample(
        "quickstart",
        "What `make demo` writes: every control model through the probes of all families, clean "
        "beside planted twins.",
        {"quickstart": "quickstart"},
        0.9,
    ),
    Sample(
        "fairness",
        "Every probe of bias and fairness that runs without other data, on four pairs of twins: "
        "groups, intersections, and what is not applicable to which model.",
        {"fairness": "fairness"},
        0.8,
    ),
    Sample(
        "two-runs",
        "Two runs beside each other, as before and after a change: the same digits read by a model "
        "and by its twin that hardly saw dark ink, paired picture by picture.",
        {
            "before": "six-models -m control:digits-clean -p vision/zero-shot "
            "-p fairness/image-zero-shot-gap",
            "after": "six-models -m control:digits-skewed -p vision/zero-shot "
            "-p fairness/image-zero-shot-gap",
        },
        0.3,
    ),
    Sample(
        "privacy-and-explanations",
        "What a model memorised (membership, canaries), and whether explanations point at what an "
        "answer rests on: words, patches of a picture, stretches of a sound.",
        {
            "probing": "quickstart -p privacy/membership-inference -p privacy/canary-exposure "
            "-p explain/attribution -p explain/shortcut-word -p explain/shortcut-patch"
        },
        0.42,
    ),
)


def digest() -> str:
    """Of suites, the data beside them, control models, recipes and the version of evalsuite."""
    from evalsuite import __version__

    suites = dict.fromkeys(words.split()[0] for s in GALLERY for words in s.runs.values())
    files = [
        *(SUITES / "suites" / f"{suite}.yaml" for suite in suites),
        *sorted((SUITES / "data" / "fairness").rglob("*.*")),
        *sorted(path for path in (CONTROLS / "weights").rglob("*") if path.is_file()),
    ]
    found = hashlib.sha256(f"{__version__} {GALLERY}".encode())
    for path in files:
        found.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def make(sample: Sample, folder: Path) -> None:
    """Type the commands of one report in a folder of its own, and take the page from there."""
    program = Path(sys.executable).with_name("evalsuite")
    with tempfile.TemporaryDirectory() as place:
        for command in sample.commands:
            quiet = ["-q"] if " run " in command else []
            words = [str(program), *command.split()[1:], *quiet]
            subprocess.run(words, cwd=place, check=True, stdout=subprocess.DEVNULL)
        page = Path(place) / f"{sample.name}.html"
        (folder / page.name).write_bytes(page.read_bytes())


def index() -> str:
    """The README of the folder."""
    lines = [
        "# Sample reports",
        "",
        "Each is one file that opens by a double-click. The models in them are this project's own "
        "control models:",
        "small, and with faults of known size planted in some, so that a report can be checked "
        "against what is known.",
        "`make reports` makes all of them again, from these commands; figures agree up to the "
        "machine's arithmetic.",
    ]
    for sample in GALLERY:
        lines += ["", f"## [{sample.name}]({sample.name}.html)", "", sample.sentence, ""]
        lines += ["```sh", *sample.commands, "```"]
    return "\n".join([*lines, ""])


def main(names: list[str]) -> None:
    """Make all reports, or those named; only all of them count as made from what there is now."""
    for sample in GALLERY:
        if not names or sample.name in names:
            print(sample.name, flush=True)
            make(sample, REPORTS)
    (REPORTS / "README.md").write_text(index())
    if not names:
        (REPORTS / MADE_FROM).write_text(json.dumps({"sha256": digest()}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
