"""The ways of training, a page each. What all of them need is in `raft.training.train` and `raft.training.trainer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from raft.training.methods import sft
from raft.training.options import TrainOptions
from raft.training.progress import TrainingProgress
from raft.training.run_record import Fitted, MethodDescription
from retrieval.model_folders import ModelFolder


class Method(Protocol):
    """A module that tunes a base model in one way."""

    ABOUT: MethodDescription

    def fit(
        self,
        examples: Sequence[Any],
        validation: Sequence[Any],
        base: ModelFolder,
        options: TrainOptions,
        progress: TrainingProgress,
    ) -> Fitted:
        """Learn from `examples` and write the weights into the run's folder; goes on from `progress.resume_from()`.

        Libraries are seeded before. Raises TrainingError, with counts, when an example cannot be learnt whole (promise
        R12).
        """


METHODS: dict[str, Method] = {"sft": sft}
