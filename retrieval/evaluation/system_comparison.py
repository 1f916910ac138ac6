"""Comparison of searchers on the same judged queries: measures, paired tests, and a verdict on which is best.

nDCG@10 decides; every pair of systems is tested on it, paired by query, and the tests are corrected together. Knows no
files.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from corpora.errors import EvaluationError
from corpora.progress import Count, uncounted
from corpora.store.evidence_location import DocumentNames
from retrieval.evaluation.bootstrap import Interval, bootstrap_mean
from retrieval.evaluation.judged_queries import JudgedQueries, RelevanceUnit
from retrieval.evaluation.measures import ALL_MEASURES, retrieval_measures
from retrieval.evaluation.qrels import Ranking, Run
from retrieval.evaluation.significance import Comparison, compare, shown_p
from retrieval.records import SearchResult
from retrieval.search.retriever import Mode, Searcher

DECIDING = "nDCG@10"
DEPTHS: Mapping[RelevanceUnit, int] = {"document": 1000, "chunk": 100}
"""Chunks searched for each query: a hundred documents have to be among them."""
_BLOCK = 32


@dataclass(frozen=True)
class System:
    """A searcher to evaluate, with its mode of search and the name that reports call it."""

    name: str
    searcher: Searcher
    mode: Mode = "hybrid"


@dataclass(frozen=True)
class SystemRun:
    """The rankings of one system.

    `ms_per_query` is wall-clock time, model included; None for a run that came from a file.
    """

    name: str
    run: Run
    ms_per_query: float | None


@dataclass(frozen=True)
class SystemScore:
    """A system's measures: `values[measure]` has one value in 0–1 a query, in the order of the judged set."""

    name: str
    values: Mapping[str, tuple[float, ...]]
    intervals: Mapping[str, Interval]
    ms_per_query: float | None


@dataclass(frozen=True)
class RetrievalEvaluation:
    """The scores of all systems, and comparisons of every pair of them on nDCG@10."""

    judged: JudgedQueries
    scores: tuple[SystemScore, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def best(self) -> SystemScore:
        """The system with the highest mean, the first of equals."""
        return max(self.scores, key=lambda score: score.intervals[DECIDING].value)

    def comparison(self, left: str, right: str) -> Comparison:
        """The comparison of `left` against `right`, whichever way round it was made.

        Raises KeyError when there is none.
        """
        for comparison in self.comparisons:
            if (comparison.left, comparison.right) == (left, right):
                return comparison
            if (comparison.left, comparison.right) == (right, left):
                turned = comparison.difference
                interval = Interval(-turned.value, -turned.high, -turned.low, turned.n)
                return Comparison(left, right, interval, comparison.p, comparison.p_holm)
        raise KeyError(f"{left} and {right} were not compared")


def run_system(
    system: System,
    judged: JudgedQueries,
    progress: Count = uncounted,
    depth: int | None = None,
) -> SystemRun:
    """Search every query, `depth` chunks deep, by default as `DEPTHS` says; `progress` counts queries."""
    run: dict[str, Ranking] = {}
    started = time.perf_counter()
    for first in range(0, len(judged.queries), _BLOCK):
        part = judged.queries[first : first + _BLOCK]
        results = system.searcher.search([query.text for query in part], depth or DEPTHS[judged.level], system.mode)
        for query, result in zip(part, results, strict=True):
            run[query.id] = ranked_items(result, judged.level)
        progress(len(run), len(judged.queries))
    return SystemRun(system.name, run, 1000 * (time.perf_counter() - started) / len(judged.queries))


def ranked_items(result: SearchResult, level: RelevanceUnit) -> Ranking:
    """The hits as a ranking of chunks, or of documents, each where its best chunk is and with that chunk's score.

    A passage that was joined from several chunks stands for each of them.
    """
    ranking: dict[str, float] = {}
    for hit in result.hits:
        for item in [hit.chunk.document_id] if level == "document" else hit.parts or [hit.chunk.id]:
            ranking.setdefault(item, hit.score)
    return tuple(ranking.items())


def foreign_run(name: str, run: Run, judged: JudgedQueries, names: DocumentNames) -> SystemRun:
    """The run of another program with its ids translated into those of this store.

    Raises EvaluationError when it answers no judged query. A document that the store does not know keeps its rank, as
    not relevant.
    """
    judged_ids = {query.id for query in judged.queries}
    rankings: dict[str, Ranking] = {}
    for query, ranking in run.items():
        if query in judged_ids:
            items: dict[str, float] = {}
            for item, score in ranking:
                for identity in sorted(names.of(item)) if judged.level == "document" else [item]:
                    items.setdefault(identity, score)
                if judged.level == "document" and not names.of(item):
                    items.setdefault(f"?{item}", score)
            rankings[query] = tuple(items.items())
    if not rankings:
        raise EvaluationError(f"{name} answers none of the {len(judged_ids)} judged queries; its query ids are others")
    return SystemRun(name, rankings, None)


def evaluate_runs(judged: JudgedQueries, runs: Sequence[SystemRun]) -> RetrievalEvaluation:
    """Measure the runs and compare every two of them."""
    scores = [score_run(judged, run) for run in runs]
    compared = compare({score.name: score.values[DECIDING] for score in scores})
    return RetrievalEvaluation(judged, tuple(scores), tuple(compared))


def score_run(judged: JudgedQueries, run: SystemRun) -> SystemScore:
    """The measures of one run with their 95 % intervals."""
    items = {query: [item for item, _ in ranking] for query, ranking in run.run.items()}
    values = retrieval_measures(judged.qrels, items, ALL_MEASURES)
    intervals = {name: interval for name, row in values.items() if (interval := bootstrap_mean(row)) is not None}
    return SystemScore(run.name, {name: tuple(row) for name, row in values.items()}, intervals, run.ms_per_query)


def verdict(evaluation: RetrievalEvaluation) -> str:
    """Plain sentences: which system is best, what it beats, and where the difference is noise."""
    interval = evaluation.best.intervals[DECIDING]
    lines = [
        f"{evaluation.best.name} is best: nDCG@10 {interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}], n = {interval.n}."
    ]
    beaten, level = _comparisons_of_best(evaluation)
    if beaten:
        lines.append(f"It beats {', '.join(map(_against, beaten))} by more than noise.")
    if level:
        lines.append(f"Against {', '.join(map(_against, level))} the difference may be noise.")
    return " ".join(lines)


def headline(evaluation: RetrievalEvaluation) -> str:
    """The verdict without its figures."""
    beaten, level = _comparisons_of_best(evaluation)
    parts = [f"{evaluation.best.name} is best (nDCG@10 {evaluation.best.intervals[DECIDING].value:.3f})"]
    parts += [f"beats {', '.join(comparison.right for comparison in beaten)} by more than noise"] if beaten else []
    parts += [f"level with {', '.join(comparison.right for comparison in level)}"] if level else []
    return "; ".join(parts)


def _comparisons_of_best(evaluation: RetrievalEvaluation) -> tuple[list[Comparison], list[Comparison]]:
    """What the best system beats, and what it does not."""
    best = evaluation.best.name
    comparisons = [evaluation.comparison(best, score.name) for score in evaluation.scores if score.name != best]
    beaten = [comparison for comparison in comparisons if comparison.better]
    return beaten, [comparison for comparison in comparisons if not comparison.better]


def _against(comparison: Comparison) -> str:
    change = comparison.difference
    return f"{comparison.right} ({change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}], p {shown_p(comparison.p_holm)})"
