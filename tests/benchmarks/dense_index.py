"""The dense index beside FAISS itself, hnswlib, usearch, LangChain's FAISS store, Chroma and LanceDB, at equal recall.

    python tests/benchmarks/dense_index.py build --system hnswlib --count 1000000 --seconds 400   # again and again until it says done
    python tests/benchmarks/dense_index.py race --count 100000 --json tests/benchmarks/results/dense_index_100k.json

The vectors are those of dense_vectors.py (`encode`, then `mix`), in `--folder`. Every system is built on disk in steps of its own, so that a
long build can be taken in parts; then one process opens them all and asks them in turn, one query at a time, in rounds. Of the real
questions, the first half steers every system to the target recall and the second half is measured. Peers' packages (not in this project's
environment): hnswlib, usearch, langchain-community, chromadb, lancedb.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from dense_peers import Chroma, Found, Hnswlib, K, LanceDb, LangChainFaiss, Raftsmith, RawFaiss, System, Usearch, Vectors, build
from dense_vectors import whole
from environment import environment

from retrieval.vector_index.faiss_binding import faiss
from retrieval.vector_index.recall import recall, true_nearest

TARGET = 0.98
STEERING = 400
WARM_UP = 3
SLOW_MS = 20.0
PEERS = ("hnswlib", "usearch", "langchain-community", "chromadb", "lancedb", "faiss-cpu")


def systems() -> dict[str, Callable[[], System]]:
    """By the name that `--system` takes."""
    return {
        "raftsmith": Raftsmith,
        "raftsmith-ivf-sq8": lambda: Raftsmith("ivf-sq8"),
        "raftsmith-exact": lambda: Raftsmith("exact"),
        "hnswlib": Hnswlib,
        "usearch": Usearch,
        "usearch-f32": lambda: Usearch("f32"),
        "langchain": LangChainFaiss,
        "chroma": Chroma,
        "lancedb": LanceDb,
        "lancedb-hnsw": lambda: LanceDb("IVF_HNSW_SQ"),
    }


def truth_of(folder: Path, vectors: Vectors, queries: Vectors) -> Found:
    """Rows of the true ten best, worked out once."""
    path = folder / f"truth-{len(vectors)}.npy"
    if not path.exists():
        np.save(path, true_nearest(vectors, queries))
    return np.load(path)


def steered(system: System, queries: Vectors, truth: Found) -> tuple[Any, float]:
    """The first effort whose recall on `queries` reaches the target, and that recall; the last effort when none does."""
    reached = 0.0
    efforts = system.efforts()
    for effort in efforts:
        search = system.searching(effort)
        reached = recall(np.stack([search(query)[:K] for query in queries]), truth)
        if reached >= TARGET or effort is efforts[-1]:
            return effort, reached
    raise ValueError(f"{system.name} has no efforts")


def race(opened: list[System], queries: Vectors, truth: Found, rounds: int, each: int) -> list[dict[str, Any]]:
    """Latency of single queries, in rounds in which every system answers the same `each` queries, the order turned every round."""
    chosen = {}
    for system in opened:
        chosen[system.name] = steered(system, queries[:STEERING], truth[:STEERING])
        print(system.name, *chosen[system.name], flush=True)
    held, true = queries[len(queries) // 2 :], truth[len(queries) // 2 :]
    times: dict[str, list[list[float]]] = {system.name: [] for system in opened}
    found: dict[str, dict[int, Found]] = {system.name: {} for system in opened}
    for number in range(rounds):
        for system in opened[number % len(opened) :] + opened[: number % len(opened)]:
            search = system.searching(chosen[system.name][0])
            slow = bool(times[system.name]) and statistics.median(times[system.name][0]) > SLOW_MS
            asked = [(number * each + place) % len(held) for place in range(max(2, each // 10) if slow else each)]
            for place in asked[:WARM_UP]:
                search(held[place])
            taken = []
            for place in asked:
                started = time.perf_counter()
                rows = search(held[place])
                taken.append((time.perf_counter() - started) * 1e3)
                found[system.name][place] = rows[:K]
            times[system.name].append(taken)
    results = []
    for system in opened:
        places = sorted(found[system.name])
        every = [taken for part in times[system.name] for taken in part]
        rows = np.stack(
            [np.pad(found[system.name][place], (0, K - len(found[system.name][place])), constant_values=-1) for place in places]
        )
        results.append(
            {
                "system": system.name,
                "settings": system.settings,
                "effort": str(chosen[system.name][0]),
                "recall": recall(rows, true[places]),
                "recall_steering": chosen[system.name][1],
                "p50_ms": statistics.median(every),
                "p99_ms": float(np.quantile(every, 0.99)),
                "queries": len(every),
                "p50_ms_by_round": [statistics.median(part) for part in times[system.name]],
            }
        )
    return results


def ratios(results: list[dict[str, Any]], to: str) -> None:
    """Add `ratio`: the median over rounds of the p50 over that of the system called `to`."""
    base = next(result for result in results if result["system"] == to)["p50_ms_by_round"]
    for result in results:
        result["ratio"] = statistics.median(mine / his for mine, his in zip(result["p50_ms_by_round"], base, strict=True))


def resident(given: argparse.Namespace, name: str) -> dict[str, float]:
    """What a process of its own holds after opening one system and asking it 200 questions: heap, and mapped files that it touched."""
    code = "weigh"
    command = [sys.executable, __file__, code, "--system", name, "--count", str(given.count), "--folder", str(given.folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    value: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return value


def weigh(given: argparse.Namespace) -> None:
    """Print what `resident` wants."""

    def now() -> dict[str, int]:
        lines = Path("/proc/self/status").read_text().splitlines()
        return {
            key: next(int(line.split()[1]) for line in lines if line.startswith(key)) * 1_024 for key in ("RssAnon", "RssFile")
        }

    vectors = np.load(whole(given.folder, given.count), mmap_mode="r").view(np.ndarray)
    queries = np.load(given.folder / "queries.npy")[-200:]
    system = systems()[given.system]()
    before = now()
    system.open(vectors, given.folder / str(given.count) / given.system)
    search = system.searching(system.efforts()[min(8, len(system.efforts()) - 1)])
    for query in queries:
        search(query)
    after = now()
    print(
        json.dumps({"heap_bytes": after["RssAnon"] - before["RssAnon"], "mapped_bytes": after["RssFile"] - before["RssFile"]})
    )


def main() -> None:
    """One step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("build", "race", "weigh"))
    parser.add_argument("--folder", type=Path, default=Path("/tmp/dense"))
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--system", choices=sorted(systems()))
    parser.add_argument("--systems", default="raftsmith,hnswlib,usearch,langchain,chroma,lancedb")
    parser.add_argument("--seconds", type=float, default=400)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--each", type=int, default=50)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    faiss.omp_set_num_threads(2)
    if given.step == "weigh":
        weigh(given)
        return
    vectors = np.load(whole(given.folder, given.count), mmap_mode="r").view(np.ndarray)
    if given.step == "build":
        built = build(systems()[given.system](), vectors, given.folder / str(given.count) / given.system, given.seconds)
        state = "done" if built.vectors == given.count else "not done"
        print(f"{given.system}: {built.vectors:,} of {given.count:,}, {built.seconds:.0f} s, {state}")
        return
    queries = np.load(given.folder / "queries.npy")
    truth = truth_of(given.folder, vectors, queries)
    opened: list[System] = []
    builds = {}
    for name in given.systems.split(","):
        folder = given.folder / str(given.count) / name
        system = systems()[name]()
        system.open(vectors, folder)
        opened.append(system)
        builds[system.name] = {**json.loads((folder / "built.json").read_text()), **resident(given, name)}
        if isinstance(system, Raftsmith) and system.kind is None:
            again = Raftsmith(as_peers=True)
            again.open(vectors, folder)
            opened.append(again)
            for rescored in (False, True):
                raw = RawFaiss(system, rescored)
                raw.open(vectors, folder)
                opened.append(raw)
        print("opened", name, flush=True)
    results = race(opened, queries, truth, given.rounds, given.each)
    ratios(results, "FAISS, re-scoring itself")
    for result in results:
        result |= builds.get(result["system"], {})
    document = {
        "environment": {**environment(), "peers": {package: importlib.metadata.version(package) for package in PEERS}},
        "vectors": given.count,
        "dimension": vectors.shape[1],
        "threads": 2,
        "target_recall": TARGET,
        "rounds": given.rounds,
        "results": results,
    }
    ours = next(system for system in opened if isinstance(system, Raftsmith))
    document["plan"] = {"kind": ours.main.plan.kind, "why": ours.main.plan.why, "measured_recall": ours.main.measured.recall}
    text = json.dumps(document, indent=1) + "\n"
    print(text)
    if given.json:
        given.json.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
