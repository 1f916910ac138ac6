"""A run's folder: what was asked for, the metrics as they come, which checkpoints are whole, the loss curve and the model card.

`config.json` is written first, `run.json` last: its presence means that the run is complete. Knows no torch.
"""

from __future__ import annotations

import csv
import importlib.metadata
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corpora.durable_files import sha256_file, write_atomic, write_json
from corpora.errors import TrainingError
from retrieval.model_folders import ModelFolder

ADAPTERS = ("qlora", "lora", "none")
VERSIONED = ("torch", "transformers", "trl", "peft", "bitsandbytes", "accelerate")


@dataclass(frozen=True)
class TrainOptions:
    """How a model is tuned. Tokens, not characters; learning rate at its peak."""

    adapter: str = "qlora"
    rank: int = 16
    alpha: int = 32
    layers_fraction: float = 2 / 3
    """Share of the upper layers that get an adapter, in 0–1: what lies below needs no backward pass."""
    learning_rate: float = 1e-3
    warmup_fraction: float = 0.05
    epochs: float = 1.0
    batch_examples: int = 6
    """Examples an optimizer step, counted in questions; contexts are put together until they have about as many."""
    max_examples: int | None = None
    """At most so many training examples, whole contexts; None is all."""
    max_validation_examples: int = 24
    max_tokens: int = 1536
    share_prefix: bool = True
    evaluations: int = 3
    """How often the validation loss is taken, evenly over the run."""
    patience: int = 2
    """Stop after so many validations without a better loss."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for a value out of its range."""
        if self.adapter not in ADAPTERS:
            raise ValueError(f"adapter is {self.adapter!r}; accepted: {', '.join(ADAPTERS)}")
        if not 0 < self.layers_fraction <= 1:
            raise ValueError(f"layers_fraction is {self.layers_fraction}; it must be above 0 and at most 1")
        for name in ("rank", "alpha", "learning_rate", "epochs", "batch_examples", "max_tokens", "evaluations", "patience"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be positive")


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


def prepare_folder(folder: Path, config: dict[str, Any]) -> bool:
    """Make the run folder, or check that the one there is the same run unfinished; True when it is to be resumed."""
    path = folder / "config.json"
    if (folder / "run.json").exists():
        raise TrainingError(f"run {config['run']} is already complete in {folder}; choose another --run name")
    if path.exists():
        found = json.loads(path.read_text())
        flat, wanted = _flatten(found), _flatten(config)
        differ = sorted(key for key in flat.keys() | wanted.keys() if flat.get(key) != wanted.get(key))
        if differ:
            changes = "; ".join(f"{key}: {flat.get(key)} there, {wanted.get(key)} now" for key in differ[:5])
            raise TrainingError(
                f"run {config['run']} was started with another configuration ({changes}); "
                f"choose another --run name, or delete {folder}"
            )
        return True
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_json(path, config)
    return False


def _flatten(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict):
            flat.update(_flatten(item, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = item
    return flat


_COLUMNS = ("step", "epoch", "train_loss", "validation_loss", "learning_rate", "seconds")


def append_metrics(path: Path, row: Sequence[Any]) -> None:
    """Add one row to `metrics.csv`; the header comes with the first."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        if new:
            writer.writerow(_COLUMNS)
        writer.writerow(row)


def keep_metrics(path: Path, last_step: int) -> None:
    """Drop the rows after the checkpoint that a run resumes from, so that no step stands twice."""
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as handle:
        header, *rows = list(csv.reader(handle)) or [list(_COLUMNS)]
    kept = [",".join(row) for row in [header, *(row for row in rows if int(row[0]) <= last_step)]]
    write_atomic(path, ("\n".join(kept) + "\n").encode())


def mark_complete(checkpoint: Path) -> None:
    """Write the manifest that makes a checkpoint count: name → SHA-256 of every file in it."""
    files = [path for path in sorted(checkpoint.iterdir()) if path.is_file() and path.name != "complete.json"]
    write_json(checkpoint / "complete.json", {path.name: sha256_file(path) for path in files})


def newest_complete_checkpoint(folder: Path) -> Path | None:
    """The checkpoint with the highest step whose files are all as its manifest says (promise R10), or None."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)
    for checkpoint in found:
        try:
            expected = json.loads((checkpoint / "complete.json").read_text())
            if expected and all(sha256_file(checkpoint / name) == digest for name, digest in expected.items()):
                return checkpoint
        except (OSError, ValueError):
            continue
    return None


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
