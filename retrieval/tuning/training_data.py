"""The data of a tuning: judged queries by split, the configuration of its run, and examples with mined negatives.

The index is read and never written. Knows no model that is trained.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from corpora.errors import TrainingError
from corpora.splits import SPLITS
from retrieval.encoders.passage_text import embedding_text
from retrieval.evaluation.judged_queries import JudgedQueries, JudgedQuery
from retrieval.evaluation.judgement_sources import JudgedIndex
from retrieval.model_folders import ModelFolder
from retrieval.search.options import SearchOptions
from retrieval.search.pipelines import fusion_of
from retrieval.tuning.encoder_comparison import JudgedCollection
from retrieval.tuning.hard_negatives import MiningOptions, Passages, Texts, mine_pairs
from retrieval.tuning.tuning_run import versions

LEAST = {"train": 50, "validation": 10, "test": 20}
"""Queries of each split without which nothing is tuned."""


def queries_by_split(judged: JudgedQueries) -> dict[str, list[JudgedQuery]]:
    """The queries of each split. Raises TrainingError when one has too few."""
    queries = {split: [query for query in judged.queries if query.split == split] for split in SPLITS}
    short = [split for split, least in LEAST.items() if len(queries[split]) < least]
    if short:
        counts = ", ".join(f"{len(split_queries)} {split}" for split, split_queries in queries.items())
        needed = ", ".join(f"{least} {split}" for split, least in LEAST.items())
        raise TrainingError(
            f"{judged.name}: {counts} queries; needed are {needed}. Give more questions, or change generate.validation_fraction and "
            "generate.test_fraction. Queries with a relevant document in common share a split: where all hang together, there is no test"
        )
    return queries


def training_config(
    judged_index: JudgedIndex, base: ModelFolder, options: Mapping[str, Any], queries: Mapping[str, Sequence[JudgedQuery]]
) -> dict[str, Any]:
    """The configuration of a training run: everything that the weights depend on."""
    rows = [[query.id, query.text, dict(query.relevant), query.split] for query in judged_index.judged.queries]
    chunks = [chunk.id for chunk in judged_index.index.store.chunks()]
    return {
        "base": base.name,
        "base_digest": base.digest,
        "encoder": judged_index.index.encoder.name,
        "judged": judged_index.judged.name,
        "judged_digest": hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:16],
        "collection_digest": hashlib.sha256("".join(chunks).encode()).hexdigest()[:16],
        "queries": {split: len(split_queries) for split, split_queries in queries.items()},
        "search": asdict(fusion_of(judged_index.config.options(SearchOptions))),
        "options": dict(options),
        "versions": versions(),
    }


class Mined(NamedTuple):
    """Training examples, and the ids of the documents whose passages are in them: a purge looks for models by these."""

    examples: list[Texts]
    documents: list[str]


def mined_examples(collection: JudgedCollection, depth: int, mining: MiningOptions, seed: int) -> Mined:
    """Training examples with negatives mined among the first `depth` hits of the configured search.

    Raises TrainingError when too few come of them.
    """
    encoder, queries = collection.judged_index.index.encoder, collection.queries["train"]
    fusion = fusion_of(collection.judged_index.config.options(SearchOptions))
    ranked = collection.ranked(queries, encoder, collection.base)
    rankings = {query.id: [chunk for chunk, _ in fusion(query.dense, query.lexical)[:depth]] for query in ranked}
    vectors = encoder.encode([query.text for query in queries], "query")
    passages = Passages(collection.item_of, collection.base.select)
    pairs = mine_pairs(queries, vectors, rankings, passages, mining, seed)
    if len(pairs) < LEAST["train"]:
        raise TrainingError(
            f"{len(pairs)} training pairs could be made from {len(queries)} queries; at least {LEAST['train']} are needed: a relevant "
            f"passage with {mining.negatives} others that do not answer. Add more documents, or give more questions"
        )
    texts = {chunk.id: embedding_text(chunk) for chunk in collection.chunks}
    homes = {chunk.id: chunk.document_id for chunk in collection.chunks}
    return Mined(
        [Texts(p.query, texts[p.positive], tuple(texts[n] for n in p.negatives)) for p in pairs],
        sorted({homes[passage] for p in pairs for passage in (p.positive, *p.negatives)}),
    )
