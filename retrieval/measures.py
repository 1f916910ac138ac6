"""Retrieval quality by ir-measures (trec_eval's definitions): recall@k and nDCG@10, a value a query. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ir_measures
from ir_measures import R, nDCG

MEASURES = {"recall@1": R @ 1, "recall@5": R @ 5, "recall@10": R @ 10, "nDCG@10": nDCG @ 10}


def retrieval_measures(qrels: Mapping[str, Sequence[str]], run: Mapping[str, Sequence[str]]) -> dict[str, list[float]]:
    """Measure name → values in 0–1, one for each query of `qrels`, in its order.

    `qrels`: query id → relevant ids. `run`: query id → ids, best first.
    """
    judged = [ir_measures.Qrel(query, document, 1) for query, documents in qrels.items() for document in documents]
    scored = [
        ir_measures.ScoredDoc(query, document, float(-rank))
        for query, documents in run.items()
        if query in qrels
        for rank, document in enumerate(documents)
    ]
    values = {name: dict.fromkeys(qrels, 0.0) for name in MEASURES}
    names = {str(measure): name for name, measure in MEASURES.items()}
    if judged and scored:
        for metric in ir_measures.iter_calc(list(MEASURES.values()), judged, scored):
            values[names[str(metric.measure)]][metric.query_id] = float(metric.value)
    return {name: list(by_query.values()) for name, by_query in values.items()}
