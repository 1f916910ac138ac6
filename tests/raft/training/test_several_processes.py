"""Two processes with a row each a step learn what one process learns with two rows a step, and one of the two writes."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from corpora.workspace.run_folder import finished_kind
from retrieval.model_folders import ModelFolder

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import sys
from pathlib import Path

from corpora.workspace.run_folder import RunFolder
from raft.records import Passage, RaftExample
from raft.training.options import TrainOptions
from raft.training.train import train
from raft.training.training_data import TrainingData
from retrieval.model_folders import resolve_model


def example(context: int, question: int, split: str) -> RaftExample:
    text = f"The rent of flat {context} is {context * 7} pounds."
    passages = (Passage(f"c{context}", f"d{context}", f"Flat {context}", "", text),)
    completion = f"##Reason: it says so. ##Answer: {context * 7} pounds {'exactly ' * question}"
    return RaftExample(
        f"{context}-{question}", f"{context}", f"{question}", f"What is rent {question}?", passages, (1,), (),
        completion, f"{context * 7}", (), (), "answer", split,
    )


examples = [example(c, q, "train" if c < 4 else "validation") for c in range(6) for q in range(2)]
options = TrainOptions(
    adapter="lora", rank=4, epochs=2, batch_examples=4, evaluations=2, learning_rate=1e-2, precision="float32", max_tokens=1024
)
train(RunFolder("r", Path(sys.argv[2])), resolve_model(sys.argv[1]), TrainingData("d", "digest", examples), options, say=print)
"""


def run(script: Path, base: ModelFolder, folder: Path, launcher: list[str]) -> tuple[str, list[tuple[str, float]]]:
    """What a training says, and its losses by step."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, str(script), str(base.path), str(folder)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    with (folder / "metrics.csv").open(newline="") as handle:
        return done.stdout, [
            (row["step"], float(row["train_loss"] or row["validation_loss"])) for row in csv.DictReader(handle)
        ]


def test_two_processes_have_the_losses_of_one(tiny: ModelFolder, tmp_path: Path) -> None:
    script = tmp_path / "tune.py"
    script.write_text(SCRIPT)
    _, alone = run(script, tiny, tmp_path / "alone", [])
    said, together = run(
        script, tiny, tmp_path / "together", ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    )
    assert [step for step, _ in together] == [step for step, _ in alone] and len(alone) == 6
    assert [loss for _, loss in together] == pytest.approx([loss for _, loss in alone], abs=2e-3)
    assert alone[-1][1] < alone[0][1]
    assert (
        said.count("steps of 2 rows") == 1
        and "share no row" not in said
        and finished_kind(tmp_path / "together") == "assistant"
    )
    assert not (tmp_path / "together" / "checkpoints").exists()
