"""The progress of a training: metrics, time left, complete checkpoints."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from corpora.progress import Say
from corpora.workspace.run_folder import RunFolder, mark_complete, newest_complete_checkpoint


class TrainingProgress:
    """Records the metrics and checkpoints of `run` while a method trains it; `say` gets a line for a person."""

    def __init__(self, run: RunFolder, say: Say) -> None:
        """The clock starts, and starts again with `begin`."""
        self.run, self.say = run, say
        self._started, self._first_step = time.monotonic(), 0

    def resume_from(self) -> Path | None:
        """The newest complete checkpoint, which a run that was stopped goes on from; None where there is none."""
        checkpoint = newest_complete_checkpoint(self.run.checkpoints)
        if checkpoint:
            self.say(f"resuming from {checkpoint.name}")
        return checkpoint

    def begin(self, step: int) -> None:
        """Start the clock after `step`, 0 for a new run; metrics of later steps, from an earlier try, are dropped."""
        self._started, self._first_step = time.monotonic(), step
        self.run.keep_metrics(step)

    def metrics(
        self,
        step: int,
        steps: int,
        epoch: float,
        loss: float | None = None,
        validation_loss: float | None = None,
        learning_rate: float | None = None,
    ) -> None:
        """Append the loss, or the validation loss, at `step` of `steps` to the metrics, and say it with the time
        left.
        """
        seconds = time.monotonic() - self._started
        figures = {"train_loss": loss, "validation_loss": validation_loss, "learning_rate": learning_rate}
        cells = {name: "" if value is None else value for name, value in figures.items()}
        self.run.append_metrics({"step": step, "epoch": round(epoch, 4), **cells, "seconds": round(seconds, 1)})
        seconds_left = seconds / max(step - self._first_step, 1) * (steps - step)
        kind = f"loss {loss:.3f}" if loss is not None else f"validation loss {validation_loss:.3f}"
        self.say(f"step {step}/{steps}  {kind}  about {seconds_left / 60:.1f} min left")

    def checkpoint_written(self, checkpoint: Path) -> None:
        """Mark a checkpoint as complete, so that it may be resumed from."""
        mark_complete(checkpoint)


def progress_callback(progress: TrainingProgress) -> Any:
    """A callback of transformers that reports to `progress`."""
    from transformers import TrainerCallback

    class Recorder(TrainerCallback):  # type: ignore[misc]
        """Hands on what the trainer logs, and which checkpoints it has written."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.is_world_process_zero:
                progress.begin(state.global_step)

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
            logs = logs or {}
            if state.is_world_process_zero and ("loss" in logs or "eval_loss" in logs):
                figures = (logs.get(name) for name in ("loss", "eval_loss", "learning_rate"))
                progress.metrics(state.global_step, state.max_steps, float(state.epoch or 0), *figures)

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.is_world_process_zero:
                progress.checkpoint_written(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Recorder()
