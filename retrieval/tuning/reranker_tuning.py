"""A reranker tuned to one collection and judged on documents that it was not tuned on.

Training queries give lists of passages mined from what search returns, validation queries choose the epoch and the
weight against search, test queries say whether it helped and what it costs. The index is read and never written. Knows
no command line and no configuration file.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from corpora.progress import Progress, Say, no_progress, quiet
from retrieval.evaluation.bootstrap import bootstrap_mean
from retrieval.evaluation.judged_queries import JudgedQuery
from retrieval.evaluation.judgement_sources import JudgedIndex
from retrieval.evaluation.significance import compare
from retrieval.model_folders import ModelFolder
from retrieval.search.collection import load_reranker
from retrieval.search.options import SearchOptions
from retrieval.search.pipelines import make_searcher
from retrieval.search.reranking import CrossEncoderReranker, Reranker, load_cross_encoder
from retrieval.tuning.cross_encoder_training import CrossEncoderOptions, train, untrained
from retrieval.tuning.encoder_comparison import Gain, JudgedCollection, judged_collection
from retrieval.tuning.hard_negatives import MiningOptions
from retrieval.tuning.rerank_candidates import FirstHits, first_hits
from retrieval.tuning.training_data import mined_examples, queries_by_split, training_config
from retrieval.tuning.tuning_run import Latency, Trained, TuningRun

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

WEIGHTS = (0.25, 0.5, 1.0)
"""What the reranker may weigh against search; that it is not used at all is the fourth choice."""
_TIMED = 50
"""Queries whose search without a reranker is timed."""


@dataclass(frozen=True)
class RerankerOptions:
    """How a reranker is tuned: training, mining, and at most how many queries validation uses."""

    training: CrossEncoderOptions = field(default_factory=CrossEncoderOptions)
    mining: MiningOptions = field(default_factory=lambda: MiningOptions(negatives=3))
    validation_queries: int = 200


@dataclass(frozen=True)
class TunedReranker:
    """The result of tuning a reranker: the training, the gain on held-out queries and the latency.

    `gain` is of the configured search with the reranker against without; None without a better epoch.
    """

    run: TuningRun
    trained: Trained
    gain: Gain | None
    latency: Latency | None

    @property
    def better(self) -> bool:
        """True when search finds more with the reranker, on held-out queries and by more than noise."""
        return self.gain is not None and self.gain.comparison.better

    @property
    def verdict(self) -> str:
        """Whether to use the tuned reranker, in one or two sentences, with the latency of a query."""
        if self.gain is None or self.latency is None:
            return "Keep search without a reranker: no epoch of tuning was better on the validation queries at any weight."
        on = "on queries about documents that it was not tuned on"
        figures = f"{self.gain}, weight {self.trained.weight:g}; {self.latency}"
        if self.better:
            return f"Use {self.run.model.name}: {on}, {figures}."
        return f"Keep search without a reranker: {on}, the gain may be noise: {figures}."


def tune_reranker(
    judged_index: JudgedIndex,
    base: ModelFolder,
    run: TuningRun,
    options: RerankerOptions,
    say: Say = quiet,
    progress: Progress = no_progress,
) -> TunedReranker:
    """Tune `base` and judge it over the search that is configured, without the reranker that may be.

    A run that was stopped goes on: with the verdict where its training was complete, else from its start, which gives
    the same weights. Raises TrainingError when there are too few queries, the model is of another kind, or `run` is
    another training; EvaluationError when chunks have no vector by the index's encoder.
    """
    queries, depth = queries_by_split(judged_index.judged), judged_index.config.options(SearchOptions).rerank_depth
    choices = {**asdict(options.training), **asdict(options.mining), "depth": depth}
    config = training_config(judged_index, base, choices, queries)
    model = untrained(base, options.training.seed)
    run.prepare(config)
    collection = judged_collection(judged_index, queries)
    trained = run.trained()
    if trained is None:
        trained = _train(collection, model, run, options, say)
        run.write_trained(trained)
    if not trained.epoch or trained.weight is None:
        run.write_gains([], False)
        return TunedReranker(run, trained, None, None)
    gains, latency = run.gains(), run.latency()
    if not gains or latency is None:
        say(f"judging {run.model.name} on {len(queries['test'])} queries about other documents")
        milliseconds = _search_milliseconds(judged_index, queries["test"])
        reranker = CrossEncoderReranker(load_cross_encoder(run.model), run.model.name)
        test = first_hits(collection, queries["test"], depth)
        gain, latency = _gain(test, reranker, trained.weight, milliseconds, progress)
        gains = [gain]
    tuned = TunedReranker(run, trained, gains[0], latency)
    run.write_card(config, trained, gains, tuned.verdict)
    run.write_gains(gains, tuned.better, latency)
    return tuned


def _train(collection: JudgedCollection, model: CrossEncoder, run: TuningRun, options: RerankerOptions, say: Say) -> Trained:
    """Mine, tune, and keep the epoch that is best on the validation queries in the run's folder, with the weight that
    is best.
    """
    depth, training = collection.judged_index.config.options(SearchOptions).rerank_depth, options.training
    examples, documents = mined_examples(collection, depth, options.mining, training.seed)
    pairs = len(examples) * (1 + options.mining.negatives)
    say(f"{pairs} pairs from {len(collection.queries['train'])} queries; tuning {run.base}")
    queries = collection.queries["validation"]
    chosen = random.Random(training.seed).sample(list(queries), min(len(queries), options.validation_queries))
    validation = first_hits(collection, chosen, depth)
    values, weights = [statistics.mean(validation.ndcg())], [0.0]
    started = time.monotonic()

    def judge(now: CrossEncoder, epoch: int) -> bool:
        scores = validation.scores(CrossEncoderReranker(now, run.model.name))
        tried = {weight: statistics.mean(validation.ndcg(scores, weight)) for weight in WEIGHTS}
        weights.append(max(WEIGHTS, key=lambda weight: tried[weight]))
        values.append(tried[weights[-1]])
        figures = ", ".join(f"{value:.3f} at weight {weight:g}" for weight, value in tried.items())
        say(f"epoch {epoch}: nDCG@10 {figures} on validation queries, {values[0]:.3f} without")
        better = values[-1] > max(values[:-1])
        if better:
            run.save(now)
        return better or max(values) == values[0]  # a new head takes some epochs until it is worth anything

    run.begin(documents)
    with tempfile.TemporaryDirectory(prefix="raftsmith-") as scratch:
        train(model, examples, training, Path(scratch), judge, partial(run.report, rows=training.batch_pairs, say=say))
    epoch = max(range(len(values)), key=lambda number: values[number])
    seconds = round(time.monotonic() - started, 1)
    return Trained(pairs, epoch, tuple(values), seconds, weights[epoch] or None)


def _search_milliseconds(judged_index: JudgedIndex, queries: Sequence[JudgedQuery]) -> float:
    """The median milliseconds of a search without a reranker.

    These must be queries that the index's encoder has not seen.
    """
    plain = replace(judged_index.config.options(SearchOptions), rerank="")
    searcher = make_searcher(judged_index.index, plain, partial(load_reranker, encoder=judged_index.index.encoder.name))
    searcher.search(["warm"], 1)
    seconds = []
    for query in queries[:_TIMED]:
        started = time.perf_counter()
        searcher.search([query.text], plain.rerank_depth)
        seconds.append(time.perf_counter() - started)
    return 1000 * statistics.median(seconds)


def _gain(
    test: FirstHits, reranker: Reranker, weight: float, search_milliseconds: float, progress: Progress
) -> tuple[Gain, Latency]:
    """The gain of the reranker on the test queries, and its latency."""
    scores = test.scores(reranker, progress("queries"))
    values = {"tuned": test.ndcg(scores, weight), "base": test.ndcg()}
    before, after = bootstrap_mean(values["base"]), bootstrap_mean(values["tuned"])
    if before is None or after is None:
        raise ValueError("there are no test queries")
    latency = Latency(search_milliseconds, search_milliseconds + scores.milliseconds)
    return Gain("hybrid", before, after, compare(values)[0]), latency
