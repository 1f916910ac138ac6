"""Which lexical index? FTS5 inside of the store, with and without identifiers, beside tantivy and bm25s.

    python tests/benchmarks/lexical.py quality --work /tmp/lexical                  # one part after the other, each kept in --work
    python tests/benchmarks/lexical.py build --work /tmp/lexical --seconds 600      # again and again, until it exits with 0
    python tests/benchmarks/lexical.py ours --work /tmp/lexical                     # four times; choosing, three times; tantivy, bm25s
    python tests/benchmarks/lexical.py collect --work /tmp/lexical --json tests/benchmarks/results/lexical.json

Run it in an environment that has tantivy, bm25s and PyStemmer beside raftsmith. Needs the folder of data sets (../shared/data).
Quality: judged sets, their documents in passages of three sentences and found where their best passage is; and identifiers, right where the
first passage holds what was meant. The sets in DEVELOPMENT chose the weight of identifiers.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from environment import environment
from judged_sets import SETS, RetrievalSet
from lexical_peers import Bm25s, Ranker, Tantivy, WordsOnly, versions
from lexical_queries import identifier_queries
from lexical_scale import bm25s_at_scale, build, choosing_at_scale, ours_at_scale, tantivy_at_scale
from lexical_texts import CHUNKS, document, sentences, windows

from corpora.store.corpus_store import CorpusStore
from corpora.text.sentences import sentence_spans
from retrieval.evaluation.bootstrap import bootstrap_mean
from retrieval.evaluation.measures import retrieval_measures
from retrieval.evaluation.significance import compare
from retrieval.search.query_terms import query_terms

DEVELOPMENT = ("dc_code", "pubmedqa")
IDENTIFIER_SETS = {"dc_code": None, "pubmedqa": None, "irish_acts": 12_000, "medquad": 12_000}
"""Passages taken, evenly; None is all."""
PARTS = ("quality", "ours", "choosing", "tantivy", "bm25s")
DEPTH = 100
OURS = "raftsmith"


class Ours:
    """The lexical search of a corpus store."""

    def __init__(self, passages: list[str], folder: Path) -> None:
        self._store = CorpusStore(folder / "corpus.db")
        parts = [passages[first : first + CHUNKS] for first in range(0, len(passages), CHUNKS)]
        added = [document(number, texts) for number, texts in enumerate(parts)]
        self._store.commit(added=added)
        ids = [chunk.id for new in added for chunk in new.chunks]
        self._numbers = {name: number for number, name in enumerate(ids)}

    def search(self, query: str, k: int, group: int | None = None) -> list[int]:
        return [self._numbers[name] for name, _ in self._store.lexical_search(query_terms(query), k)]


def rankers(passages: list[str], folder: Path) -> dict[str, Ranker]:
    """Every index over the same passages."""
    tantivy = Tantivy()
    for number, text in enumerate(passages):
        tantivy.add(number, text)
    tantivy.commit()
    return {
        OURS: Ours(passages, folder),
        "FTS5, words only": WordsOnly(passages),
        "tantivy": tantivy,
        "bm25s": Bm25s(passages),
    }


def judged_values(found: RetrievalSet, folder: Path) -> dict[str, list[float]]:
    """nDCG@10 of every index, a value a query."""
    owners, passages = [], []
    for identity, (_, text) in found.documents.items():
        parts = windows([" ".join(text[start:end].split()) for start, end in sentence_spans(text)])
        passages += parts
        owners += [identity] * len(parts)
    values = {}
    for name, ranker in rankers(passages, folder).items():
        run = {key: list(dict.fromkeys(owners[n] for n in ranker.search(text, DEPTH))) for key, text in found.queries.items()}
        values[name] = retrieval_measures(found.qrels, run)["nDCG@10"]
    return values


def identifier_values(name: str, folder: Path) -> tuple[int, dict[str, list[float]]]:
    """Passages, and whether the first passage holds the identifier, a value a query, of every index."""
    passages = windows(sentences(name))
    most = IDENTIFIER_SETS[name]
    passages = passages[:: max(1, len(passages) // most)][:most] if most else passages
    queries = identifier_queries(passages)
    values: dict[str, list[float]] = {}
    for system, ranker in rankers(passages, folder).items():
        values[system] = [float(bool(set(ranker.search(typed, 1)) & holders)) for _, typed, holders in queries]
    return len(passages), values


def summary(values: dict[str, list[float]]) -> dict[str, Any]:
    """Means and the differences to ours, with intervals and corrected p-values."""
    pairs = [c for c in compare(values) if c.left == OURS]
    return {
        "queries": len(values[OURS]),
        "systems": {name: asdict(interval) for name, row in values.items() if (interval := bootstrap_mean(row))},
        "ours_minus": {
            c.right: {**asdict(c.difference), "p_holm": c.p_holm, "better": c.better, "worse": c.worse} for c in pairs
        },
    }


def quality() -> dict[str, Any]:
    """Every judged set and every set of identifiers."""
    result: dict[str, Any] = {"development": DEVELOPMENT, "judged": {}, "identifiers": {}}
    for name, make in SETS.items():
        with tempfile.TemporaryDirectory() as folder:
            result["judged"][name] = summary(judged_values(make(), Path(folder)))
        print(name, result["judged"][name]["systems"], flush=True)
    for name in IDENTIFIER_SETS:
        with tempfile.TemporaryDirectory() as folder:
            passages, values = identifier_values(name, Path(folder))
            result["identifiers"][name] = {"passages": passages, **summary(values)}
        print(name, result["identifiers"][name]["systems"], flush=True)
    return result


def main() -> None:
    """Measure one part, or collect all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["quality", "build", *PARTS[1:], "collect"])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--chunks", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    work: Path = arguments.work
    work.mkdir(parents=True, exist_ok=True)
    if arguments.part == "build":
        sys.exit(0 if build(work, arguments.chunks, time.monotonic() + arguments.seconds) else 3)
    if arguments.part == "collect":
        parts = {name: json.loads((work / f"{name}.json").read_text()) for name in PARTS}
        result = {"environment": environment(), "versions": versions(), "chunks": arguments.chunks, **parts}
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
        return
    path = work / f"{arguments.part}.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    measures = {
        "quality": quality,
        "ours": lambda: ours_at_scale(work, kept),
        "choosing": lambda: choosing_at_scale(work, kept),
        "tantivy": lambda: tantivy_at_scale(work, arguments.chunks),
        "bm25s": lambda: bm25s_at_scale(arguments.chunks),
    }
    path.write_text(json.dumps(measures[arguments.part](), indent=1) + "\n")


if __name__ == "__main__":
    main()
