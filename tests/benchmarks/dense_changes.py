"""What filters, additions, removals and compaction cost the dense index, and where exact search stops being the fastest.

    python tests/benchmarks/dense_changes.py filters --count 100000 --json tests/benchmarks/results/dense_filters_100k.json
    python tests/benchmarks/dense_changes.py updates --count 100000 --json tests/benchmarks/results/dense_updates_100k.json
    python tests/benchmarks/dense_changes.py kinds --json tests/benchmarks/results/dense_kinds.json

`filters` and `updates` use the indexes that `dense_index.py build --system raftsmith` (and `raftsmith-exact`) left in
`--folder`. Whatever is compared is asked in turn within one round, and a ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from dense_peers import MEMORY, Found, K, Raftsmith, Vectors
from dense_vectors import whole
from environment import environment

from retrieval.vector_index.built_index import build_main
from retrieval.vector_index.index_plan import choose
from retrieval.vector_index.recall import recall, true_nearest
from retrieval.vector_index.vector_index import VectorIndex

SHARES = (0.5, 0.1, 0.01, 0.001)
KIND_COUNTS = (2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
KINDS = ("exact", "ivf-sq8", "ivf-pq")
SYSTEMS = ("raftsmith", "raftsmith-exact")


def timed(run: Callable[..., Any], *given: Any) -> float:
    """Milliseconds of one call."""
    started = time.perf_counter()
    run(*given)
    return (time.perf_counter() - started) * 1e3


def in_turn(
    ways: dict[str, Callable[[Vectors], Any]], queries: Vectors, rounds: int, each: int
) -> dict[str, list[list[float]]]:
    """Milliseconds of single queries, round by round, the ways taking turns within a round."""
    taken: dict[str, list[list[float]]] = {name: [] for name in ways}
    for number in range(rounds):
        asked = [queries[(number * each + place) % len(queries)][np.newaxis] for place in range(each)]
        names = list(ways)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            ways[name](asked[0])
            taken[name].append([timed(ways[name], query) for query in asked])
    return taken


def summary(taken: dict[str, list[list[float]]], base: str) -> dict[str, dict[str, float]]:
    """p50, p99 and the ratio to `base` of each way."""
    middle = {name: [statistics.median(part) for part in parts] for name, parts in taken.items()}
    return {
        name: {
            "p50_ms": statistics.median(value for part in parts for value in part),
            "p99_ms": float(np.quantile([value for part in parts for value in part], 0.99)),
            "ratio": statistics.median(mine / his for mine, his in zip(middle[name], middle[base], strict=True)),
        }
        for name, parts in taken.items()
    }


def masks(vectors: Vectors) -> dict[str, Found]:
    """Allowed rows by name: drawn at random, and (1 % and 10 %) those nearest to one vector, as a matter's documents are."""
    draw = np.random.default_rng(11)
    chosen = {f"{share:.1%} at random": np.flatnonzero(draw.random(len(vectors)) < share) for share in SHARES}
    near = np.argsort(vectors @ vectors[17])
    chosen |= {f"{share:.1%} that lie together": np.sort(near[-int(share * len(vectors)) :]) for share in (0.1, 0.01)}
    return chosen


def true_among(vectors: Vectors, queries: Vectors, allowed: Found) -> Found:
    """Rows of the ten best among `allowed`."""
    return allowed[true_nearest(np.ascontiguousarray(vectors[allowed]), queries)]


def opened(name: str, given: argparse.Namespace, vectors: Vectors) -> VectorIndex:
    """One of the indexes that were built before."""
    system = Raftsmith()
    system.open(vectors, given.folder / str(given.count) / name)
    return system.index


def filters(given: argparse.Namespace, vectors: Vectors, queries: Vectors) -> dict[str, Any]:
    """Every filter on every kind: given as keys, given as a mask over keys, and worked out once beforehand."""
    rows: dict[str, Any] = {}
    allowed = masks(vectors)
    truths = {name: true_among(vectors, queries, chosen) for name, chosen in allowed.items()}
    for system in given.systems.split(","):
        index = opened(system, given, vectors)
        ways: dict[str, Callable[[Vectors], Any]] = {"no filter": lambda query, index=index: index.search(query, K)}
        for name, chosen in allowed.items():
            mask = np.zeros(len(vectors), dtype=np.bool_)
            mask[chosen] = True
            permission = index.permitting(chosen)
            ways[f"{name}, keys"] = lambda query, chosen=chosen, index=index: index.search(query, K, chosen)
            ways[f"{name}, mask"] = lambda query, mask=mask, index=index: index.search(query, K, mask)
            ways[f"{name}, prepared"] = lambda query, permission=permission, index=index: index.search(query, K, permission)
        measured = summary(in_turn(ways, queries, given.rounds, given.each), "no filter")
        for name, chosen in allowed.items():
            found = np.concatenate([index.search(query[np.newaxis], K, chosen)[0] for query in queries])
            for form in ("keys", "mask", "prepared"):
                measured[f"{name}, {form}"]["recall"] = recall(found, truths[name])
        rows[index.main.plan.kind] = measured
        print(system, json.dumps(measured, indent=1), flush=True)
    return rows


