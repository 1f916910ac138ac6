"""Retrieval quality by ir-measures (trec_eval's definitions): nDCG, recall, reciprocal rank, average precision, a value
a query.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ir_measures
from ir_measures import AP, RR, R, nDCG

MEASURES = {"recall@1": R @ 1, "recall@5": R @ 5, "recall@10": R @ 10, "nDCG@10": nDCG @ 10}
"""What every evaluation of answers says about its retrieval."""
ALL_MEASURES = {
    "nDCG@10": nDCG @ 10,
    "recall@1": R @ 1,
    "recall@5": R @ 5,
    "recall@10": R @ 10,
    "recall@100": R @ 100,
    "MRR@10": RR @ 10,
    "MAP": AP,
}
"""What `evaluate-retrieval` reports; the first decides."""


def retrieval_measures(
    qrels: Mapping[str, Sequence[str]] | Mapping[str, Mapping[str, int]],
    run: Mapping[str, Sequence[str]],
    measures: Mapping[str, object] = MEASURES,
) -> dict[str, list[float]]:
    """The measures of a run: measure name → values in 0–1, one for each query of `qrels`, in its order.

    A query that the run does not answer has 0. `qrels`: query id → relevant ids, or ids with grades (nDCG gains what
    the grade is; the others count 1 and more as relevant). `run`: query id → ids, best first.
    """
    judged = [
        ir_measures.Qrel(query, document, int(documents[document]) if isinstance(documents, Mapping) else 1)
        for query, documents in qrels.items()
        for document in documents
    ]
    scored = [
        ir_measures.ScoredDoc(query, document, float(-rank))
        for query, documents in run.items()
        if query in qrels
        for rank, document in enumerate(documents)
    ]
    values = {name: dict.fromkeys(qrels, 0.0) for name in measures}
    names = {str(measure): name for name, measure in measures.items()}
    if judged and scored:
        for metric in ir_measures.iter_calc(list(measures.values()), judged, scored):
            values[names[str(metric.measure)]][metric.query_id] = float(metric.value)
    return {name: list(by_query.values()) for name, by_query in values.items()}
