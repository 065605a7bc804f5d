"""``evalsuite lm-eval``: the harness's own command line, on our models."""

from __future__ import annotations

import sys

import click


@click.command(
    "lm-eval",
    short_help="lm-evaluation-harness's command line, with --model evalsuite.",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> int:
    """Run lm-evaluation-harness with our models registered; arguments are all its own."""
    return run_harness(list(arguments))


def run_harness(arguments: list[str]) -> int:
    """Register ``evalsuite`` among the harness's models and hand over to its command line."""
    from lm_eval.__main__ import cli_evaluate

    import evalsuite_lm_eval.language_model  # noqa: F401  registers on import

    before = sys.argv
    sys.argv = ["lm-eval", *arguments]
    try:
        cli_evaluate()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    finally:
        sys.argv = before
    return 0
