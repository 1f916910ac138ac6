"""Contrastive tuning of a sentence-transformers model by the library's own trainer: a query near what answers it, far from the rest.

The loss is multiple-negatives ranking (InfoNCE over a batch's passages and the mined ones: Henderson et al., 2017; van den Oord et al.,
2018). Token embeddings stay as they are: half of a small model's weights, and words that no training query has must keep their
meaning. Float32, on a GPU where there is one. Knows no collection and no index.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from retrieval.provenance import Prompts

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


@dataclass(frozen=True)
class ContrastiveOptions:
    """How an encoder is tuned. `epochs` at most; `scale` is the inverse temperature of the cosines; tokens of a text at most."""

    learning_rate: float = 5e-5
    epochs: int = 3
    batch_pairs: int = 32
    max_tokens: int = 128
    warmup_fraction: float = 0.1
    scale: float = 20.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for a value out of its range."""
        for name in ("learning_rate", "epochs", "batch_pairs", "max_tokens", "scale"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be positive")


class Texts(NamedTuple):
    """A training example as texts: the query, the passage that answers it, and those that do not, as many in every example."""

    query: str
    positive: str
    negatives: tuple[str, ...]


class Step(NamedTuple):
    """How far training is: `loss` is the mean since the last report, `seconds` since the start."""

    step: int
    steps: int
    epoch: float
    loss: float
    learning_rate: float
    seconds: float


def tune(
    model: SentenceTransformer,
    examples: Sequence[Texts],
    options: ContrastiveOptions,
    scratch: Path,
    judge: Callable[[SentenceTransformer, int], bool],
    report: Callable[[Step], None],
    prompts: Prompts | None = None,
) -> None:
    """Tune `model` in place. After each epoch `judge(model, epoch)` says whether to go on; it sees a model that reads whole texts.

    `scratch` is a folder that the library may write into. The same examples, options and machine give the same weights.
    """
    import torch
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainingArguments
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
    from transformers import PrinterCallback, set_seed

    set_seed(options.seed)
    columns = _columns(examples)
    for parameter in model[0].auto_model.get_input_embeddings().parameters():
        parameter.requires_grad = False
    whole = model.max_seq_length
    steps = options.epochs * math.ceil(len(examples) / options.batch_pairs)
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(scratch),
        num_train_epochs=options.epochs,
        per_device_train_batch_size=options.batch_pairs,
        learning_rate=options.learning_rate,
        warmup_steps=max(1, round(steps * options.warmup_fraction)),
        lr_scheduler_type="linear",
        batch_sampler="no_duplicates",  # a passage that two queries ask for must not be wrong for one of them
        prompts=_prompts(columns, prompts),
        logging_steps=5,
        save_strategy="no",
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
        seed=options.seed,
        data_seed=options.seed,
    )

    def after_epoch(epoch: int) -> bool:
        model.max_seq_length = whole
        model.eval()
        go_on = judge(model, epoch)
        model.max_seq_length = _shorter(whole, options.max_tokens)
        model.train()
        return go_on

    model.max_seq_length = _shorter(whole, options.max_tokens)
    trainer = _trainer_class()(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_dict(columns),
        loss=MultipleNegativesRankingLoss(model, scale=options.scale),
        callbacks=[_reporter(report, after_epoch)],
    )
    trainer.remove_callback(PrinterCallback)  # it prints to stdout, which belongs to the result
    trainer.train()
    model.max_seq_length = whole
    model.eval()


def _trainer_class() -> Any:
    from sentence_transformers import SentenceTransformerTrainer

    class Trainer(SentenceTransformerTrainer):  # type: ignore[misc]
        """The library's trainer without its model card, which would quote training texts; the card of a run is ours."""

        def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
            """Nothing."""

    return Trainer


def _columns(examples: Sequence[Texts]) -> dict[str, list[str]]:
    columns = {"query": [e.query for e in examples], "positive": [e.positive for e in examples]}
    for place in range(len(examples[0].negatives)):
        columns[f"negative_{place + 1}"] = [e.negatives[place] for e in examples]
    return columns


def _prompts(columns: Mapping[str, Sequence[str]], prompts: Prompts | None) -> dict[str, str] | None:
    """The prompt that goes before the texts of each column, as when the collection is encoded."""
    given = prompts or Prompts()
    stated = {name: given.query if name == "query" else given.passage for name in columns}
    return {name: prompt for name, prompt in stated.items() if prompt} or None


def _shorter(whole: int | None, limit: int) -> int:
    return limit if whole is None else min(whole, limit)


def _reporter(report: Callable[[Step], None], after_epoch: Callable[[int], bool]) -> Any:
    from transformers import TrainerCallback

    class Reporter(TrainerCallback):  # type: ignore[misc]
        """Says how far it is, and stops when another epoch is not wanted."""

        started = time.monotonic()

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
            if logs and "loss" in logs:
                seconds = time.monotonic() - self.started
                rate = float(logs.get("learning_rate", 0.0))
                report(Step(state.global_step, state.max_steps, float(state.epoch or 0), float(logs["loss"]), rate, seconds))

        def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            control.should_training_stop |= not after_epoch(round(float(state.epoch or 0)))

    return Reporter()
