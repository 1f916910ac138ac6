"""The library's trainers as tuning uses them: no files, no reports to anybody, nothing on stdout, and a judge after
each epoch.

On a GPU where there is one. Weights are float32; on a CPU that does products faster in bfloat16, they are taken so. The
same rows, schedule and machine give the same weights. Knows no texts.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from retrieval.encoders.packed_transformer import half_pays


@dataclass(frozen=True)
class Schedule:
    """A training schedule: `epochs` at most, `batch_rows` rows of the data a step, tokens of an input at most."""

    learning_rate: float
    epochs: int
    batch_rows: int
    max_tokens: int
    warmup_fraction: float
    seed: int

    def __post_init__(self) -> None:
        """Raises ValueError for a value out of its range."""
        for name in ("learning_rate", "epochs", "batch_rows", "max_tokens"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be positive")


class Step(NamedTuple):
    """The progress of a training: `loss` is the mean since the last report, `seconds` since the start."""

    step: int
    steps: int
    epoch: float
    loss: float
    learning_rate: float
    seconds: float


def fit(
    trainer_class: Any,
    model: Any,
    rows: Any,
    loss: Any,
    schedule: Schedule,
    scratch: Path,
    judge: Callable[[int], bool],
    report: Callable[[Step], None],
    **further: Any,
) -> None:
    """Tune `model` in place on `rows`, a `datasets.Dataset`. After each epoch `judge(epoch)` says whether to go on.

    `judge` sees a model that reads whole inputs. `scratch` is a folder that the library may write into; `further` are
    arguments of the trainer's own. Token embeddings stay as they are: half of a small model's weights, and words that
    are not trained on must keep their meaning.
    """
    import torch
    from transformers import PrinterCallback, set_seed

    set_seed(schedule.seed)
    for parameter in model[0].auto_model.get_input_embeddings().parameters():
        parameter.requires_grad = False
    steps = schedule.epochs * math.ceil(len(rows) / schedule.batch_rows)
    arguments = trainer_class.training_args_class(
        output_dir=str(scratch),
        num_train_epochs=schedule.epochs,
        per_device_train_batch_size=schedule.batch_rows,
        learning_rate=schedule.learning_rate,
        warmup_steps=max(1, round(steps * schedule.warmup_fraction)),
        lr_scheduler_type="linear",
        logging_steps=5,
        save_strategy="no",
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
        bf16=not torch.cuda.is_available() and half_pays(),
        dataloader_pin_memory=torch.cuda.is_available(),
        seed=schedule.seed,
        data_seed=schedule.seed,
        **further,
    )
    whole = model.max_seq_length
    shorter = schedule.max_tokens if whole is None else min(whole, schedule.max_tokens)

    def after_epoch(epoch: int) -> bool:
        model.max_seq_length = whole
        model.eval()
        go_on = judge(epoch)
        model.max_seq_length = shorter
        model.train()
        return go_on

    model.max_seq_length = shorter
    trainer = _without_card(trainer_class)(
        model=model, args=arguments, train_dataset=rows, loss=loss, callbacks=[_reporter(report, after_epoch)]
    )
    trainer.remove_callback(PrinterCallback)  # it prints to stdout, which belongs to the result
    trainer.train()
    model.max_seq_length = whole
    model.eval()


def _without_card(trainer_class: Any) -> Any:
    class Trainer(trainer_class):  # type: ignore[misc]
        """The library's trainer without its model card, which would quote training texts; the card of a run is ours."""

        def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
            """Add no callback."""

    return Trainer


def _reporter(report: Callable[[Step], None], after_epoch: Callable[[int], bool]) -> Any:
    from transformers import TrainerCallback

    class Reporter(TrainerCallback):  # type: ignore[misc]
        """Reports progress, and stops when `after_epoch` says so."""

        started = time.monotonic()

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
            if logs and "loss" in logs:
                seconds = time.monotonic() - self.started
                rate = float(logs.get("learning_rate", 0.0))
                report(Step(state.global_step, state.max_steps, float(state.epoch or 0), float(logs["loss"]), rate, seconds))

        def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            control.should_training_stop |= not after_epoch(round(float(state.epoch or 0)))

    return Reporter()