def updates(given: argparse.Namespace, vectors: Vectors, queries: Vectors) -> dict[str, Any]:
    """What a change costs by its size, and a search by what has changed; then a compaction, and building anew."""
    draw = np.random.default_rng(5)
    index = opened("raftsmith", given, vectors)
    fresh = next_vectors(vectors, 20_000, draw)
    changes = {}
    for size in (1, 10, 100, 1_000, 10_000):
        keys = np.arange(len(vectors), len(vectors) + size)
        gone = np.sort(draw.choice(len(vectors), size, replace=False))
        changes[size] = {
            "add_ms": statistics.median(timed(index.added, keys, fresh[:size]) for _ in range(9)),
            "remove_ms": statistics.median(timed(index.removed, gone) for _ in range(9)),
        }
    one_by_one, started = index, time.perf_counter()
    for number in range(2_000):
        one_by_one = one_by_one.added(np.array([len(vectors) + number]), fresh[number : number + 1])
    each_ms = (time.perf_counter() - started) * 1e3 / 2_000
    grown = {"nothing changed": index}
    for size in (100, 1_000, 5_000):
        keys = np.arange(len(vectors), len(vectors) + size)
        grown[f"{size:,} added"] = index.added(keys, fresh[:size])
    grown["10 % removed"] = index.removed(draw.choice(len(vectors), len(vectors) // 10, replace=False))
    ways = {name: (lambda query, value=value: value.search(query, K)) for name, value in grown.items()}
    searches = summary(in_turn(ways, queries, given.rounds, given.each), "nothing changed")
    changed = grown["5,000 added"]
    started = time.perf_counter()
    main = changed.compacted_main(MEMORY)
    compacting = time.perf_counter() - started
    moving = timed(changed.rebase, main)
    return {
        "kind": index.main.plan.kind,
        "changes": changes,
        "one_by_one_ms": each_ms,
        "searches": searches,
        "needs_compaction": {name: value.needs_compaction() for name, value in grown.items()},
        "compaction_of_5000_added": {
            "seconds": compacting,
            "moving_ms": moving,
            "building_anew_seconds": index.main.measured.seconds,
            "recall": main.measured.recall,
        },
    }


def next_vectors(vectors: Vectors, count: int, draw: np.random.Generator) -> Vectors:
    """Vectors like those that are there: between two of them."""
    pairs = [vectors[np.sort(draw.choice(len(vectors), count))] for _ in range(2)]
    made = pairs[0] + np.float32(0.4) * pairs[1][draw.permutation(count)]
    return np.ascontiguousarray(made / np.linalg.norm(made, axis=1, keepdims=True))


def kinds(given: argparse.Namespace, vectors: Vectors, queries: Vectors) -> dict[str, Any]:
    """Every kind at sizes around the limit of exact search: building, p50 and recall on questions that did not steer it."""
    rows = []
    steering, held = queries[::2], queries[1::2]
    for count in KIND_COUNTS:
        part = np.ascontiguousarray(vectors[:count])
        truth = true_nearest(part, held)
        built = {}
        for kind in KINDS:
            plan = choose(count, part.shape[1], MEMORY, kind=kind)
            built[kind] = VectorIndex.of(build_main(plan, part, np.arange(count), steering))
        ways = {kind: (lambda query, index=index: index.search(query, K)) for kind, index in built.items()}
        measured = summary(in_turn(ways, held, given.rounds, given.each), "exact")
        for kind, index in built.items():
            found = np.concatenate([index.search(query[np.newaxis], K)[0] for query in held])
            about = index.main.measured
            rows.append(
                {
                    "vectors": count,
                    "kind": kind,
                    **measured[kind],
                    "recall": recall(found, truth),
                    "build_s": about.seconds,
                    "effort": str(about.effort),
                }
            )
            print(rows[-1], flush=True)
    return {"rows": rows}


def main() -> None:
    """One step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("filters", "updates", "kinds"))
    parser.add_argument("--folder", type=Path, default=Path("/tmp/dense"))
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--each", type=int, default=20)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    vectors = np.load(whole(given.folder, given.count), mmap_mode="r").view(np.ndarray)
    queries = np.load(given.folder / "queries.npy")[1_000:1_400]
    result = {"filters": filters, "updates": updates, "kinds": kinds}[given.step](given, vectors, queries)
    document = {
        "environment": environment(),
        "vectors": given.count,
        "rounds": given.rounds,
        "each": given.each,
        "result": result,
    }
    text = json.dumps(document, indent=1) + "\n"
    print(text)
    if given.json:
        given.json.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
