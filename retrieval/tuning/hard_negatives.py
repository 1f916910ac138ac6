"""Mining hard negatives: judged queries with the passage that answers each, and passages that only look as if they did.

Pure. Negatives are mined from the collection's own ranking. What may be relevant without being judged so is left out by
its score, next to that of the right passage: Moreira et al., "NV-Retriever: improving text embedding models with
effective hard-negative mining", 2024 (their TopK-PercPos).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from retrieval.encoders.encoder import Vectors
from retrieval.evaluation.judged_queries import JudgedQuery


@dataclass(frozen=True)
class TrainingPair:
    """A query's text with ids of passages: the one that answers it, and those that do not."""

    query: str
    positive: str
    negatives: tuple[str, ...]


class Texts(NamedTuple):
    """A training example as texts: the query, the passage that answers it, and those that do not, as many in every
    example.
    """

    query: str
    positive: str
    negatives: tuple[str, ...]


@dataclass(frozen=True)
class MiningOptions:
    """How negatives are chosen. Cosines and shares are in 0–1.

    A passage is left out when its cosine with the query is above `most_of_positive` times that of the right passage, or
    when its cosine with the right passage is above `same`: then it says the same. Of each query's negatives the share
    `random_fraction` is drawn from the whole collection. Of what answers a query, `answers` at most are learnt: one
    that hundreds answer is no more than that.
    """

    negatives: int = 1
    random_fraction: float = 0.0
    most_of_positive: float = 0.95
    same: float = 0.95
    answers: int = 4


@dataclass(frozen=True)
class Passages:
    """The passages of a collection with their vectors.

    `item_of`: passage id → what is judged (itself, or its document). `vectors`: passage ids → float32 `(n, dimension)`.
    """

    item_of: Mapping[str, str]
    vectors: Callable[[Sequence[str]], Vectors]

    def of_items(self) -> dict[str, list[str]]:
        """The passages of every judged document or passage."""
        passages_of: dict[str, list[str]] = {}
        for passage, item in self.item_of.items():
            passages_of.setdefault(item, []).append(passage)
        return passages_of


def mine_pairs(
    queries: Sequence[JudgedQuery],
    vectors: Vectors,
    rankings: Mapping[str, Sequence[str]],
    passages: Passages,
    options: MiningOptions,
    seed: int = 0,
) -> list[TrainingPair]:
    """Training pairs with mined negatives, up to `options.answers` for each query.

    A pair for each relevant item; of a document the passage nearest to the query is the positive. `vectors`: one a
    query, float32 `(n, dimension)`. `rankings`: query id → passages, best first, as search ranks them. Where the
    ranking gives too few negatives, random ones take their place. Every draw is seeded by `seed` and the query's id.
    """
    parts, all_passages = passages.of_items(), list(passages.item_of)
    pairs = []
    for query, vector in zip(queries, vectors, strict=True):
        draw = random.Random(f"{seed}:{query.id}")
        ranking = [passage for passage in rankings[query.id] if passages.item_of[passage] not in query.relevant]
        ranked = passages.vectors(ranking)
        items = sorted(query.relevant)
        for item in draw.sample(items, options.answers) if len(items) > options.answers else items:
            candidates = parts.get(item, [])
            if not candidates:
                continue  # a copy of another document: it has no passages
            answers = passages.vectors(candidates)
            best = int(np.argmax(answers @ vector))
            close = ranked @ vector > options.most_of_positive * float(answers[best] @ vector)
            unsafe = close | (ranked @ answers[best] > options.same)
            mined = [passage for passage, left_out in zip(ranking, unsafe, strict=True) if not left_out]
            chosen = mined[: options.negatives - round(options.random_fraction * options.negatives)]
            excluded = {*chosen, *(passage for relevant in query.relevant for passage in parts.get(relevant, []))}
            drawn = draw.sample(all_passages, min(len(all_passages), options.negatives + len(excluded)))
            chosen += [passage for passage in drawn if passage not in excluded][: options.negatives - len(chosen)]
            if len(chosen) == options.negatives:
                pairs.append(TrainingPair(query.text, candidates[best], tuple(chosen)))
    return pairs
