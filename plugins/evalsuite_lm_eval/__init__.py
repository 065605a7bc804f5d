"""lm-evaluation-harness: its tasks on our models, our models inside it, its logs as runs."""
