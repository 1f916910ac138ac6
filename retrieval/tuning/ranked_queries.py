"""Both rankings of every judged query, searched once, and the fusion that they choose."""

from __future__ import annotations

from collections.abc import Sequence

from corpora.errors import EvaluationError
from corpora.progress import Count, uncounted
from retrieval.evaluation.judged_queries import JudgedQuery
from retrieval.evaluation.judgement_sources import JudgedIndex
from retrieval.search.options import SearchOptions
from retrieval.search.pipelines import fusion_of
from retrieval.search.retriever import Retriever
from retrieval.tuning.fusion_tuning import LearntFusion, RankedQuery, learn_fusion

_SEARCHED = 200


def tune_fusion(judged_index: JudgedIndex, choose_on: Sequence[str], progress: Count = uncounted) -> LearntFusion:
    """The fusion learnt from both rankings of every query, each searched once.

    Raises EvaluationError when there are too few.
    """
    judged = judged_index.judged
    chunks = {chunk.id: chunk.document_id for chunk in judged_index.index.store.chunks()}
    item_of = chunks if judged.level == "document" else {chunk_id: chunk_id for chunk_id in chunks}
    choosing = [query for query in judged.queries if query.split in choose_on]
    held_out = [query for query in judged.queries if query.split == "test"]
    ranked = {query.id: query for query in rank_queries(judged_index, [*choosing, *held_out], progress)}
    try:
        return learn_fusion(
            [ranked[query.id] for query in choosing],
            [ranked[query.id] for query in held_out],
            item_of,
            fusion_of(judged_index.config.options(SearchOptions)),
        )
    except ValueError as error:
        raise EvaluationError(
            f"{judged.name}: {error}; give more questions, raise generate.validation_fraction, "
            "or add --choose-on train when the encoder was not tuned on them"
        ) from error


def rank_queries(judged_index: JudgedIndex, queries: Sequence[JudgedQuery], progress: Count = uncounted) -> list[RankedQuery]:
    """The dense and the lexical ranking of every query, `_SEARCHED` chunks deep."""
    retriever = Retriever(judged_index.index.store, judged_index.index.root, judged_index.index.encoder, shown_ranks=_SEARCHED)
    ranked = []
    for first in range(0, len(queries), 32):
        part = queries[first : first + 32]
        for query, result in zip(part, retriever.search([query.text for query in part], _SEARCHED), strict=True):
            ranked.append(RankedQuery(query.id, result.rankings["dense"], result.rankings["lexical"], query.relevant))
        progress(len(ranked), len(queries))
    return ranked
