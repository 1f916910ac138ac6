"""How good is search? nDCG@10 on every judged set, beside the defaults of LangChain, LlamaIndex and bm25s on the same encoder.

    python tests/benchmarks/retrieval_quality.py --work /tmp/quality --seconds 330       # again and again, until it exits with 0
    python tests/benchmarks/retrieval_quality.py --collect --work /tmp/quality --json tests/benchmarks/results/retrieval_quality.json

Run it in an environment that has the peers (langchain-text-splitters, llama-index-core, bm25s, PyStemmer) beside raftsmith. Vectors are
kept in `--work`, so an interrupted run goes on; after `--seconds` it ends with exit code 3. Judged are documents, each found
where its best chunk is. Needs the folder of data sets (../shared/data).
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from environment import environment
from judged_sets import SETS, RetrievalSet, write_beir
from retrieval_peers import bm25s, langchain, llama_index, versions
from stored_vectors import StoringEncoder

from corpora.chunking.chunker import ChunkOptions
from corpora.store.corpus_store import CorpusStore
from corpora.store.evidence_location import document_names
from corpora.workspace.config import Config
from retrieval.encoders.encoder import Encoder
from retrieval.encoders.loading import load_encoder
from retrieval.evaluation.beir import read_beir
from retrieval.evaluation.beir_indexing import index_corpus
from retrieval.evaluation.judged_queries import JudgedQueries, from_qrels
from retrieval.evaluation.judgement_sources import JudgedIndex
from retrieval.evaluation.qrels import Run
from retrieval.evaluation.system_comparison import (
    RetrievalEvaluation,
    System,
    SystemRun,
    SystemScore,
    evaluate_runs,
    foreign_run,
    run_system,
)
from retrieval.model_folders import ENCODER_MODEL, resolve_model
from retrieval.search.options import SearchOptions
from retrieval.search.pipelines import SearchContext, make_searcher, parse_configuration
from retrieval.search.reranking import LATE_INTERACTION, LateInteractionReranker, Reranker
from retrieval.tuning.fusion_tuning import verdict as learnt_verdict
from retrieval.tuning.ranked_queries import tune_fusion

OURS = ("lexical", "dense", "hybrid", "rrf")
SEARCHED = 200
"""Chunks a query: enough for ten documents, not for recall@100, which is not reported here."""
RERANKED = 120
"""Queries that the reranker is measured on: it encodes twenty passages for each of them."""
WEIGHTS = (1.0, 0.5, 0.25)
DEFAULT = "hybrid"
PEERS = ("LangChain", "LlamaIndex", "bm25s", "bm25s, stemmed")


class TimeUp(Exception):
    """The time that this run was given is over; what was encoded is kept."""


class Timed:
    """An encoder that stops at a deadline."""

    def __init__(self, encoder: Encoder, deadline: float) -> None:
        self._encoder, self._deadline = encoder, deadline
        self.name, self.dimension, self.max_tokens = encoder.name, encoder.dimension, encoder.max_tokens
        self.count_tokens = encoder.count_tokens

    def encode(self, texts: Sequence[str], role: str = "passage") -> np.ndarray:
        if time.monotonic() > self._deadline:
            raise TimeUp
        return self._encoder.encode(texts)


class TimedTokens(LateInteractionReranker):
    """The reranker, ending at a deadline, with room for the token vectors of a whole set."""

    def __init__(self, folder: Path, deadline: float) -> None:
        super().__init__(folder, LATE_INTERACTION, kept_bytes=4 << 30)
        self._deadline = deadline

    def _tokens(self, texts: Sequence[str]) -> list[np.ndarray]:
        if time.monotonic() > self._deadline:
            raise TimeUp
        return super()._tokens(texts)


def measure(found: RetrievalSet, work: Path, deadline: float, words: int | None) -> dict[str, Any]:
    """Every system on one set. Raises TimeUp."""
    folder = write_beir(found, work / "sets" / found.name)
    config = Config()
    options = ChunkOptions() if words is None else ChunkOptions(max_words=words)
    root = work / "workspaces" / f"{found.name}-{options.name}"
    root.mkdir(parents=True, exist_ok=True)
    encoder = StoringEncoder(Timed(load_encoder(ENCODER_MODEL), deadline), work / "vectors.db")
    store = CorpusStore(root / "corpus.db")
    index_corpus(store, root, encoder, folder / "corpus.jsonl", options)
    index = SearchContext(store, root, encoder)
    beir = read_beir(folder)
    judged = from_qrels(found.name, beir.queries, beir.qrels, store)
    names = document_names(store)
    runs: list[SystemRun] = []
    for name in OURS:
        configuration = parse_configuration(name, SearchOptions())
        searcher = make_searcher(index, configuration.search, no_reranker)
        runs.append(run_system(System(name, searcher, configuration.mode), judged, depth=SEARCHED))
    asked = {query.id: query.text for query in judged.queries}
    peers: dict[str, Run] = {
        "LangChain": langchain(found.documents, asked, encoder),
        "LlamaIndex": llama_index(found.documents, asked, encoder),
        "bm25s": bm25s(found.documents, asked),
        "bm25s, stemmed": bm25s(found.documents, asked, stemmed=True),
    }
    runs += [foreign_run(name, run, judged, names) for name, run in peers.items()]
    evaluation = evaluate_runs(judged, runs)
    learnt = tune_fusion(JudgedIndex(judged, index, config, names), ["validation"])
    part = {
        "documents": len(found.documents),
        "queries": len(judged.queries),
        "chunks": store.counts()["chunks"],
        "chunking": options.name,
        "systems": {score.name: _measures(score) for score in evaluation.scores},
        "against_default": {name: _against(evaluation, name) for name in (*OURS, *PEERS) if name != DEFAULT},
        "learnt": {"chosen": asdict(learnt.chosen), "adopted": learnt.adopted, "verdict": learnt_verdict(learnt),
                   "comparison": asdict(learnt.comparison) if learnt.comparison else None},
        "reranked": reranked(index, judged, deadline),
        "values": {score.name: [round(value, 5) for value in score.values["nDCG@10"]] for score in evaluation.scores},
        "versions": versions(),
    }  # fmt: skip
    store.close()
    return part


def no_reranker(name: str) -> Reranker:
    """None of these configurations has one."""
    raise LookupError(name)


def reranked(index: SearchContext, judged: JudgedQueries, deadline: float) -> dict[str, Any]:
    """Late interaction over the default, at several weights, on a sample of the queries. Raises TimeUp."""
    drawn = random.Random(0).sample(judged.queries, min(RERANKED, len(judged.queries)))
    sample = replace(judged, queries=tuple(drawn))
    late = TimedTokens(resolve_model(ENCODER_MODEL).path, deadline)
    systems = [System(DEFAULT, make_searcher(index, SearchOptions(), no_reranker))]
    for weight in WEIGHTS:
        search = SearchOptions(rerank=LATE_INTERACTION, rerank_weight=weight)
        systems.append(System(f"{DEFAULT}+{LATE_INTERACTION}, weight {weight:g}", make_searcher(index, search, lambda _: late)))
    evaluation = evaluate_runs(sample, [run_system(system, sample, depth=SEARCHED) for system in systems])
    return {
        "queries": len(sample.queries),
        "systems": {score.name: _measures(score) for score in evaluation.scores},
        "against_default": {system.name: _against(evaluation, system.name) for system in systems[1:]},
    }


def _measures(score: SystemScore) -> dict[str, Any]:
    return {name: asdict(score.intervals[name]) for name in ("nDCG@10", "recall@1", "recall@5", "recall@10", "MRR@10")}


def _against(evaluation: RetrievalEvaluation, name: str) -> dict[str, Any]:
    found = evaluation.comparison(DEFAULT, name)
    return {**asdict(found), "better": found.better, "worse": found.worse}


def collect(work: Path) -> dict[str, Any]:
    """The parts of all sets as one result, with the average of each system."""
    parts = {name: json.loads((work / "parts" / f"{name}.json").read_text()) for name in SETS}
    for part in parts.values():
        part.pop("values")
    means = {
        name: float(np.mean([part["systems"][name]["nDCG@10"]["value"] for part in parts.values()])) for name in (*OURS, *PEERS)
    }
    return {"environment": environment(), "encoder": ENCODER_MODEL, "default": DEFAULT, "average": means, "sets": parts}


def main() -> None:
    """Measure one set, or collect all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--set", choices=sorted(SETS), action="append", help="default: all; those that are done are not done again"
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--words", type=int, help="words a chunk; default: chunks.max_words")
    parser.add_argument("--collect", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    (arguments.work / "parts").mkdir(parents=True, exist_ok=True)
    if arguments.collect:
        result = collect(arguments.work)
        print(json.dumps(result["average"], indent=1))
        if arguments.json:
            arguments.json.write_text(json.dumps(result, indent=1) + "\n")
        return
    deadline = time.monotonic() + arguments.seconds
    suffix = f"-{arguments.words}" if arguments.words else ""
    for name in arguments.set or SETS:
        path = arguments.work / "parts" / f"{name}{suffix}.json"
        if path.exists():
            continue
        try:
            part = measure(SETS[name](), arguments.work, deadline, arguments.words)
        except TimeUp:
            sys.exit(3)
        path.write_text(json.dumps(part, indent=1) + "\n")
        print(name, {system: round(row["nDCG@10"]["value"], 3) for system, row in part["systems"].items()}, flush=True)


if __name__ == "__main__":
    main()
