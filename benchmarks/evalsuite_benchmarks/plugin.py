"""Registers the suites, tasks and policies that come with evalsuite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl
from evalsuite_benchmarks.paths import attribute, medium, names, summary

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1

_SUITES = {
    "quickstart": "clean and planted control twins, all modalities and families; offline",
    "fairness": "every probe of bias and fairness that fits a model; offline, small data",
    "fairness-published": "the same on published data; --set data=FOLDER",
    "robustness": "what worse input costs any model, all modalities; offline, small data",
    "explainability": "is the explanation true? every probe of it that fits a model; offline",
    "explain": "why does a model answer so on your data? --set path=FILE",
    "explainability-published": "the same beside what people marked; --set data=FOLDER",
    "privacy": "can training texts be told? --set members=FOLDER --set non_members=FOLDER",
    "canaries": "are planted secrets remembered? --set canaries=FOLDER",
    "confaide": "what is private, and is it kept? ConfAIde; --set data=FOLDER",
    "crows-pairs": "stereotype pairs of CrowS-Pairs; --set data=FOLDER",
    "blimp": "grammatical minimal pairs of BLiMP; --set data=FOLDER",
    "mnist": "MNIST test digits by a zero-shot image model; --set data=FOLDER",
    "esc10": "environmental sounds, zero-shot, by neighbours, by a linear probe; --set data=FOLDER",
    "fsdd": "spoken digits by a transcriber, by speaker; --set data=FOLDER",
    "fleurs-english": "read English speech by a transcriber; --set data=FOLDER",
    "six-models": "six control models in three media, one fault in three of them; offline",
    "calibration": "is a model as often right as it is sure? offline, small data",
    "modality": "do answers rest on text, or on what is seen or heard? offline, small data",
    "compas": "recorded recidivism decisions by group; --set data=FOLDER",
}


@hookimpl
def evalsuite_register_benchmarks(registry: Catalogue) -> None:
    """Declare the suites; the factory returns the path of the file."""
    for name, told in _SUITES.items():
        factory = f"evalsuite_benchmarks.paths:{attribute('suite', name)}"
        registry.add(name, factory=factory, summary=told)


@hookimpl
def evalsuite_register_tasks(registry: Catalogue) -> None:
    """Declare the task files, each under its own name and description."""
    for name in names("task"):
        factory = f"evalsuite_benchmarks.paths:{attribute('task', name)}"
        registry.add(name, factory=factory, summary=summary("task", name), tags=(medium(name),))


@hookimpl
def evalsuite_register_policies(registry: Catalogue) -> None:
    """Declare the policy files, each with its first line."""
    for name in names("policy"):
        factory = f"evalsuite_benchmarks.paths:{attribute('policy', name)}"
        registry.add(name, factory=factory, summary=summary("policy", name))
