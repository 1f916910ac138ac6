"""A way of training is a page: one that shares nothing with `sft` gets its folder, record, card and resumption from `train`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from corpora.durable_files import sha256_file
from corpora.errors import ModelError, TrainingError
from corpora.workspace.run_folder import RunFolder, finished_runs, run_config
from corpora.workspace.workspace import Workspace, create_workspace, open_workspace
from raft.abstention import AbstentionModel, read_support
from raft.records import Passage, RaftExample
from raft.training.methods import METHODS
from raft.training.options import TrainOptions
from raft.training.progress import TrainingProgress
from raft.training.run_record import Fitted, MethodDescription
from raft.training.train import train
from raft.training.training_data import TrainingData
from retrieval.model_folders import ModelFolder

STEPS = 6
SUPPORT = AbstentionModel(5, (0.0,) * 11, (1.0,) * 11, (0.0,) * 11, -1.0, fitted_on=99)
BASE = ModelFolder("base", Path("base"), "0123")


class MeanLength:
    """Learns how long a question is, by steps towards the mean; stopped once after the checkpoint of the third step."""

    ABOUT = MethodDescription("length model", "means", "It knows how long questions are.", "distance (characters)")

    def __init__(self) -> None:
        self.stops = True

    def fit(
        self,
        examples: Sequence[RaftExample],
        validation: Sequence[RaftExample],
        base: ModelFolder,
        options: TrainOptions,
        progress: TrainingProgress,
    ) -> Fitted:
        value, first = np.zeros(1, dtype=np.float32), 0
        if checkpoint := progress.resume_from():
            value, first = load_file(checkpoint / "weights.safetensors")["mean"], int(checkpoint.name.split("-")[1])
        progress.begin(first)
        target = float(np.mean([len(example.question) for example in examples]))
        for step in range(first + 1, STEPS + 1):
            value = value + np.float32(0.5) * (np.float32(target) - value) + np.float32(options.learning_rate)
            progress.metrics(step, STEPS, step / STEPS, loss=abs(target - float(value[0])))
            if step == 3:
                folder = progress.run.checkpoints / "checkpoint-3"
                folder.mkdir(parents=True)
                save_file({"mean": value}, folder / "weights.safetensors")
                progress.checkpoint_written(folder)
            if step == 4 and self.stops:
                self.stops = False
                raise KeyboardInterrupt
        weights = progress.run.folder / "model"
        weights.mkdir()
        save_file({"mean": value}, weights / "model.safetensors")
        return Fitted(weights, STEPS, 0.25, None, None, False, 1.0, 1)


def example(number: int, split: str) -> RaftExample:
    passages = (Passage(f"c{split}{number}", f"d{split}{number}", "T", "", "The rent is nine hundred pounds."),)
    return RaftExample(
        f"{number}", f"{number}", f"{split}{number}", "?" * (number + 1), passages, (1,), (), "answer", "", (), (), "", split
    )


DATA = TrainingData(
    "d", "digest", [example(number, split) for split in ("train", "validation") for number in range(5)], SUPPORT, "reviewed"
)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace, and the method "mean" beside those there are."""
    monkeypatch.setitem(METHODS, "mean", MeanLength())
    create_workspace(tmp_path)
    return open_workspace(tmp_path)


def test_a_second_method_needs_nothing_of_the_first(workspace: Workspace) -> None:
    run, said = RunFolder("r", workspace.run("r")), []
    with pytest.raises(KeyboardInterrupt):
        train(run, BASE, DATA, TrainOptions(), "mean", said.append)
    assert finished_runs(workspace) == []
    with pytest.raises(TrainingError, match="method: mean there, None now"):
        train(run, BASE, DATA, TrainOptions())
    with pytest.raises(TrainingError, match="reviews_digest: reviewed there, None now"):
        train(run, BASE, replace(DATA, reviews_digest=None), TrainOptions(), "mean")
    result = train(run, BASE, DATA, TrainOptions(), "mean", said.append)
    assert "resuming from checkpoint-3" in said and said[-1].startswith("step 6/6  loss ")
    whole = RunFolder("whole", workspace.run("whole"))
    train(whole, BASE, DATA, TrainOptions(), "mean")
    weights, uninterrupted = (load_file(folder.folder / "model" / "model.safetensors") for folder in (run, whole))
    assert weights["mean"] == uninterrupted["mean"]
    assert [row["train_loss"] for row in run.metrics()] == [row["train_loss"] for row in whole.metrics()]

    assert finished_runs(workspace) == [("r", "length model"), ("whole", "length model")]
    record = json.loads((run.folder / "run.json").read_text())
    assert record["weights_sha256"] == {"model.safetensors": sha256_file(run.folder / "model" / "model.safetensors")}
    assert (
        (record["examples"], record["steps"], record["kind"])
        == (result.examples, STEPS, "length model")
        == (5, 6, "length model")
    )
    card = (run.folder / "README.md").read_text()
    assert "Tuned with means by raftsmith from `base`" in card and "It knows how long questions are." in card
    assert "quotes" not in card and (run.folder / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert read_support(run.folder) == SUPPORT and not run.checkpoints.exists()
    run.verify_weights()
    with pytest.raises(
        ModelError, match="r is a tuned length model, which answers no questions; runs to answer with: none yet"
    ):
        run_config(workspace, "r")
    with pytest.raises(TrainingError, match="already complete"):
        train(run, BASE, DATA, TrainOptions(), "mean")


def test_what_no_method_may_learn_is_refused_before_a_folder_is_made(workspace: Workspace) -> None:
    run = RunFolder("r", workspace.run("r"))
    with pytest.raises(TrainingError, match="method is 'ppo'; accepted: sft, mean"):
        train(run, BASE, DATA, TrainOptions(), "ppo")
    both = [*DATA.examples, replace(DATA.examples[0], split="test")]
    with pytest.raises(TrainingError, match=r"more than one split, e\.g\. dtrain0"):
        train(run, BASE, replace(DATA, examples=both), TrainOptions(), "mean")
    with pytest.raises(TrainingError, match="no training examples"):
        train(run, BASE, replace(DATA, examples=DATA.examples[5:]), TrainOptions(), "mean")
    assert not run.folder.exists()
