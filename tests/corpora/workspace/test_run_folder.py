"""The run folder: what begins a run, what it may be resumed with, which checkpoints count, and which runs are complete."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from corpora.errors import ModelError, TrainingError
from corpora.workspace.purge_mark import is_purged, mark_purged
from corpora.workspace.run_folder import (
    FinishedRun,
    RunFolder,
    finished_runs,
    mark_complete,
    newest_complete_checkpoint,
    run_config,
)
from corpora.workspace.workspace import Workspace, create_workspace, open_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    return open_workspace(tmp_path)


def write(workspace: Workspace, name: str, age_s: float, /, **files: dict[str, Any]) -> None:
    """The run as its JSON files say, written `age_s` seconds ago."""
    workspace.run(name).mkdir(parents=True)
    for file, value in {"config": {}, **files}.items():
        path = workspace.run(name) / f"{file}.json"
        path.write_text(json.dumps(value))
        os.utime(path, (1e9 - age_s, 1e9 - age_s))


def write_every_kind(workspace: Workspace) -> None:
    """Complete runs as they were written before their records named a kind, and runs that were stopped."""
    write(workspace, "statutes", 5, trained={"epoch": 1}, encoder={"gains": []})
    write(workspace, "first", 4, config={"base": "tiny"}, run={"weights_sha256": {}})
    write(workspace, "reranker", 3, trained={"epoch": 2}, reranker={"gains": []})
    write(workspace, "stopped", 2)
    write(workspace, "unjudged", 1, trained={"epoch": 1})
    write(workspace, "trained-again", 0, encoder={"gains": []})


def test_complete_runs_of_every_kind_are_listed_oldest_first(workspace: Workspace) -> None:
    assert finished_runs(workspace) == []
    write_every_kind(workspace)
    listed = [FinishedRun("statutes", "encoder"), FinishedRun("first", "assistant"), FinishedRun("reranker", "reranker")]
    assert finished_runs(workspace) == listed
    assert finished_runs(workspace, "assistant") == listed[1:2]
    run = RunFolder("toxic", workspace.run("toxic"))
    run.prepare({"base": "tiny"})
    run.complete("classifier", {"weights_sha256": {}})
    assert finished_runs(workspace)[-1] == ("toxic", "classifier")


def test_what_is_no_assistant_says_what_it_is(workspace: Workspace) -> None:
    with pytest.raises(ModelError, match=r"no complete run 'first'; runs here: none yet; run `raftsmith train`"):
        run_config(workspace, "first")
    write_every_kind(workspace)
    assert run_config(workspace, "first") == {"base": "tiny"}
    with pytest.raises(ModelError, match=r"statutes is a tuned encoder.* used as models\.encoder in .* to answer with: first$"):
        run_config(workspace, "statutes")
    with pytest.raises(ModelError, match=r"reranker is a tuned reranker.* used as search\.rerank"):
        run_config(workspace, "reranker")
    with pytest.raises(ModelError, match=r"no complete run 'unjudged'; runs here: first$"):
        run_config(workspace, "unjudged")


def test_a_run_goes_on_with_what_it_was_begun_with(tmp_path: Path) -> None:
    run = RunFolder("r", tmp_path / "r")
    run.prepare({"base": "tiny", "options": {"rank": 4, "seed": 0}})
    run.prepare({"base": "tiny", "options": {"rank": 8, "seed": 0}})  # nothing was learnt yet: nothing is lost
    assert run.config()["options"]["rank"] == 8
    run.append_metrics({"step": 1, "loss": 0.5})
    run.prepare({"options": {"seed": 0, "rank": 8}, "base": "tiny"})
    with pytest.raises(TrainingError, match=r"another configuration \(options\.rank: 8 there, 4 now; run: None there, x now\)"):
        run.prepare({"run": "x", "base": "tiny", "options": {"rank": 4, "seed": 0}})
    assert run.config()["options"]["rank"] == 8


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".config.json.1f.tmp").write_text("{")  # what a process that was killed leaves is no hindrance
    RunFolder("r", tmp_path).prepare({})
    (tmp_path / "config.json").unlink()
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(TrainingError, match="something else"):
        RunFolder("r", tmp_path).prepare({})


def test_metrics_after_the_checkpoint_go(tmp_path: Path) -> None:
    run = RunFolder("r", tmp_path)
    run.keep_metrics(0)
    for step in (1, 2, 3):
        run.append_metrics({"step": step, "loss": 1 / step, "note": ""})
    with run.metrics_file.open("a") as handle:
        handle.write("4,0.2")  # torn by a power failure
    run.keep_metrics(2)
    run.append_metrics({"step": 3, "loss": 0.25, "note": ""})
    assert [(row["step"], row["loss"]) for row in run.metrics()] == [("1", "1.0"), ("2", "0.5"), ("3", "0.25")]


def test_a_torn_checkpoint_is_skipped(tmp_path: Path) -> None:
    for step in (2, 10):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "adapter_model.safetensors").write_bytes(bytes(100))
        mark_complete(folder)
    assert newest_complete_checkpoint(tmp_path) == tmp_path / "checkpoint-10"
    (tmp_path / "checkpoint-10" / "adapter_model.safetensors").write_bytes(bytes(60))
    assert newest_complete_checkpoint(tmp_path) == tmp_path / "checkpoint-2"
    (tmp_path / "checkpoint-2" / "complete.json").unlink()
    assert newest_complete_checkpoint(tmp_path) is None


def test_what_a_purge_marks_stays_marked(tmp_path: Path) -> None:
    assert not is_purged(tmp_path)
    mark_purged(tmp_path, {"d2", "d1"})
    assert is_purged(tmp_path) and json.loads((tmp_path / "purged.json").read_text()) == {"documents": ["d1", "d2"]}
