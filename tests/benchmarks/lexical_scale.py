"""The scale part of `lexical.py`: stores and indexes of a million chunks, their size, latency and the price of a change."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from judged_sets import SETS, RetrievalSet
from lexical_peers import Bm25s, Tantivy
from lexical_texts import CHUNKS, GROUPS, chunk_texts, document

from corpora.store.corpus_store import CorpusStore
from corpora.store.filters import EVERYTHING, Condition, Filter
from retrieval.evaluation.measures import retrieval_measures
from retrieval.evaluation.significance import compare
from retrieval.search.query_terms import query_terms

A_COMMIT = 500
"""Documents."""
DEPTH = 50
"""What hybrid search reads of the lexical ranking."""
TIMED_SETS = ("dc_code", "medquad", "pubmedqa", "legal_plain_summ", "privacyqa")
QUERIES_A_SET = 50
GROUP = 7
FILTERS = {
    "none": EVERYTHING,
    "readers, 1 %": Filter((f"group{GROUP}",)),
    "fact, 1 %": Filter(conditions=(Condition("group", "=", f"group{GROUP}"),)),
    "readers, 90 %": Filter(tuple(f"group{number}" for number in range(90))),
}
EMBEDDED = ("legal_plain_summ", "privacyqa", "apibench")
"""Judged sets whose documents are put among the million, to see what choosing rows costs there."""
EMBEDDED_QUERIES = 150
CHANGES = 20


def documents(count: int) -> Iterator[list[str]]:
    """The chunk texts of each document in turn, of `count` chunks in all."""
    texts = (text for _, text, _ in chunk_texts(count))
    while part := list(islice(texts, CHUNKS)):
        yield part


def build(work: Path, count: int, deadline: float) -> bool:
    """Fill the store of `count` chunks, going on where it stopped; False when the time is over first."""
    store = CorpusStore(work / "corpus.db")
    timing = work / "build.json"
    spent = json.loads(timing.read_text())["seconds"] if timing.exists() else 0.0
    done = store.counts()["documents"]
    left = islice(enumerate(documents(count)), done, None)
    while part := list(islice(left, A_COMMIT)):
        if time.monotonic() > deadline:
            break
        added = [document(number, texts, f"Document {number}") for number, texts in part]
        started = time.perf_counter()
        store.commit(added=added)
        spent += time.perf_counter() - started
        timing.write_text(json.dumps({"seconds": spent}))
    whole = store.counts()["chunks"] >= count
    store.close()
    return whole


def timed_queries() -> list[str]:
    """Real questions, headings and summaries, of five sets."""
    queries = []
    for name in TIMED_SETS:
        asked = list(SETS[name]().queries.values())
        queries += random.Random(0).sample(asked, min(QUERIES_A_SET, len(asked)))
    return queries


def latency(search: Callable[[str], object], queries: Sequence[str]) -> dict[str, float]:
    """Milliseconds a query, once warmed with a tenth of them."""
    for query in queries[::10]:
        search(query)
    times, processor = [], []
    for query in queries:
        started, used = time.perf_counter(), time.process_time()
        search(query)
        times.append((time.perf_counter() - started) * 1000)
        processor.append((time.process_time() - used) * 1000)
    found = {f"p{p}_ms": round(float(np.percentile(times, p)), 2) for p in (50, 90, 99)}
    return {"n": len(times), **found, **{f"processor_p{p}_ms": round(float(np.percentile(processor, p)), 2) for p in (50, 99)}}


def changes(change: Callable[[int], object]) -> dict[str, float]:
    """Milliseconds of a change, numbered from 0."""
    times = []
    for number in range(CHANGES):
        started = time.perf_counter()
        change(number)
        times.append((time.perf_counter() - started) * 1000)
    return {"n": CHANGES, "median_ms": round(float(np.median(times)), 2), "max_ms": round(max(times), 2)}


def ours_at_scale(work: Path, kept: dict[str, Any]) -> dict[str, Any]:
    """The store: latency with one more of the filters and without, all rows scored beside it; changes with the last. `kept` is what
    was measured before.
    """
    queries = timed_queries()
    store = CorpusStore(work / "corpus.db")
    result = kept or {
        "build_s": round(json.loads((work / "build.json").read_text())["seconds"], 1),
        "database_bytes": (work / "corpus.db").stat().st_size,
        "lexical_bytes": _sizes(store),
        "real_chunks": sum(real for _, _, real in chunk_texts(store.counts()["chunks"])),
        "latency": {},
    }
    name = next(name for name in FILTERS if name not in result["latency"])
    wanted = FILTERS[name]
    result["latency"][name] = {
        "chosen_rows": latency(lambda query: store.lexical_search(query_terms(query), DEPTH, wanted), queries),
        "all_rows": latency(lambda query: store.lexical_search(query_terms(query), DEPTH, wanted, 10**9), queries[::5]),
    }
    if len(result["latency"]) == len(FILTERS):
        extra = [
            [f"{text} {number}" for text in texts] for number, texts in enumerate(islice(documents(CHANGES * CHUNKS), CHANGES))
        ]
        result["add_20_chunks"] = changes(lambda number: store.commit(added=[document(10**7 + number, extra[number])]))
        result["remove_20_chunks"] = changes(lambda number: store.commit(removed_paths=[(f"{10**7 + number}.txt", "default")]))
    store.close()
    return result


def _sizes(store: CorpusStore) -> dict[str, int]:
    rows = store._db.execute(
        "SELECT name, sum(length(block)) FROM (SELECT 'index' AS name, block FROM lexical_data)"
    ).fetchall()
    content = store._db.execute("SELECT sum(length(c0) + length(c1) + length(c2)) FROM lexical_content").fetchone()[0]
    return {**{name: int(size) for name, size in rows}, "content": int(content)}


def choosing_at_scale(work: Path, kept: dict[str, Any]) -> dict[str, Any]:
    """nDCG@10 of one more judged set among all these chunks, rows chosen and all rows scored; its documents go again afterwards."""
    name = next(name for name in EMBEDDED if name not in kept)
    store = CorpusStore(work / "corpus.db")
    found = SETS[name]()
    names, added = _embedded(found)
    store.commit(added=added)
    asked = random.Random(0).sample(sorted(found.queries), min(EMBEDDED_QUERIES, len(found.queries)))
    values = {}
    for way, rows in (("chosen rows", None), ("all rows", 10**9)):
        run = {key: [names[chunk] for chunk, _ in _ranked(store, found.queries[key], rows) if chunk in names] for key in asked}
        values[way] = retrieval_measures({key: found.qrels[key] for key in asked}, run)["nDCG@10"]
    store.commit(removed_paths=[(new.document.source, "default") for new in added])
    store.close()
    (comparison,) = compare(values)
    means = {way: float(np.mean(row)) for way, row in values.items()}
    part = {"queries": len(asked), **means, "difference": asdict(comparison.difference), "p": comparison.p}
    return {**kept, name: part}


def _ranked(store: CorpusStore, query: str, rows: int | None) -> list[tuple[str, float]]:
    terms = query_terms(query)
    return store.lexical_search(terms, DEPTH) if rows is None else store.lexical_search(terms, DEPTH, EVERYTHING, rows)


def _embedded(found: RetrievalSet) -> tuple[dict[str, str], list[Any]]:
    """Chunk id → document id of the set, each document one chunk, and what to commit."""
    added = [document(2 * 10**7 + number, [text]) for number, (_, text) in enumerate(found.documents.values())]
    return {new.chunks[0].id: identity for new, identity in zip(added, found.documents, strict=True)}, added


def tantivy_at_scale(work: Path, count: int) -> dict[str, Any]:
    """tantivy on disk: a 1 % filter by a term of its own, and by the numbers of the chunks, as rights that change would need."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        index = Tantivy(Path(folder))
        parts = list(documents(count))
        started = time.perf_counter()
        for number, texts in enumerate(parts):
            for place, text in enumerate(texts):
                index.add(number * CHUNKS + place, text, number, number % GROUPS)
        index.commit()
        built = time.perf_counter() - started
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        queries = timed_queries()
        numbers = [n * CHUNKS + place for n, texts in enumerate(parts) if n % GROUPS == GROUP for place in range(len(texts))]

        def add(number: int) -> None:
            for place, text in enumerate(parts[number]):
                index.add(10**9 + number * CHUNKS + place, f"{text} {number}", 10**7 + number, 0)
            index.commit()

        def remove(number: int) -> None:
            index.remove(10**7 + number)
            index.commit()

        return {
            "build_s": round(built, 1),
            "bytes": size,
            "latency": {
                "none": latency(lambda query: index.search(query, DEPTH), queries),
                "term, 1 %": latency(lambda query: index.search(query, DEPTH, GROUP), queries),
                "chunk numbers, 1 %": latency(lambda query: index.search(query, DEPTH, None, numbers), queries[::5]),
            },
            "add_20_chunks": changes(add),
            "remove_20_chunks": changes(remove),
        }


def bm25s_at_scale(count: int) -> dict[str, Any]:
    """bm25s in memory; a change is a rebuild."""
    texts = [text for _, text, _ in chunk_texts(count)]
    started = time.perf_counter()
    index = Bm25s(texts, [number // CHUNKS % GROUPS for number in range(count)])
    built = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        index.model.save(folder)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    queries = timed_queries()
    return {
        "build_s": round(built, 1),
        "bytes": size,
        "latency": {
            "none": latency(lambda query: index.search(query, DEPTH), queries),
            "mask, 1 %": latency(lambda query: index.search(query, DEPTH, GROUP), queries),
        },
        "change": "a new index",
    }
