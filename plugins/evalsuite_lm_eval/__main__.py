"""``python -m evalsuite_lm_eval``: lm-evaluation-harness with ``--model evalsuite``."""

from __future__ import annotations

import sys

from evalsuite_lm_eval.harness_command import run_harness

sys.exit(run_harness(sys.argv[1:]))
