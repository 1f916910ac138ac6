"""An encoder tuned to one collection and judged on documents that it was not tuned on.

Training queries give pairs with mined negatives, validation queries choose the epoch, test queries say whether it
helped. The index is read and never written. Knows no command line and no configuration file.
"""

from __future__ import annotations

import random
import tempfile
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from corpora.errors import TrainingError
from corpora.progress import Progress, Say, no_progress, quiet
from retrieval.encoders.caching_encoder import CachingEncoder
from retrieval.encoders.encoder import Encoder
from retrieval.encoders.packed_encoder import encoder_of, open_encoder
from retrieval.encoders.sentence_transformer import load_sentence_transformer, provenance_of
from retrieval.evaluation.judgement_sources import JudgedIndex
from retrieval.model_folders import ENCODER_MODEL, ModelFolder, resolve_model
from retrieval.search.options import SearchOptions
from retrieval.search.pipelines import fusion_of
from retrieval.tuning.contrastive_training import ContrastiveOptions, tune
from retrieval.tuning.encoder_comparison import Gain, JudgedCollection, compare_encoders, judged_collection
from retrieval.tuning.fusion_tuning import ndcg_values
from retrieval.tuning.hard_negatives import MiningOptions, Passages
from retrieval.tuning.in_memory_rankings import encoded_table
from retrieval.tuning.training_data import mined_examples, queries_by_split, training_config
from retrieval.tuning.tuning_run import Trained, TuningRun

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MINED = 50
"""Ranks among which negatives are mined."""


@dataclass(frozen=True)
class TuningOptions:
    """How an encoder is tuned: mining, training, and at most how many queries and passages validation uses."""

    contrastive: ContrastiveOptions = field(default_factory=ContrastiveOptions)
    mining: MiningOptions = field(default_factory=MiningOptions)
    validation_queries: int = 200
    validation_passages: int = 1500


@dataclass(frozen=True)
class TunedEncoder:
    """The result of tuning an encoder: the training and the gains on held-out queries.

    `gains` are of dense search and of the configured one, which decides; empty without a better epoch.
    """

    run: TuningRun
    trained: Trained
    gains: list[Gain]

    @property
    def better(self) -> bool:
        """True when the configured search finds more with the tuned encoder, on held-out queries and by more than
        noise.
        """
        return bool(self.gains) and self.gains[-1].comparison.better

    @property
    def verdict(self) -> str:
        """Whether to use the tuned encoder, in one or two sentences."""
        if not self.gains:
            return f"Keep {self.run.base}: no epoch of tuning was better on the validation queries."
        deciding = self.gains[-1]
        if self.better:
            return f"Use {self.run.model.name}: on queries about documents that it was not tuned on, {deciding}."
        return f"Keep {self.run.base}: on queries about documents that it was not tuned on, the gain may be noise: {deciding}."


def tune_encoder(
    judged_index: JudgedIndex,
    base: ModelFolder,
    run: TuningRun,
    options: TuningOptions,
    say: Say = quiet,
    progress: Progress = no_progress,
) -> tuple[TunedEncoder, Encoder]:
    """Tune `base`, the encoder of the index, and judge it; the tuned encoder knows the vectors of the collection
    already.

    A run that was stopped goes on: with the verdict where its training was complete, else from its start, which gives
    the same weights. Raises TrainingError when there are too few queries, the model is of another kind, or `run` is
    another training; EvaluationError when the index is not the encoder's.
    """
    queries = queries_by_split(judged_index.judged)
    config = training_config(judged_index, base, {**asdict(options.contrastive), **asdict(options.mining)}, queries)
    run.prepare(config)
    collection = judged_collection(judged_index, queries)
    trained = run.trained()
    if trained is None:
        trained = _train(collection, base, run, options, say)
        run.write_trained(trained)
    gains: list[Gain] = run.gains() or []
    if not trained.epoch:
        run.write_gains([], False)
        return TunedEncoder(run, trained, []), judged_index.index.encoder
    encoder = CachingEncoder(open_encoder(resolve_model(str(run.model))))
    if not gains:
        say(f"judging {run.model.name} on {len(queries['test'])} queries about other documents")
        gains = compare_encoders(collection, queries["test"], encoder, progress)
    tuned = TunedEncoder(run, trained, gains)
    run.write_card(config, trained, gains, tuned.verdict)
    run.write_gains(gains, tuned.better)
    return tuned, encoder


def _train(collection: JudgedCollection, base: ModelFolder, run: TuningRun, options: TuningOptions, say: Say) -> Trained:
    """Mine, tune, and keep the epoch that is best on the validation queries in the run's folder."""
    model = load_sentence_transformer(base.path)
    if not hasattr(model[0], "auto_model"):
        raise TrainingError(
            f"{base.name} begins with {type(model[0]).__name__}; only transformer encoders are tuned, such as {ENCODER_MODEL}"
        )
    examples, documents = mined_examples(collection, MINED, options.mining, options.contrastive.seed)
    say(f"{len(examples)} pairs from {len(collection.queries['train'])} queries; tuning {base.name}")
    provenance = provenance_of(model, base.path, run.model.name, "tuning")
    validation = _Validation(collection, options)
    values = [validation.value(collection.judged_index.index.encoder)]
    started = time.monotonic()

    def judge(now: SentenceTransformer, epoch: int) -> bool:
        values.append(validation.value(encoder_of(now, provenance)))
        better = values[-1] > max(values[:-1])
        say(f"epoch {epoch}: nDCG@10 {values[-1]:.3f} on validation queries, {values[0]:.3f} before tuning")
        if better:
            run.save(now)
        return better

    run.begin(documents)
    with tempfile.TemporaryDirectory(prefix="raftsmith-") as scratch:
        tune(
            model,
            examples,
            options.contrastive,
            Path(scratch),
            judge,
            partial(run.report, rows=options.contrastive.batch_pairs, say=say),
            provenance.prompts,
        )
    epoch = max(range(len(values)), key=lambda number: values[number])
    return Trained(len(examples), epoch, tuple(values), round(time.monotonic() - started, 1))


class _Validation:
    """nDCG@10 of the configured search on validation queries, dense among what is relevant to them or ranked highest by
    the base encoder.

    The whole collection would have to be encoded after each epoch; these passages are the ones that are hard to tell
    apart.
    """

    def __init__(self, collection: JudgedCollection, options: TuningOptions) -> None:
        queries = collection.queries["validation"]
        count = min(len(queries), options.validation_queries)
        self._queries = random.Random(options.contrastive.seed).sample(list(queries), count)
        self._collection = collection
        parts = Passages(collection.item_of, collection.base.select).of_items()
        pool = dict.fromkeys(passage for query in self._queries for item in query.relevant for passage in parts.get(item, []))
        ranked = collection.ranked(self._queries, collection.judged_index.index.encoder, collection.base)
        for position in range(MINED):
            for query in ranked:
                for ranking in (query.dense, query.lexical):
                    if position < len(ranking) and len(pool) < options.validation_passages:
                        pool.setdefault(ranking[position][0])
        self._chunks = [chunk for chunk in collection.chunks if chunk.id in pool]

    def value(self, encoder: Encoder) -> float:
        """The mean over the queries, in 0–1."""
        table = encoded_table(self._chunks, encoder)
        ranked = self._collection.ranked(self._queries, encoder, table)
        fusion = fusion_of(self._collection.judged_index.config.options(SearchOptions))
        return float(np.mean(ndcg_values(ranked, self._collection.item_of, fusion)))
