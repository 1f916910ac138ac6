"""The record of a run: its resolved configuration, result, loss curve and model card. Knows no torch."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corpora.workspace.run_folder import RunFolder
from raft.training.options import TrainOptions
from raft.training.training_data import TrainingData
from retrieval.model_folders import ModelFolder

VERSIONED = ("torch", "transformers", "trl", "peft", "bitsandbytes", "accelerate")


@dataclass(frozen=True)
class MethodDescription:
    """A training method, described for the records of its runs.

    `kind` is what comes of it, "assistant" for what `ask` and `serve` answer with; the model card says by which
    `technique`, and in a sentence its `ability`; `loss` labels the loss curve.
    """

    kind: str
    technique: str
    ability: str
    loss: str


@dataclass(frozen=True)
class Fitted:
    """The result of a method: the folder of the `weights`, safetensors, in the run's; the rest as in TrainingResult."""

    weights: Path
    steps: int
    train_loss: float
    validation_loss: float | None
    best_step: int | None
    stopped_early: bool
    seconds: float
    trained_parameters: int


@dataclass(frozen=True)
class TrainingResult:
    """The result of a run.

    `seconds` is of training in this process only; losses are means, of `sft` in nats a token.
    """

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

    @classmethod
    def from_fitted(cls, run: RunFolder, examples: int, fitted: Fitted) -> TrainingResult:
        """The result of `run`, trained on `examples` examples."""
        return cls(
            run=run.name,
            folder=str(run.folder),
            steps=fitted.steps,
            examples=examples,
            train_loss=round(fitted.train_loss, 4),
            validation_loss=round(fitted.validation_loss, 4) if fitted.validation_loss is not None else None,
            best_step=fitted.best_step,
            stopped_early=fitted.stopped_early,
            seconds=round(fitted.seconds, 1),
            trained_parameters=fitted.trained_parameters,
        )


def resolved_config(run: str, base: ModelFolder, data: TrainingData, options: TrainOptions, method: str) -> dict[str, Any]:
    """The resolved configuration of a run: all that it depends on. A run resumes only with an equal one.

    Nothing is said of reviews where there are none, nor of the method "sft": runs that were begun before there were any
    go on.
    """
    return {
        **({"reviews_digest": data.reviews_digest} if data.reviews_digest else {}),
        **({"method": method} if method != "sft" else {}),
        "run": run,
        "base": base.name,
        "base_digest": base.digest,
        "dataset": data.dataset,
        "dataset_digest": data.digest,
        "options": asdict(options),
        "versions": {package: importlib.metadata.version(package) for package in VERSIONED},
        "python": platform.python_version(),
    }


def plot_losses(rows: Sequence[Mapping[str, str]], label: str, target: Path) -> None:
    """Draw the training and validation loss over steps, as a PNG.

    `rows` are those of metrics.csv; `label` is that of the losses' axis.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for column, style, name in (("train_loss", "-", "training"), ("validation_loss", "o-", "validation (held-out documents)")):
        points = [(int(row["step"]), float(row[column])) for row in rows if row[column]]
        if points:
            axes.plot(*zip(*points, strict=True), style, label=name)
    axes.set(xlabel="optimizer step", ylabel=label, title="Training")
    if rows:
        axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(target, dpi=120)


def model_card(about: MethodDescription, config: Mapping[str, Any], result: TrainingResult) -> str:
    """The README of a run, with the front matter of a model card."""
    chosen = {**config["options"], **config.get("resolved", {})}
    options = "\n".join(f"- {key}: {value}" for key, value in chosen.items())
    versions = ", ".join(f"{key} {value}" for key, value in config["versions"].items())
    return f"""---
base_model: {config["base"]}
library_name: peft
tags: [raft, raftsmith]
---
# {config["run"]}

Tuned with {about.technique} by raftsmith from `{config["base"]}` (weights {config["base_digest"]}) on the dataset
`{config["dataset"]}` ({config["dataset_digest"][:16]}). {about.ability}
It knows the documents it was tuned on: whoever may use it should be allowed to read them all.

Training: {result.examples} examples, {result.steps} steps, {result.trained_parameters:,} trained parameters, {result.seconds:.0f} s;
final training loss {result.train_loss}, best validation loss {result.validation_loss} at step {result.best_step}.
Whether it helps is for `raftsmith evaluate` to say; see the reports of the workspace.

## Options
{options}

Versions: {versions}.
"""
