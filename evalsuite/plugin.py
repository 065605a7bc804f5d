"""What the core itself registers, through the same door as every plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite.hookspecs import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1


@hookimpl
def evalsuite_register_metrics(registry: Catalogue) -> None:
    """The summaries that a suite may add to any probe."""
    for module, name, summary in (
        ("summaries", "Mean", "mean of a column, by slice, with a bootstrap interval"),
        ("summaries", "Proportion", "share of a yes/no column, with an exact interval"),
        ("summaries", "Ratio", "ratio of two summed columns, e.g. a corpus error rate"),
        ("group_gaps", "GroupGap", "largest minus smallest group mean, against permuted groups"),
        ("group_gaps", "GroupRatioGap", "the same of ratios of two summed columns"),
    ):
        registry.add(f"core/{name}", factory=f"evalsuite.{module}:{name}", summary=summary)


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """What a suite gets for every probe with ``variants``; it is never named there."""
    registry.add(
        "robustness/all-changes",
        factory="evalsuite.all_changes:AllChanges",
        summary="worst case, mean loss and consistency over a probe's `variants`; comes with them",
        tags=("robustness",),
    )


@hookimpl
def evalsuite_register_executors(registry: Catalogue) -> None:
    """Batches run in this process by default."""
    registry.add("local", factory="evalsuite.executor:LocalExecutor", summary="in this process")


@hookimpl
def evalsuite_register_models(registry: Catalogue) -> None:
    """A system known only by its recorded decisions answers nothing; probes read its data."""
    registry.add(
        "recorded",
        factory="evalsuite.recorded:Loader",
        summary="a system known only by decisions that are in the data; asks no model",
    )


@hookimpl
def evalsuite_register_exporters(registry: Catalogue) -> None:
    """The formats of ``evalsuite export``; that of lm-eval belongs to its plugin."""
    for name, module, summary in (
        ("csv", "estimates_csv", "every estimate, for a spreadsheet"),
        ("jsonl", "samples_jsonl", "every sample: its record, what was asked and answered"),
        ("parquet", "tables_parquet", "estimates and samples as two typed tables"),
        ("junit", "junit", "one test case for each primary estimate, for a CI pane"),
        ("every-eval-ever", "every_eval_ever", "records of the Every Eval Ever schema 0.3.0"),
        ("model-card", "model_card", "a Hugging Face model card with its model-index"),
        ("latex", "latex_table", "a booktabs table of the primary estimates"),
        ("markdown", "markdown_summary", "a summary for a pull request"),
    ):
        factory = f"evalsuite.exports.{module}:export"
        registry.add(name, factory=factory, summary=summary)
