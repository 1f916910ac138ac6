"""The folder of a training run: configuration first, metrics as they come, whole checkpoints, what completes it. Knows no torch."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpora.durable_files import sha256_file, write_atomic, write_json
from corpora.errors import ModelError, TrainingError
from corpora.workspace.workspace import Workspace


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


def finished_runs(workspace: Workspace) -> list[str]:
    """Names of the complete runs of the workspace, oldest first."""
    found = sorted((workspace.root / "runs").glob("*/run.json"), key=lambda path: path.stat().st_mtime)
    return [path.parent.name for path in found]


def run_config(workspace: Workspace, run: str) -> dict[str, Any]:
    """The resolved configuration of a complete run. Raises ModelError, naming the runs there are, when there is none."""
    folder = workspace.run(run)
    if not (folder / "run.json").exists():
        known = ", ".join(finished_runs(workspace)) or "none yet; run `raftsmith train`"
        raise ModelError(f"there is no complete run {run!r}; runs here: {known}")
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return config


def verify_weights(folder: Path) -> None:
    """Check a run's weights against its `run.json`. Raises ModelError naming the file."""
    expected: dict[str, str] = json.loads((folder / "run.json").read_text(encoding="utf-8"))["weights_sha256"]
    places: Sequence[Path] = [folder / "adapter", folder / "model"]
    for name, digest in expected.items():
        path = next((place / name for place in places if (place / name).exists()), folder / "adapter" / name)
        if not path.exists() or sha256_file(path) != digest:
            raise ModelError(f"{path} is missing or damaged; train the run again under another name")
