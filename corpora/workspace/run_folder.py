"""The folder of a training run, of whatever kind.

The configuration is written first, metrics as they come, checkpoints whole, and last the record that completes it.

An assistant is complete by its `run.json`; a tuned encoder or reranker by `trained.json` and its verdict,
`encoder.json` or `reranker.json`. Knows no torch.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from corpora.durable_files import sha256_file, write_atomic, write_json
from corpora.errors import ModelError, TrainingError
from corpora.workspace.workspace import Workspace

CONFIG = "config.json"
RESOLVED = "resolved"
TRAINED = "trained.json"
ASSISTANT = "assistant"
SEARCH_SETTINGS = {"encoder": "models.encoder", "reranker": "search.rerank"}
"""Kinds of runs that search with, each with the setting of raftsmith.toml that names one."""


@dataclass(frozen=True)
class RunFolder:
    """The run `name` in `folder`."""

    name: str
    folder: Path

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints lie until the run is complete."""
        return self.folder / "checkpoints"

    @property
    def metrics_file(self) -> Path:
        """A row for every step that was reported."""
        return self.folder / "metrics.csv"

    def prepare(self, config: Mapping[str, Any]) -> None:
        """Make the folder and write `config`, or check that the run there was begun with the same.

        A configuration that nothing has been done with yet is replaced. Raises TrainingError, naming the fields that
        differ.
        """
        files = {path.name for path in self.folder.glob("[!.]*")}
        if files and CONFIG not in files:
            raise TrainingError(f"{self.folder} holds something else; choose another --run name")
        if files <= {CONFIG}:
            write_json(self.folder / CONFIG, config)
            return
        begun = {key: value for key, value in self.config().items() if key != RESOLVED}
        before, now = _flatten(begun), _flatten(json.loads(json.dumps(config)))
        if differ := sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key)):
            changes = "; ".join(f"{key}: {before.get(key)} there, {now.get(key)} now" for key in differ[:5])
            raise TrainingError(
                f"run {self.name} was started with another configuration ({changes}); "
                f"choose another --run name, or delete {self.folder}"
            )

    def config(self) -> dict[str, Any]:
        """The configuration that the run was begun with."""
        value: dict[str, Any] = json.loads((self.folder / CONFIG).read_text(encoding="utf-8"))
        return value

    def record_resolved(self, choices: Mapping[str, Any]) -> None:
        """Add to the configuration what was chosen for the model and the machine; a run that goes on keeps it."""
        write_json(self.folder / CONFIG, {**self.config(), RESOLVED: choices})

    def resolved(self) -> dict[str, Any]:
        """What was chosen when the run began; empty where nothing was yet."""
        value: dict[str, Any] = self.config().get(RESOLVED, {})
        return value

    def write_documents(self, documents: Sequence[str]) -> None:
        """Record which documents are trained on, before they are.

        Who purges one of these has to find the run.
        """
        write_json(self.folder / "documents.json", {"documents": list(documents)})

    def documents(self) -> frozenset[str]:
        """The documents that the run is recorded to train on.

        An assistant names the dataset that shows them instead.
        """
        path = self.folder / "documents.json"
        return frozenset(json.loads(path.read_text(encoding="utf-8"))["documents"]) if path.exists() else frozenset()

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        """Add a row to `metrics.csv`; the header comes with the first."""
        new = not self.metrics_file.exists()
        with self.metrics_file.open("a", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle)
            if new:
                writer.writerow(row.keys())
            writer.writerow(row.values())

    def metrics(self) -> list[dict[str, str]]:
        """The rows of `metrics.csv`, in order."""
        if not self.metrics_file.exists():
            return []
        with self.metrics_file.open(newline="", encoding="utf-8") as handle:
            return list(csv.DictReader(handle, restval=""))

    def keep_metrics(self, last_step: int) -> None:
        """Drop the rows after the checkpoint that a run resumes from, so that no step stands twice."""
        if rows := self.metrics():
            lines = [",".join(row.values()) for row in rows if int(row["step"]) <= last_step]
            write_atomic(self.metrics_file, ("\n".join([",".join(rows[0]), *lines]) + "\n").encode())

    def complete(self, kind: str, record: Mapping[str, Any]) -> None:
        """Write the record that makes the run a complete one of `kind`; nothing is written after it."""
        write_json(self.folder / _mark(kind), {**record, "kind": kind})

    def reopen(self, kind: str) -> None:
        """Take away the record that completes the run: what it says is made anew."""
        (self.folder / _mark(kind)).unlink(missing_ok=True)

    def verify_weights(self) -> None:
        """Check the weights against `run.json`. Raises ModelError naming the file."""
        record = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        expected: dict[str, str] = record["weights_sha256"]
        for name, digest in expected.items():
            paths = [self.folder / "adapter" / name, self.folder / "model" / name]
            path = next((path for path in paths if path.exists()), paths[0])
            if not path.exists() or sha256_file(path) != digest:
                raise ModelError(f"{path} is missing or damaged; train the run again under another name")


