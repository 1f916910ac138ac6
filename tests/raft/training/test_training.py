"""Training runs: what they write, that they resume, and that they refuse what would spoil them."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests_collection import Collection
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig

from corpora.errors import TrainingError
from corpora.workspace.run_folder import RunFolder, finished_kind
from raft.examples.assembly import build_examples
from raft.examples.grounding import ground, search_questions
from raft.examples.options import ExampleOptions
from raft.prompts.tokenization import PromptEncoder
from raft.records import RaftExample
from raft.training import progress
from raft.training.answer_loss import answer_trainer_class
from raft.training.attention_masks import form_for_shared_rows
from raft.training.options import TrainOptions
from raft.training.packing import PackedCollator, as_dataset, as_row, pack
from raft.training.run_record import TrainingResult
from raft.training.train import train
from raft.training.training_data import TrainingData
from retrieval.model_folders import ModelFolder

OPTIONS = TrainOptions(
    adapter="lora", rank=4, learning_rate=5e-3, max_examples=24, max_validation_examples=8, max_tokens=4096, precision="float32"
)
"""With the precision given, two runs compute the same."""


@pytest.fixture(scope="module")
def examples(collection: Collection) -> list[RaftExample]:
    options = ExampleOptions()
    grounding = ground(collection.questions, collection.store, options)
    return build_examples(grounding, search_questions(grounding, collection.retriever, options), options)


def tune(folder: Path, base: ModelFolder, examples: list[RaftExample], options: TrainOptions, **further: Any) -> TrainingResult:
    return train(RunFolder("r", folder), base, TrainingData("d", "digest", examples), options, **further)


def _losses(folder: Path) -> list[float]:
    with (folder / "metrics.csv").open(newline="") as handle:
        return [float(row["train_loss"]) for row in csv.DictReader(handle) if row["train_loss"]]


@pytest.mark.parametrize("adapter", ["lora", "qlora", "none"])
def test_a_run_writes_its_folder_and_learns(
    adapter: str, examples: list[RaftExample], tiny: ModelFolder, tmp_path: Path
) -> None:
    options = replace(OPTIONS, adapter=adapter, epochs=5)
    result = tune(tmp_path / "r", tiny, examples, options)
    folder = tmp_path / "r"
    losses = _losses(folder)
    assert losses[-1] < losses[0] - 0.1
    assert result.validation_loss is not None and result.examples <= 24
    weights = "model" if adapter == "none" else "adapter"
    assert list((folder / weights).glob("*.safetensors"))
    assert (folder / "loss.png").read_bytes().startswith(b"\x89PNG")
    config = json.loads((folder / "config.json").read_text())
    assert config["base_digest"] == tiny.digest and config["versions"]["trl"]
    assert tiny.name in (folder / "README.md").read_text() and finished_kind(folder) == "assistant"
    assert not [path for path in folder.rglob("*") if path.suffix in (".bin", ".pt", ".pth", ".pkl")]
    with pytest.raises(TrainingError, match="already complete"):
        tune(folder, tiny, examples, options)


def test_a_stopped_run_resumes_to_the_adapter_of_the_uninterrupted_one(
    examples: list[RaftExample], tiny: ModelFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(OPTIONS, epochs=3, evaluations=4)
    tune(tmp_path / "whole", tiny, examples, options)
    marked = progress.mark_complete

    def stop_after_a_checkpoint(checkpoint: Path) -> None:
        marked(checkpoint)
        raise KeyboardInterrupt

    monkeypatch.setattr(progress, "mark_complete", stop_after_a_checkpoint)
    with pytest.raises(KeyboardInterrupt):
        tune(tmp_path / "cut", tiny, examples, options)
    monkeypatch.setattr(progress, "mark_complete", marked)
    said: list[str] = []
    with pytest.raises(TrainingError, match=r"options\.rank: 4 there, 8 now"):
        tune(tmp_path / "cut", tiny, examples, replace(options, rank=8))
    tune(tmp_path / "cut", tiny, examples, options, say=said.append)
    assert any("resuming from checkpoint-" in line for line in said)
    from safetensors.torch import load_file

    whole, cut = (load_file(tmp_path / name / "adapter" / "adapter_model.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(whole[key], cut[key]) for key in whole)
    assert _losses(tmp_path / "cut") == pytest.approx(_losses(tmp_path / "whole"), abs=1e-3)


def test_an_example_that_is_too_long_stops_the_run_before_it_starts(
    examples: list[RaftExample], tiny: ModelFolder, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="nothing is ever cut"):
        tune(tmp_path / "r", tiny, examples, replace(OPTIONS, max_tokens=150))
    assert tune(tmp_path / "r", tiny, examples, replace(OPTIONS, max_examples=4)).steps, "what the error advises works"


def test_a_document_in_two_splits_stops_the_run_before_it_starts(
    examples: list[RaftExample], tiny: ModelFolder, tmp_path: Path
) -> None:
    ours, theirs = (next(e for e in examples if e.split == split) for split in ("train", "test"))
    leaky = [*examples, replace(theirs, passages=ours.passages)]
    with pytest.raises(TrainingError, match="more than one split"):
        tune(tmp_path / "r", tiny, leaky, OPTIONS)
    assert not (tmp_path / "r").exists()


def test_our_loss_is_trls(examples: list[RaftExample], tiny: ModelFolder, tmp_path: Path) -> None:
    """The output layer on labelled positions only gives the loss that TRL computes over all of them."""
    from trl import SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained(tiny.path)
    rows = pack(examples[:4], PromptEncoder(tokenizer), 4096)
    losses = []
    for kind in (SFTTrainer, answer_trainer_class()):
        model = AutoModelForCausalLM.from_pretrained(tiny.path, attn_implementation="eager")
        collator = PackedCollator(tokenizer.pad_token_id, form_for_shared_rows(model, rows))
        batch = collator([as_row(row) for row in rows])
        args = SFTConfig(
            output_dir=str(tmp_path), report_to="none", use_cpu=True, remove_unused_columns=False, max_length=None, bf16=False,
            dataset_kwargs={"skip_prepare_dataset": True},
        )  # fmt: skip
        trainer = kind(
            model=model, args=args, train_dataset=as_dataset(rows), processing_class=tokenizer, data_collator=collator
        )
        losses.append(float(trainer.compute_loss(trainer.model, dict(batch)).detach()))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
