"""One training run of a workspace, from a dataset to its folder, whatever the method.

A run folder gets `config.json`, `metrics.csv`, `loss.png`, `checkpoints/` while it trains, the weights in `adapter/` or
`model/`, `support.json`, `README.md` (the model card), and `run.json` last: its presence means the run is complete.
What was stopped resumes from the newest complete checkpoint. Knows no loss and no trainer.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from corpora.durable_files import write_atomic
from corpora.errors import TrainingError
from corpora.progress import Say, quiet
from corpora.workspace.run_folder import RunFolder, finished_kind, weights_digests
from corpora.workspace.workspace import Workspace
from raft.abstention import write_support
from raft.training.methods import METHODS
from raft.training.options import TrainOptions
from raft.training.progress import TrainingProgress
from raft.training.run_record import TrainingResult, model_card, plot_losses, resolved_config
from raft.training.trainer import is_main_process
from raft.training.training_data import TrainingData, read_training_data
from retrieval.encoders.loading import quiet_libraries
from retrieval.model_folders import ModelFolder, resolve_model
from retrieval.model_options import ModelOptions


def train_run(
    workspace: Workspace,
    dataset: str,
    run_name: str | None = None,
    base: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    say: Say = quiet,
    method: str = "sft",
) -> dict[str, Any]:
    """Train or resume one run and give its result.

    `overrides` are TrainOptions that go over the configuration's. Raises TrainingError, DatasetError or ModelError.
    """
    data = read_training_data(workspace, dataset, say)
    options = workspace.options(TrainOptions, **(overrides or {}))
    name = run_name or f"{dataset}-{options.adapter if method == 'sft' else method}"
    quiet_libraries()
    model = resolve_model(base or workspace.options(ModelOptions).base, say)
    return asdict(train(RunFolder(name, workspace.run(name)), model, data, options, method, say))


def train(
    run: RunFolder,
    base: ModelFolder,
    data: TrainingData,
    options: TrainOptions,
    method: str = "sft",
    say: Say = quiet,
) -> TrainingResult:
    """Tune `base` on `data` by `method`, or go on with it. Raises TrainingError; see the module for what is written."""
    from transformers import set_seed

    if method not in METHODS:
        raise TrainingError(f"method is {method!r}; accepted: {', '.join(METHODS)}")
    data.check_leaks()
    if finished_kind(run.folder):
        raise TrainingError(f"run {run.name} is already complete in {run.folder}; choose another --run name")
    examples = data.split("train", options.max_examples)
    if not examples:
        raise TrainingError(f"dataset {data.dataset} has no training examples; generate one with more questions")
    config = resolved_config(run.name, base, data, options, method)
    if is_main_process():
        run.prepare(config)
    set_seed(options.seed)
    validation = data.split("validation", options.max_validation_examples)
    fitted = METHODS[method].fit(
        examples, validation, base, options, TrainingProgress(run, say if is_main_process() else quiet)
    )
    about = METHODS[method].ABOUT
    result = TrainingResult.from_fitted(run, len(examples), fitted)
    if not is_main_process():
        return result
    plot_losses(run.metrics(), about.loss, run.folder / "loss.png")
    write_atomic(run.folder / "README.md", model_card(about, run.config(), result).encode())
    shutil.rmtree(run.checkpoints, ignore_errors=True)
    if data.support:
        write_support(run.folder, data.support)
    run.complete(about.kind, {**asdict(result), "folder": ".", "weights_sha256": weights_digests(fitted.weights)})
    return result
