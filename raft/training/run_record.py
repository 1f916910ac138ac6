"""A run's folder: what was asked for, the metrics as they come, which checkpoints are whole, the loss curve and the model card.

`config.json` is written first, `run.json` last: its presence means that the run is complete. Knows no torch.
"""

from __future__ import annotations

import csv
import importlib.metadata
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from raft.training.options import TrainOptions
from retrieval.model_folders import ModelFolder

VERSIONED = ("torch", "transformers", "trl", "peft", "bitsandbytes", "accelerate")


@dataclass(frozen=True)
class TrainingResult:
    """What a run ended with. `seconds` is of this process only; losses are mean negative log-likelihoods a token, in nats."""

    run: str
    folder: str
    steps: int
    examples: int
    train_loss: float
    validation_loss: float | None
    best_step: int | None
    stopped_early: bool
    seconds: float
    trained_parameters: int


def resolved_config(
    name: str, base: ModelFolder, dataset: str, dataset_digest: str, options: TrainOptions, reviews_digest: str | None = None
) -> dict[str, Any]:
    """All that a run depends on; a run may be resumed only with the same. Without reviews nothing is said of them."""
    return {
        **({"reviews_digest": reviews_digest} if reviews_digest else {}),
        "run": name,
        "base": base.name,
        "base_digest": base.digest,
        "dataset": dataset,
        "dataset_digest": dataset_digest,
        "options": asdict(options),
        "versions": {package: importlib.metadata.version(package) for package in VERSIONED},
        "python": platform.python_version(),
    }


def plot_losses(metrics: Path, target: Path) -> None:
    """Draw training and validation loss over steps as a PNG."""
    from matplotlib.figure import Figure

    with metrics.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for column, style, label in (("train_loss", "-", "training"), ("validation_loss", "o-", "validation (held-out documents)")):
        points = [(int(row["step"]), float(row[column])) for row in rows if row[column]]
        if points:
            axes.plot(*zip(*points, strict=True), style, label=label)
    axes.set(xlabel="optimizer step", ylabel="loss on answer tokens (nats)", title="Training")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(target, dpi=120)


def model_card(config: dict[str, Any], result: TrainingResult) -> str:
    """The README of a run, with the front matter of a model card."""
    options = "\n".join(f"- {key}: {value}" for key, value in config["options"].items())
    versions = ", ".join(f"{key} {value}" for key, value in config["versions"].items())
    return f"""---
base_model: {config["base"]}
library_name: peft
tags: [raft, raftsmith]
---
# {config["run"]}

Tuned with RAFT (arXiv 2403.10131) by raftsmith from `{config["base"]}` (weights {config["base_digest"]}) on the dataset
`{config["dataset"]}` ({config["dataset_digest"][:16]}). It answers from retrieved documents, quotes the sentence that answers, and
says so when no document does. It knows the documents it was tuned on: whoever may use it should be allowed to read them all.

Training: {result.examples} examples, {result.steps} steps, {result.trained_parameters:,} trained parameters, {result.seconds:.0f} s;
final training loss {result.train_loss}, best validation loss {result.validation_loss} at step {result.best_step}.
Whether it helps is for `raftsmith evaluate` to say; see the reports of the workspace.

## Options
{options}

Versions: {versions}.
"""
