"""How good search is while full vectors fill in: nDCG@10 at 0 to 100 % filled, by ways of putting the rankings together.

    python tests/benchmarks/filling.py --work /tmp/filling --seconds 300                       # encodes; again until it says so
    python tests/benchmarks/filling.py --work /tmp/filling --json tests/benchmarks/results/filling.json

Known-item sets: headings of the D.C. Code to its sections, plain-language summaries to clauses, and questions on privacy policies to
labelled sentences. The first two chose the static encoder's recipe and the merging; the third had no part in it. A passage is a whole
section, clause or sentence, of which the model reads 256 tokens. Which passages are filled is drawn by the hash of their ids, so that
what is filled at 25 % is filled at 50 %.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from environment import environment

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from retrieval.encoders.loading import load_encoder, quiet_libraries  # noqa: E402
from retrieval.encoders.static_encoder import load_static_encoder  # noqa: E402
from retrieval.evaluation.measures import retrieval_measures  # noqa: E402
from retrieval.model_folders import ENCODER_MODEL, resolve_model  # noqa: E402
from retrieval.search.fusion import convex_fusion, reciprocal_rank_fusion  # noqa: E402
from retrieval.search.partial_vectors import STATIC_WEIGHT, Background, merge_filling, semantic_weight, standardised  # noqa: E402
from retrieval.search.query_terms import match_expression  # noqa: E402

DATA = ROOT.parent / "shared" / "data"
SHARES = (0, 25, 50, 75, 100)
DEPTH = 50
FACTORS = (0.6, 0.8, 1.0, 1.2)
"""What a static deviation counts for, beside a full one."""
FULL_WEIGHT = 0.6
"""Of the full ranking against the lexical one, as the product has it."""
Ranking = list[tuple[str, float]]


@dataclass(frozen=True)
class Collection:
    """Passages and queries by id, and the ids that answer each query."""

    passages: dict[str, str]
    queries: dict[str, str]
    qrels: dict[str, list[str]]


def rows(path: Path) -> list[dict[str, Any]]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in text.splitlines()]


def pairs(path: Path, queries: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines()[1:]:
        query, passage, _ = line.split("\t")
        if query in queries:
            found.setdefault(query, []).append(passage)
    return found


def dc_code() -> Collection:
    folder = DATA / "dc_code"
    queries = {row["_id"]: row["text"] for row in rows(folder / "queries_heading.jsonl")}
    passages = {row["_id"]: row["text"] for row in rows(folder / "sections.jsonl.gz")}
    return Collection(passages, queries, pairs(folder / "qrels_heading.tsv", queries))


def legal_plain_summ() -> Collection:
    folder = DATA / "legal_plain_summ"
    queries = {row["_id"]: row["text"] for row in rows(folder / "queries.jsonl") if len(row["text"].split()) >= 4}
    return Collection(
        {row["_id"]: row["text"] for row in rows(folder / "corpus.jsonl")}, queries, pairs(folder / "qrels.tsv", queries)
    )


def privacyqa() -> Collection:
    questions = rows(DATA / "privacyqa_test" / "rerank.jsonl.gz")
    texts = list(dict.fromkeys(candidate["text"] for row in questions for candidate in row["candidates"]))
    ids = {text: f"s{number:05}" for number, text in enumerate(texts)}
    qrels = {row["qid"]: list(dict.fromkeys(ids[c["text"]] for c in row["candidates"] if c["rel"])) for row in questions}
    qrels = {query: found for query, found in qrels.items() if found}
    return Collection(
        {ids[text]: text for text in texts}, {r["qid"]: r["question"] for r in questions if r["qid"] in qrels}, qrels
    )


SETS: dict[str, Callable[[], Collection]] = {
    "legal_plain_summ": legal_plain_summ,
    "privacyqa": privacyqa,
    "dc_code": dc_code,
}


def encode(work: Path, seconds: float, names: Sequence[str]) -> bool:
    """Full vectors of the sets into `work`, 256 texts at a time, until `seconds` are over; true when all are there."""
    quiet_libraries()
    encoder, end = load_encoder(ENCODER_MODEL), time.monotonic() + seconds
    for name in names:
        collection = SETS[name]()
        for kind, texts, role in (("p", collection.passages, "passage"), ("q", collection.queries, "query")):
            wanted = list(texts.values())
            for start in range(0, len(wanted), 256):
                part = work / f"{name}-{kind}-{start:06}.npy"
                if part.exists():
                    continue
                if time.monotonic() > end:
                    return False
                np.save(part, encoder.encode(wanted[start : start + 256], role))
    return True


def vectors(work: Path, name: str, kind: str) -> np.ndarray:
    return np.concatenate([np.load(path) for path in sorted(work.glob(f"{name}-{kind}-*.npy"))])


def lexical_rankings(collection: Collection) -> dict[str, Ranking]:
    """As the corpus store's lexical index ranks, over the bare texts."""
    db = sqlite3.connect(":memory:")
    db.execute('CREATE VIRTUAL TABLE texts USING fts5(id UNINDEXED, text, tokenize = "porter unicode61 remove_diacritics 2")')
    db.executemany("INSERT INTO texts VALUES (?, ?)", collection.passages.items())
    select = "SELECT id, -bm25(texts) AS score FROM texts WHERE texts MATCH ? ORDER BY score DESC, id LIMIT ?"
    found = {}
    for query, text in collection.queries.items():
        match = match_expression(text)
        found[query] = [(identity, float(score)) for identity, score in db.execute(select, (match, DEPTH))] if match else []
    return found


