"""RAFT examples, training, and evaluation. Imports corpora and retrieval only.

The names below are for Python users, see docs/python.md; each is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpora.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from raft.answering.assistant import Assistant as Assistant
    from raft.answering.engine import Engine as Engine
    from raft.answering.open_assistant import open_assistant as open_assistant
    from raft.evaluation.evaluate import evaluate_runs as evaluate_runs
    from raft.examples.dataset import read_dataset as read_dataset
    from raft.examples.generate import generate_dataset as generate_dataset
    from raft.model_selection.listing import list_models as list_models
    from raft.prompts.format import Prompt as Prompt
    from raft.records import Answer as Answer
    from raft.records import Citation as Citation
    from raft.records import RaftExample as RaftExample
    from raft.training.train import train_run as train_run

__getattr__ = lazy_exports(
    __name__,
    {
        "generate_dataset": "examples.generate",
        "read_dataset": "examples.dataset",
        "RaftExample": "records",
        "train_run": "training.train",
        "evaluate_runs": "evaluation.evaluate",
        "open_assistant": "answering.open_assistant",
        "Assistant": "answering.assistant",
        "Answer": "records",
        "Citation": "records",
        "Engine": "answering.engine",
        "Prompt": "prompts.format",
        "list_models": "model_selection.listing",
    },
)
