"""Tuning of a cross-encoder by the library's own trainer: the passage that answers a query above those that only look
as if they did.

Knows no collection and no index.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from corpora.errors import TrainingError
from retrieval.model_folders import ModelFolder
from retrieval.tuning.hard_negatives import Texts
from retrieval.tuning.trainer import Schedule, Step, fit

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_ONE = 20.0
"""A label whose softmax beside zeros is one: ListNet's loss is then the cross-entropy of the passage that answers."""


@dataclass(frozen=True)
class CrossEncoderOptions:
    """How a reranker is tuned.

    `epochs` at most; `batch_pairs` of query and passage a step; tokens of both together at most.
    """

    learning_rate: float = 1e-4
    epochs: int = 3
    batch_pairs: int = 32
    max_tokens: int = 128
    warmup_fraction: float = 0.1
    seed: int = 0

    def schedule(self, pairs_a_query: int) -> Schedule:
        """The part of the options that any training has; a row of the data is a query with all its passages."""
        rows = max(1, self.batch_pairs // pairs_a_query)
        return Schedule(self.learning_rate, self.epochs, rows, self.max_tokens, self.warmup_fraction, self.seed)


def untrained(base: ModelFolder, seed: int) -> CrossEncoder:
    """`base` as a cross-encoder with one output and no activation; an encoder gets a new head, drawn by `seed`.

    Raises TrainingError for a model with several outputs, or of another kind.
    """
    from sentence_transformers import CrossEncoder
    from torch import nn
    from transformers import set_seed

    set_seed(seed)
    try:
        outputs = _outputs(base.path)
        if outputs > 1:
            raise TrainingError(
                f"{base.name} gives {outputs} values a pair; accepted: an encoder, or a cross-encoder with num_labels = 1"
            )
        model = CrossEncoder(
            str(base.path), num_labels=1, activation_fn=nn.Identity(), local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"{base.name} cannot be made a cross-encoder ({error}); accepted: a transformer encoder") from error
    if len(list(model)) != 1:
        raise TrainingError(f"{base.name} is a generating model; accepted: a transformer encoder or a cross-encoder")
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0  # on a CPU it takes a sixth of a step, and few epochs are learnt
    return model


def train(
    model: CrossEncoder,
    examples: Sequence[Texts],
    options: CrossEncoderOptions,
    scratch: Path,
    judge: Callable[[CrossEncoder, int], bool],
    report: Callable[[Step], None],
) -> None:
    """Tune `model` in place.

    After each epoch `judge(model, epoch)` says whether to go on; it sees a model that reads whole pairs.
    """
    from datasets import Dataset
    from sentence_transformers.cross_encoder import CrossEncoderTrainer
    from sentence_transformers.cross_encoder.losses import ListNetLoss

    rows = {
        "query": [example.query for example in examples],
        "passages": [[example.positive, *example.negatives] for example in examples],
        "labels": [[_ONE, *(0.0 for _ in example.negatives)] for example in examples],
    }
    fit(
        CrossEncoderTrainer,
        model,
        Dataset.from_dict(rows),
        ListNetLoss(model, mini_batch_size=-1),
        options.schedule(1 + len(examples[0].negatives)),
        scratch,
        lambda epoch: judge(model, epoch),
        report,
    )


def _outputs(folder: Path) -> int:
    """How many values a pair the model in `folder` gives; 0 for an encoder, which has no head."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if not any(str(name).endswith("ForSequenceClassification") for name in config.get("architectures") or ()):
        return 0
    return int(config.get("num_labels") or len(config.get("id2label") or (0, 1)))