def best(ids: Sequence[str], scores: np.ndarray) -> Ranking:
    order = np.argsort(-scores, kind="stable")[:DEPTH]
    return [(ids[i], float(scores[i])) for i in order]


def ndcg(collection: Collection, run: Mapping[str, Ranking]) -> float:
    ranked = {query: [identity for identity, _ in ranking] for query, ranking in run.items()}
    return round(float(np.mean(retrieval_measures(collection.qrels, ranked)["nDCG@10"])), 4)


def measure(name: str, work: Path) -> dict[str, Any]:
    """One set: what each ranking is worth alone, and each way of merging at each share."""
    collection = SETS[name]()
    ids, queries = list(collection.passages), list(collection.queries)
    order = sorted(range(len(ids)), key=lambda i: hashlib.sha256(ids[i].encode()).digest())
    static = load_static_encoder(resolve_model(ENCODER_MODEL))
    sp, sq = static.encode(list(collection.passages.values())), static.encode(list(collection.queries.values()), "query")
    dp, dq = vectors(work, name, "p"), vectors(work, name, "q")
    assert len(dp) == len(ids) and len(dq) == len(queries)
    lexical = lexical_rankings(collection)
    static_background = Background.of(sp)
    static_cosines = sq @ sp.T
    s = {query: best(ids, static_cosines[i]) for i, query in enumerate(queries)}
    sz = {query: standardised(s[query], static_background, sq[i]) for i, query in enumerate(queries)}
    full_cosines = dq @ dp.T
    d = {query: best(ids, full_cosines[i]) for i, query in enumerate(queries)}

    def z(cosines: np.ndarray) -> np.ndarray:
        return (cosines - cosines.mean(axis=1, keepdims=True)) / cosines.std(axis=1, keepdims=True)

    result: dict[str, Any] = {
        "passages": len(ids),
        "queries": len(queries),
        "alone": {"lexical": ndcg(collection, lexical), "static": ndcg(collection, s), "full": ndcg(collection, d)},
        "static and lexical, by weight of the static": {
            str(weight): ndcg(collection, {q: convex_fusion([s[q], lexical[q]], [weight, 1 - weight]) for q in queries})
            for weight in (0.15, 0.2, 0.25, 0.3, 0.4)
        },
        "full and lexical, by weight of the full": {
            str(weight): ndcg(collection, {q: convex_fusion([d[q], lexical[q]], [weight, 1 - weight]) for q in queries})
            for weight in (0.3, 0.4, 0.5, 0.6, 0.7)
        },
        "correlation of standardised cosines": round(float(np.mean(z(static_cosines) * z(full_cosines))), 3),
        "filled": {},
    }
    for share in SHARES:
        rows = sorted(order[: round(len(ids) * share / 100)])
        filled = {ids[row] for row in rows}
        background = Background.of(dp[rows]) if rows else None
        merged: dict[str, dict[str, Ranking]] = {}

        def keep(way: str, query: str, ranking: Ranking, merged: dict[str, dict[str, Ranking]] = merged) -> None:
            merged.setdefault(way, {})[query] = ranking

        f = share / 100
        weight = semantic_weight(f, FULL_WEIGHT)
        for i, query in enumerate(queries):
            full = best([ids[row] for row in rows], full_cosines[i, rows]) if rows else []
            fz = standardised(full, background, dq[i]) if background else []
            words = lexical[query]
            keep("semantic: static until all is full", query, d[query] if share == 100 else s[query])
            keep("semantic: ranks", query, reciprocal_rank_fusion([[x for x, _ in full], [x for x, _ in s[query]]]))
            for factor in FACTORS:
                scaled = [(identity, score * factor) for identity, score in sz[query] if identity not in filled]
                together = merge_filling(fz, scaled)
                keep(f"semantic: deviations, static × {factor}", query, together)
                fused = convex_fusion([together, words], [weight, 1 - weight])
                keep(f"hybrid: deviations, static × {factor}", query, fused)
            keep(
                "hybrid: static until all is full",
                query,
                convex_fusion([d[query], words], [FULL_WEIGHT, 1 - FULL_WEIGHT])
                if share == 100
                else convex_fusion([s[query], words], [STATIC_WEIGHT, 1 - STATIC_WEIGHT]),
            )
            keep(
                "hybrid: ranks of three",
                query,
                reciprocal_rank_fusion([[x for x, _ in ranking] for ranking in (full, s[query], words)]),
            )
            three = convex_fusion([full, s[query], words], [FULL_WEIGHT * f, STATIC_WEIGHT * (1 - f), 1 - weight])
            keep("hybrid: three scores", query, three)
        result["filled"][str(share)] = {way: ndcg(collection, run) for way, run in merged.items()}
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="where full vectors are kept between runs")
    parser.add_argument("--seconds", type=float, default=0.0, help="encode for so long, and stop")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--set", action="append", choices=sorted(SETS))
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    if arguments.seconds:
        done = encode(arguments.work, arguments.seconds, arguments.set or list(SETS))
        print("all is encoded" if done else "not yet all; run it again")
        return
    result = {"environment": environment(), "sets": {name: measure(name, arguments.work) for name in arguments.set or SETS}}
    print(json.dumps(result["sets"], indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
