"""Driving the libraries' trainers, for every method: steps, checkpoints, seeds, precision, early stopping, weights.

Nothing goes to stdout and nothing is reported to anybody. Knows no examples and no loss.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from typing import Any

from corpora.workspace.run_folder import RunFolder
from raft.training.options import TrainOptions
from raft.training.progress import TrainingProgress, progress_callback
from raft.training.resolved_options import ResolvedOptions
from raft.training.run_record import Fitted


@dataclass(frozen=True)
class Schedule:
    """The length of a training: optimizer steps, rows in each of a process, and steps from one validation to the next."""

    steps: int
    rows_per_step: int
    validate_every: int


def make_schedule(rows: int, examples: int, options: TrainOptions, processes: int = 1) -> Schedule:
    """The schedule for `rows` rows that hold `examples` examples, `rows_per_step` of them a process.

    About `options.batch_examples` examples are in a step of all processes.
    """
    rows_per_step = max(1, round(options.batch_examples * rows / examples / processes))
    steps = max(1, math.ceil(rows * options.epochs / (rows_per_step * processes)))
    return Schedule(steps, rows_per_step, max(1, math.ceil(steps / options.evaluations)))


def on_gpu() -> bool:
    """True where training is on a GPU."""
    import torch

    return bool(torch.cuda.is_available())


def process_count() -> int:
    """The processes that train together, started by `torchrun` or `accelerate launch`; 1 without them."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main_process() -> bool:
    """Whether this process is the one of them that writes and speaks."""
    return os.environ.get("RANK", "0") == "0"


def trainer_arguments(
    run: RunFolder, schedule: Schedule, options: TrainOptions, resolved: ResolvedOptions, validated: bool
) -> dict[str, Any]:
    """Arguments for `transformers.TrainingArguments` and its subclasses.

    With `validated` rows the best checkpoint is kept.
    """
    gpu = on_gpu()
    return {
        "output_dir": str(run.checkpoints),
        "per_device_train_batch_size": 1,
        "per_device_eval_batch_size": 1,
        "gradient_accumulation_steps": schedule.rows_per_step,
        "num_train_epochs": options.epochs,
        "max_steps": schedule.steps,
        "learning_rate": resolved.learning_rate,
        "warmup_steps": max(1, round(schedule.steps * options.warmup_fraction)),
        "lr_scheduler_type": "cosine",
        "max_grad_norm": 1.0,
        "logging_steps": 1,
        "eval_strategy": "steps" if validated else "no",
        "eval_steps": schedule.validate_every,
        "save_strategy": "steps",
        "save_steps": schedule.validate_every,
        "save_total_limit": 2,
        "load_best_model_at_end": validated,
        "metric_for_best_model": "eval_loss" if validated else None,
        "greater_is_better": False,
        "seed": options.seed,
        "data_seed": options.seed,
        "use_cpu": not gpu,
        "bf16": resolved.precision == "bfloat16",
        "gradient_checkpointing": resolved.gradient_checkpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False} if resolved.gradient_checkpointing else None,
        "neftune_noise_alpha": options.neftune_alpha or None,
        "optim": "paged_adamw_8bit" if gpu and options.adapter == "qlora" else "adamw_torch",
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": gpu,
    }


def trainer_callbacks(progress: TrainingProgress, options: TrainOptions, validated: bool) -> list[Any]:
    """The callbacks of any trainer: what is reported, and the end of a run that gets no better on `validated` rows."""
    from transformers import EarlyStoppingCallback

    stopping = [EarlyStoppingCallback(early_stopping_patience=options.patience)] if validated else []
    return [progress_callback(progress), *stopping]


def run_trainer(trainer: Any, progress: TrainingProgress, options: TrainOptions) -> Fitted:
    """Train from the newest complete checkpoint, or from the start, and keep the weights in the run's folder."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)  # it prints to stdout, which belongs to the result
    trained = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
    started = time.monotonic()
    checkpoint = progress.resume_from()
    outcome = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    seconds = time.monotonic() - started
    weights = progress.run.folder / ("adapter" if options.adapter != "none" else "model")
    trainer.save_model(str(weights))
    trainer.accelerator.wait_for_everyone()  # the checkpoints go when the first process is done with them
    (weights / "training_args.bin").unlink(missing_ok=True)  # a pickle: nothing of ours reads or ships one
    state = trainer.state
    best = state.best_metric
    return Fitted(
        weights=weights,
        steps=state.global_step,
        train_loss=float(outcome.training_loss),
        validation_loss=float(best) if best is not None else None,
        best_step=state.best_global_step if best is not None else None,
        stopped_early=state.global_step < trainer.args.max_steps,
        seconds=seconds,
        trained_parameters=trained,
    )
