"""Contrastive tuning of a sentence-transformers model by the library's own trainer: a query near what answers it, far
from the rest.

The loss is multiple-negatives ranking (InfoNCE over a batch's passages and the mined ones: Henderson et al., 2017; van
den Oord et al., 2018). Knows no collection and no index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.encoders.provenance import Prompts
from retrieval.tuning.hard_negatives import Texts
from retrieval.tuning.trainer import Schedule, Step, fit

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


@dataclass(frozen=True)
class ContrastiveOptions:
    """How an encoder is tuned.

    `epochs` at most; `scale` is the inverse temperature of the cosines; tokens of a text at most.
    """

    learning_rate: float = 5e-5
    epochs: int = 3
    batch_pairs: int = 32
    max_tokens: int = 128
    warmup_fraction: float = 0.1
    scale: float = 20.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for a value out of its range."""
        if self.scale <= 0:
            raise ValueError(f"scale is {self.scale}; it must be positive")
        _ = self.schedule

    @property
    def schedule(self) -> Schedule:
        """The part of the options that any training has."""
        return Schedule(self.learning_rate, self.epochs, self.batch_pairs, self.max_tokens, self.warmup_fraction, self.seed)


def tune(
    model: SentenceTransformer,
    examples: Sequence[Texts],
    options: ContrastiveOptions,
    scratch: Path,
    judge: Callable[[SentenceTransformer, int], bool],
    report: Callable[[Step], None],
    prompts: Prompts | None = None,
) -> None:
    """Tune `model` in place.

    After each epoch `judge(model, epoch)` says whether to go on; it sees a model that reads whole texts. `scratch` is a
    folder that the library may write into. The same examples, options and machine give the same weights.
    """
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainer
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    columns = _columns(examples)
    fit(
        SentenceTransformerTrainer,
        model,
        Dataset.from_dict(columns),
        MultipleNegativesRankingLoss(model, scale=options.scale),
        options.schedule,
        scratch,
        lambda epoch: judge(model, epoch),
        report,
        batch_sampler="no_duplicates",  # a passage that two queries ask for must not be wrong for one of them
        prompts=_prompts(columns, prompts),
    )


def _columns(examples: Sequence[Texts]) -> dict[str, list[str]]:
    columns = {"query": [e.query for e in examples], "positive": [e.positive for e in examples]}
    for number in range(len(examples[0].negatives)):
        columns[f"negative_{number + 1}"] = [e.negatives[number] for e in examples]
    return columns


def _prompts(columns: Mapping[str, Sequence[str]], prompts: Prompts | None) -> dict[str, str] | None:
    """The prompt that goes before the texts of each column, as when the collection is encoded."""
    used_prompts = prompts or Prompts()
    stated = {name: used_prompts.query if name == "query" else used_prompts.passage for name in columns}
    return {name: prompt for name, prompt in stated.items() if prompt} or None