def _mark(kind: str) -> str:
    return f"{kind}.json" if kind in SEARCH_SETTINGS else "run.json"


def _flatten(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, dict):
            flat.update(_flatten(item, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = item
    return flat


def weights_digests(folder: Path) -> dict[str, str]:
    """File name → SHA-256 of the weights in `folder`."""
    return {path.name: sha256_file(path) for path in sorted(folder.glob("*.safetensors"))}


def mark_complete(checkpoint: Path) -> None:
    """Write the manifest that makes a checkpoint count: name → SHA-256 of every file in it."""
    files = [path for path in sorted(checkpoint.iterdir()) if path.is_file() and path.name != "complete.json"]
    write_json(checkpoint / "complete.json", {path.name: sha256_file(path) for path in files})


def newest_complete_checkpoint(folder: Path) -> Path | None:
    """The checkpoint with the highest step whose files are all as its manifest says (promise R10), or None."""
    checkpoints = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)
    for checkpoint in checkpoints:
        try:
            expected = json.loads((checkpoint / "complete.json").read_text())
            if expected and all(sha256_file(checkpoint / name) == digest for name, digest in expected.items()):
                return checkpoint
        except (OSError, ValueError):
            continue
    return None


class FinishedRun(NamedTuple):
    """A complete run of a workspace and what it is: "assistant", "encoder" or "reranker"."""

    name: str
    kind: str


def finished_kind(folder: Path) -> str | None:
    """What the complete run in `folder` is; None when there is none, or it is not complete."""
    if (folder / "run.json").exists():
        return str(json.loads((folder / "run.json").read_text(encoding="utf-8")).get("kind", ASSISTANT))
    kinds = [kind for kind in SEARCH_SETTINGS if (folder / _mark(kind)).exists()]
    return kinds[0] if kinds and (folder / TRAINED).exists() else None


def finished_runs(workspace: Workspace, kind: str | None = None) -> list[FinishedRun]:
    """The complete runs of the workspace, or those that are a `kind`, oldest first."""
    folders = [path.parent for path in (workspace.root / "runs").glob(f"*/{CONFIG}")]
    runs = [(folder, of_kind) for folder in folders if (of_kind := finished_kind(folder)) and kind in (None, of_kind)]
    runs.sort(key=lambda run: (run[0] / _mark(run[1])).stat().st_mtime)
    return [FinishedRun(folder.name, of_kind) for folder, of_kind in runs]


def run_config(workspace: Workspace, run: str) -> dict[str, Any]:
    """The resolved configuration of a complete assistant.

    Raises ModelError, naming those there are, when `run` is none.
    """
    folder = workspace.run(run)
    kind = finished_kind(folder)
    if kind == ASSISTANT:
        return RunFolder(run, folder).config()
    names = ", ".join(finished.name for finished in finished_runs(workspace, ASSISTANT)) or "none yet; run `raftsmith train`"
    if kind is None:
        raise ModelError(f"there is no complete run {run!r}; runs here: {names}")
    use = f"; its model is used as {SEARCH_SETTINGS[kind]} in raftsmith.toml" if kind in SEARCH_SETTINGS else ""
    raise ModelError(f"run {run} is a tuned {kind}, which answers no questions{use}; runs to answer with: {names}")
