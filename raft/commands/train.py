"""The command `train`."""

from __future__ import annotations

from pathlib import Path

import click

from corpora.commands.terminal import emit, opened, say, with_example, workspace_options


@click.command("train", **with_example("raftsmith train --dataset first --adapter qlora --run first-qlora"))
@click.option("--dataset", required=True, help="A dataset of this workspace.")
@click.option("--base", help="Base model: packaged name, folder or hub id; default: models.base of raftsmith.toml.")
@click.option("--adapter", type=click.Choice(["qlora", "lora", "none"]), help="Default: train.adapter of raftsmith.toml.")
@click.option("--run", "run_name", help="Name of the run; default: DATASET-ADAPTER. One that was stopped goes on.")
@click.option("--epochs", type=click.FloatRange(0, min_open=True), help="Passes over the examples.")
@click.option("--learning-rate", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="Peak learning rate.")
@click.option("--rank", type=click.IntRange(1), help="Rank of the adapter.")
@click.option("--max-examples", type=click.IntRange(1), help="Training examples at most.")
@workspace_options
def train(
    dataset: str,
    base: str | None,
    adapter: str | None,
    run_name: str | None,
    epochs: float | None,
    learning_rate: float | None,
    rank: int | None,
    max_examples: int | None,
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Tune a base model on a dataset: QLoRA, LoRA, or all weights. Stop it with Ctrl-C; the same command goes on."""
    from raft.training.train import train_run

    flags = {"adapter": adapter, "epochs": epochs, "learning_rate": learning_rate, "rank": rank, "max_examples": max_examples}
    overrides = {key: value for key, value in flags.items() if value is not None}
    result = train_run(opened(workspace_folder), dataset, run_name, base, overrides, say)
    text = (
        f"{result['run']}: {result['steps']} steps over {result['examples']} examples in {result['seconds']:.0f} s, "
        f"validation loss {result['validation_loss']}\nloss curve: {result['folder']}/loss.png\n"
        f"next: raftsmith evaluate --dataset {dataset} --run {result['run']}"
    )
    emit(result, as_json, text)
