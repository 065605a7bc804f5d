"""Freed memory is kept for the next layer."""

from __future__ import annotations

import subprocess
import sys

import pytest

from evalsuite_transformers.allocator import keep_freed_memory

# Page faults of writing 64 MiB ten times, once the allocator has found its place.
FAULTS = """
import resource, sys
from evalsuite_transformers.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
size = 2**26
for _ in range(30):
    b"x" * size
before = faults()
for _ in range(10):
    b"x" * size
print(faults() - before)
"""


def faults(how):
    command = [sys.executable, "-c", FAULTS, how]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_a_second_layer_finds_the_memory_of_the_first():
    if not keep_freed_memory():
        pytest.skip("this C library has no such setting")
    assert faults("kept") < faults("given back") / 10


def test_it_does_no_harm_where_there_is_no_such_setting(monkeypatch):
    def without(name):
        raise OSError(name)

    monkeypatch.setattr("ctypes.CDLL", without)
    assert keep_freed_memory.__wrapped__() is False
