"""What a plugin's author tests with: play the harness, and check the contract in one call.

    from evalsuite.testing import check_model, check_probe, play

``play`` runs a probe against any function from request to answer, without model or files.
``check_probe`` and ``check_model`` raise AssertionError with one sentence for the first promise
of the contract that is broken.
"""

from __future__ import annotations

from evalsuite.testing.model_contract import check_model
from evalsuite.testing.playing import Played, play
from evalsuite.testing.probe_contract import check_probe

__all__ = ["Played", "check_model", "check_probe", "play"]
