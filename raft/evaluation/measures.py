"""The measures of an evaluation, computed from judged answers, with intervals. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from raft.evaluation.rows import BASE_ARM, Row
from retrieval.evaluation.bootstrap import Interval, Statistic, bootstrap, difference, mean_of, ratio_of

NAN = float("nan")


@dataclass(frozen=True)
class Measure:
    """One measure: its value for each arm, and each tuned arm's difference to the base."""

    name: str
    explanation: str
    arms: Mapping[str, Interval | None]
    differences: Mapping[str, Interval | None]


_Build = Callable[[Sequence[Row]], Statistic]


def _answerable(score: str) -> _Build:
    return lambda rows: mean_of([getattr(row, score) if row.answerable else NAN for row in rows])


def _ratio(top: Callable[[Row], float], bottom: Callable[[Row], float]) -> _Build:
    return lambda rows: ratio_of([top(row) for row in rows], [bottom(row) for row in rows])


_MEASURES: tuple[tuple[str, str, _Build], ...] = (
    ("token F1", "overlap with the reference answer, answerable questions", _answerable("token_f1")),
    ("exact match", "the reference answer to the word, answerable questions", _answerable("exact_match")),
    (
        "token F1, oracle retrieved",
        "token F1 where the passages hold the evidence: the reader without retrieval's misses",
        lambda rows: mean_of([row.token_f1 if row.answerable and row.supported else NAN for row in rows]),
    ),
    (
        "token F1, all questions",
        "as SQuAD v2: an unanswerable question is right when abstained",
        lambda rows: mean_of([row.token_f1 for row in rows]),
    ),
    (
        "citation precision",
        "share of quotes from a passage that holds the evidence",
        _ratio(lambda row: row.right_citations, lambda row: row.quotes),
    ),
    (
        "citation precision, document",
        "share of quotes from a document that holds the evidence",
        _ratio(lambda row: row.right_documents, lambda row: row.quotes),
    ),
    (
        "citation recall",
        "share of evidence passages that are cited",
        _ratio(lambda row: row.cited_oracles, lambda row: row.oracles),
    ),
    (
        "verbatim quotes",
        "share of quotes that stand in the passages",
        _ratio(lambda row: row.verbatim_quotes, lambda row: row.quotes),
    ),
    (
        "abstention precision",
        "share of abstentions where the passages hold no evidence",
        _ratio(lambda row: row.abstained and not row.supported, lambda row: row.abstained),
    ),
    (
        "abstention recall",
        "share of questions without evidence in the passages that are abstained from",
        _ratio(lambda row: row.abstained and not row.supported, lambda row: not row.supported),
    ),
)


def measures(by_arm: Mapping[str, Sequence[Row]]) -> list[Measure]:
    """Every measure for every arm, with its paired difference to the base arm, if there is one."""
    table = []
    base = by_arm.get(BASE_ARM)
    for name, explanation, build in _MEASURES:
        values = {arm: bootstrap(build(rows), len(rows)) for arm, rows in by_arm.items()}
        differences = {
            arm: bootstrap(difference(build(rows), build(base)), len(rows)) if base is not None else None
            for arm, rows in by_arm.items()
            if arm != BASE_ARM
        }
        table.append(Measure(name, explanation, values, differences))
    return table
