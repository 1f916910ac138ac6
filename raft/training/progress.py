"""What a training says while it runs: metrics, time left, checkpoints that are whole."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpora.workspace.run_folder import append_metrics, keep_metrics, mark_complete


def progress_recorder(folder: Path, say: Callable[[str], None], steps: int) -> Any:
    """A callback of transformers for the run in `folder`, which takes `steps` optimizer steps."""
    from transformers import TrainerCallback

    class Recorder(TrainerCallback):  # type: ignore[misc]
        """Keeps `metrics.csv`, says how far it is, and marks checkpoints complete."""

        def __init__(self) -> None:
            self.started = time.monotonic()
            self.first_step: int | None = None

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.started, self.first_step = time.monotonic(), state.global_step
            keep_metrics(folder / "metrics.csv", state.global_step)

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
            logs = logs or {}
            if "loss" not in logs and "eval_loss" not in logs:
                return
            row = [
                state.global_step,
                round(float(state.epoch or 0), 4),
                logs.get("loss", ""),
                logs.get("eval_loss", ""),
                logs.get("learning_rate", ""),
                round(time.monotonic() - self.started, 1),
            ]
            append_metrics(folder / "metrics.csv", row)
            done = state.global_step - (self.first_step or 0)
            left = (time.monotonic() - self.started) / max(done, 1) * (steps - state.global_step)
            kind = f"loss {logs['loss']:.3f}" if "loss" in logs else f"validation loss {logs['eval_loss']:.3f}"
            say(f"step {state.global_step}/{steps}  {kind}  about {left / 60:.1f} min left")

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            mark_complete(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Recorder()
