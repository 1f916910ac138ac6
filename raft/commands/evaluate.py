"""The command `evaluate`."""

from __future__ import annotations

from pathlib import Path

import click

from corpora.commands.terminal import Progress, emit, opened, say, with_example, workspace_options


@click.command("evaluate", **with_example("raftsmith evaluate --dataset first --run first-qlora --limit 60"))
@click.option("--dataset", required=True, help="A dataset of this workspace; its test documents are asked about.")
@click.option("--run", "runs", multiple=True, help="A run to judge beside the base model; may be repeated.")
@click.option("--report", "report_name", help="Name of the report; default: the dataset's.")
@click.option("--limit", type=click.IntRange(1), help="Questions at most, drawn at random with a fixed seed.")
@workspace_options
def evaluate(
    dataset: str, runs: tuple[str, ...], report_name: str | None, limit: int | None, workspace: Path | None, as_json: bool
) -> None:
    """Measure whether tuning helped: base and tuned models on the same held-out questions, with retrieval in the loop."""
    from raft.evaluation.evaluate import evaluate_runs

    place, name = opened(workspace), report_name or dataset
    value, text = evaluate_runs(place, dataset, runs, name, limit, say, Progress("answers"))
    emit(value, as_json, text)
