"""Scale on one machine: indexing 100,000 real passages with two kills, and what a collection costs from 1,000 to 1,000,000 passages.

    python tests/benchmarks/scale.py add --work /tmp/scale --passages 100000 --json tests/benchmarks/results/scale_add.json
    python tests/benchmarks/scale.py curve --work /tmp/scale --vectors /tmp/dense/vectors-1000000.npy --queries /tmp/dense/queries.npy \\
        --json tests/benchmarks/results/scale_curve.json
    python tests/benchmarks/scale.py filter --work /tmp/scale --queries /tmp/dense/queries.npy \\
        --json tests/benchmarks/results/scale_filter.json
    python tests/benchmarks/scale.py plot --picture docs/scale.png

`add` runs the command itself on acts of Ireland (../shared/data) with the packaged encoder, as a user would: it is killed while files are
read and again while vectors are made, and run again each time. `curve` grows one store and measures at each size what a commit of
one document, the next search after it, searches, and opening cost; its vectors are those of dense_vectors.py, its texts pairs of real
sentences, since encoding a million takes an hour.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from environment import environment

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from corpora.records import Chunk, Document, content_id  # noqa: E402
from corpora.store.changes import NewDocument, Segment  # noqa: E402
from corpora.store.corpus_store import CorpusStore  # noqa: E402
from corpora.store.filters import make_filter  # noqa: E402
from corpora.store.writer_lock import single_writer  # noqa: E402
from retrieval.chunk_vectors.dense_index import IndexOptions, refreshed_index  # noqa: E402
from retrieval.chunk_vectors.segments import write_segment  # noqa: E402
from retrieval.search.retriever import Retriever  # noqa: E402

DATA = ROOT.parent / "shared" / "data"
RESULTS = Path(__file__).resolve().parent / "results"
WORDS_A_PASSAGE = 28
"""About so many has a passage of at most 20; decides how many acts are taken."""
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
A_DOCUMENT = 20
A_COMMIT = 5_000
ASKED = 60
FILTERED = 200


# Adding


def write_acts(folder: Path, passages: int) -> int:
    """Acts as Markdown files until they hold about so many passages; how many words they have."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    words = 0
    for line in gzip.decompress((DATA / "irish_acts" / "acts_2018on.jsonl.gz").read_bytes()).splitlines():
        act = json.loads(line)
        (folder / f"{act['_id']}.md").write_text(act["text"], encoding="utf-8")
        words += len(act["text"].split())
        if words > passages * WORDS_A_PASSAGE:
            break
    return words


class Adding:
    """`raftsmith add`, watched from outside: passages, vectors and memory by the second."""

    def __init__(self, workspace: Path, texts: Path) -> None:
        self.workspace, self.texts = workspace, texts
        self.timeline: list[dict[str, float]] = []
        self.spent = self.peak = 0.0

    def run(self, until: Callable[[int, int], bool] = lambda passages, vectors: False) -> str:
        """Start it, and kill it with all its processes when `until(passages, vectors)`; what it printed."""
        command = [sys.executable, "-m", "serving.main", "add", str(self.texts), "--workspace", str(self.workspace)]
        inside = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=inside, cwd=ROOT, start_new_session=True)
        while process.poll() is None:
            time.sleep(2)
            passages, vectors = self.state()
            self.peak = max(self.peak, resident(process.pid))
            at = self.spent + time.monotonic() - started
            self.timeline.append({"s": round(at, 1), "passages": passages, "vectors": vectors})
            if until(passages, vectors):
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.spent += time.monotonic() - started
        return process.stdout.read() if process.stdout else ""

    def state(self) -> tuple[int, int]:
        """Passages that are committed, and those with a vector."""
        if not (self.workspace / "corpus.db").exists():
            return 0, 0
        store = CorpusStore(self.workspace / "corpus.db")
        passages, names = store.counts()["chunks"], {segment.encoder for segment in store.segments()}
        vectors = sum(len(store.vectors.chunk_numbers(name)) for name in names)
        store.close()
        return passages, vectors

    def places(self) -> dict[str, tuple[str, int]]:
        """Where each vector lies, by chunk id."""
        store = CorpusStore(self.workspace / "corpus.db")
        names = {segment.encoder for segment in store.segments()}
        found = {chunk_id: (segment, row) for name in names for chunk_id, segment, row in store.vectors.places(name)}
        store.close()
        return found


def resident(pid: int) -> float:
    """Bytes that a process and its children hold, without what they share by mapping files."""
    total = 0.0
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        waiting += children.get(one, [])
        try:
            status = Path(f"/proc/{one}/status").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon"))
    return total


def adding(given: argparse.Namespace) -> dict[str, Any]:
    """Two kills and a run to the end."""
    texts, workspace = given.work / "acts", given.work / "workspace"
    words = write_acts(texts, given.passages)
    shutil.rmtree(workspace, ignore_errors=True)
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "serving.main", "init", str(workspace)], check=True, env=environ, cwd=ROOT)
    watched = Adding(workspace, texts)
    watched.run(lambda passages, vectors: passages > given.passages // 5)
    killed_reading = watched.state()
    # All is read when nothing was added between two looks, and vectors were.
    last = [0, 0]

    def half(passages: int, vectors: int) -> bool:
        settled = passages == last[0] and vectors > last[1]
        last[:] = [passages, vectors]
        return settled and vectors > passages // 2

    watched.run(half)
    killed_filling, before = watched.state(), watched.places()
    printed = watched.run()
    passages, vectors = watched.state()
    after = watched.places()
    store = CorpusStore(workspace / "corpus.db")
    integrity = store.integrity()
    store.close()
    complete = next(entry["s"] for entry in watched.timeline if entry["passages"] == passages)
    filling = [entry for entry in watched.timeline if entry["passages"] == passages]
    rate = (filling[-1]["vectors"] - filling[0]["vectors"]) / max(filling[-1]["s"] - filling[0]["s"], 1e-9)
    return {
        "files": len(list(texts.iterdir())),
        "words": words,
        "passages": passages,
        "full_vectors": vectors,
        "seconds": round(watched.spent, 1),
        "first_searchable_s": next(entry["s"] for entry in watched.timeline if entry["passages"]),
        "all_searchable_s": complete,
        "vectors_per_s_while_filling": round(rate, 1),
        "peak_memory_bytes": watched.peak,
        "store_bytes": (workspace / "corpus.db").stat().st_size,
        "segment_bytes": sum(path.stat().st_size for path in (workspace / "segments").iterdir()),
        "killed_while_reading": {"passages": killed_reading[0], "full_vectors": killed_reading[1]},
        "killed_while_filling": {"passages": killed_filling[0], "full_vectors": killed_filling[1]},
        "vectors_made_before_the_kill_and_kept": sum(after.get(chunk) == place for chunk, place in before.items()),
        "integrity": integrity or "ok",
        "printed": printed.splitlines()[:1],
        "timeline": watched.timeline,
    }


# The curve


class Prepared:
    """Stands for the encoder: queries have the vectors that were made before, passages get theirs by row."""

    name, max_tokens = "prepared", None

    def __init__(self, queries: dict[str, np.ndarray], dimension: int) -> None:
        self._queries, self.dimension = queries, dimension

    def encode(self, texts: Sequence[str], role: str = "passage") -> np.ndarray:
        """Of known queries."""
        return np.stack([self._queries[text] for text in texts])


def documents(sentences: Sequence[str], first: int, count: int) -> list[NewDocument]:
    """`count` passages from number `first` on, as documents of 20; each passage is two real sentences."""
    made = []
    for start in range(first, first + count, A_DOCUMENT):
        draw = random.Random(start)
        texts = [f"{draw.choice(sentences)} {draw.choice(sentences)}" for _ in range(A_DOCUMENT)]
        whole, source = "\n\n".join(texts), f"/texts/{start}.txt"
        identity = content_id("document", "scale", whole, str(start))
        facts = {"year": str(2000 + draw.randrange(25)), "hundredth": str(draw.randrange(100))}
        document = Document(identity, "scale", f"Document {start}", "text/plain", whole, source, identity, facts)
        chunks, place = [], 0
        for text in texts:
            chunk_id = content_id("chunk", identity, str(place), str(place + len(text)))
            chunks.append(Chunk(chunk_id, identity, place, place + len(text), text, document.title, "", source, "scale"))
            place += len(text) + 2
        made.append(NewDocument(document, chunks, "0" * 64, "scale", "", start - first))
    return made


def commit(store: CorpusStore, workspace: Path, new: Sequence[NewDocument], vectors: np.ndarray, dimension: int) -> None:
    """One commit with its segment."""
    name = write_segment(workspace / "segments", vectors)
    placed = [NewDocument(n.document, n.chunks, n.sha256, n.chunking, name, n.first_row, n.file) for n in new]
    store.commit(added=placed, segment=Segment(name, Prepared.name, dimension, len(vectors)))


def curve(given: argparse.Namespace) -> dict[str, Any]:
    """One store, grown; at every size the costs."""
    from dense_vectors import questions, sentences

    texts, asked = sentences(), questions()
    vectors = np.load(given.vectors, mmap_mode="r")
    known = dict(zip(asked, np.load(given.queries), strict=True))
    encoder = Prepared(known, vectors.shape[1])
    workspace = given.work / "grown"
    shutil.rmtree(workspace, ignore_errors=True)
    workspace.mkdir(parents=True)
    store = CorpusStore(workspace / "corpus.db")
    spare = np.asarray(vectors[-A_DOCUMENT * 100 :])
    rows, count, extra = [], 0, 10_000_000
    for size in (size for size in SIZES if size <= given.largest):
        started = time.perf_counter()
        added = size - count
        with single_writer(workspace):
            while count < size:
                step = min(A_COMMIT, size - count)
                commit(
                    store,
                    workspace,
                    documents(texts, count, step),
                    np.asarray(vectors[count : count + step]),
                    encoder.dimension,
                )
                count += step
        storing = time.perf_counter() - started
        started = time.perf_counter()
        index = refreshed_index(store, workspace, encoder.name, encoder.dimension, IndexOptions())
        building = time.perf_counter() - started
        started = time.perf_counter()
        retriever = Retriever(store, workspace, encoder)
        retriever.search(asked[:1], 10)
        opening = time.perf_counter() - started
        row: dict[str, Any] = {
            "passages": size,
            "store_per_s": round(added / storing),
            "index": index.vectors.main.plan.kind,
            "recall": index.vectors.main.measured.recall,
            "index_s": building,
            "open_s": opening,
            "database_bytes": (workspace / "corpus.db").stat().st_size,
            "index_bytes": index.vectors.main.plan.disk_bytes,
        }
        ways: dict[str, tuple[Any, Any]] = {mode: (mode, make_filter()) for mode in ("dense", "lexical", "hybrid")}
        ways["hybrid, a filter of 1 %"] = ("hybrid", make_filter(conditions=["hundredth=7"]))
        for way, (mode, document_filter) in ways.items():
            retriever.search(asked[:1], 10, mode, document_filter)
            taken = [timed(retriever.search, [query], 10, mode, document_filter) for query in asked[1 : ASKED + 1]]
            row[way] = {"p50_ms": statistics.median(taken), "p99_ms": float(np.quantile(taken, 0.99))}
        commits, seen = [], []
        for _ in range(9):
            new = documents(texts, extra, A_DOCUMENT)
            commits.append(timed(commit, store, workspace, new, spare[:A_DOCUMENT], encoder.dimension))
            seen.append(timed(retriever.search, asked[:1], 10, "dense"))
            extra += A_DOCUMENT
        row["commit_ms"], row["next_search_ms"] = statistics.median(commits), statistics.median(seen)
        rows.append(row)
        print(json.dumps(row), flush=True)
        if given.json:
            given.json.write_text(json.dumps({"environment": environment(), "rows": rows}, indent=1) + "\n", encoding="utf-8")
    store.close()
    return {"rows": rows}


def filtered(given: argparse.Namespace) -> dict[str, Any]:
    """What filters cost in the store that `curve` has left: the same questions without and with each filter, in turn."""
    from dense_vectors import questions

    asked = questions()
    known = dict(zip(asked, np.load(given.queries), strict=True))
    workspace = given.work / "grown"
    store = CorpusStore(workspace / "corpus.db")
    encoder = Prepared(known, np.load(given.queries, mmap_mode="r").shape[1])
    started = time.perf_counter()
    retriever = Retriever(store, workspace, encoder)
    retriever.search(asked[:1], 10)
    result: dict[str, Any] = {
        "passages": store.counts()["chunks"],
        "open_s": time.perf_counter() - started,
        "questions": FILTERED,
    }
    filters = {"none": make_filter(), "1 %": make_filter(conditions=["hundredth=7"])}
    for mode in ("dense", "lexical", "hybrid"):
        first = {
            name: timed(retriever.search, asked[:1], 10, mode, document_filter) for name, document_filter in filters.items()
        }
        taken: dict[str, list[float]] = {name: [] for name in filters}
        for query in asked[1 : FILTERED + 1]:
            for name, document_filter in filters.items():
                taken[name].append(timed(retriever.search, [query], 10, mode, document_filter))
        ways = {
            name: {"first_ms": first[name], "p50_ms": statistics.median(times), "p99_ms": float(np.quantile(times, 0.99))}
            for name, times in taken.items()
        }
        result[mode] = {**ways, "ratio of medians": ways["1 %"]["p50_ms"] / ways["none"]["p50_ms"]}
        print(mode, result[mode], flush=True)
    store.close()
    return result


def timed(run: Callable[..., Any], *given: Any) -> float:
    """Milliseconds of one call."""
    started = time.perf_counter()
    run(*given)
    return (time.perf_counter() - started) * 1e3


def plot(picture: Path) -> None:
    """The timeline of adding, and the curve, side by side."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4))
    added = json.loads((RESULTS / "scale_add.json").read_text())
    minutes = [entry["s"] / 60 for entry in added["timeline"]]
    left.plot(minutes, [entry["passages"] for entry in added["timeline"]], label="searchable passages")
    left.plot(minutes, [entry["vectors"] for entry in added["timeline"]], label="with their vectors")
    left.set(xlabel="minutes", title="add, killed twice", ylim=(0, None))
    rows = json.loads((RESULTS / "scale_curve.json").read_text())["rows"]
    sizes = [row["passages"] for row in rows]
    for way in ("dense", "lexical", "hybrid", "hybrid, a filter of 1 %"):
        right.plot(sizes, [row[way]["p50_ms"] for row in rows], marker="o", label=f"search, {way}")
    right.plot(sizes, [row["commit_ms"] for row in rows], marker="s", linestyle="--", label="commit of a document")
    right.plot(sizes, [row["next_search_ms"] for row in rows], marker="s", linestyle="--", label="first search after it, dense")
    right.set(xscale="log", yscale="log", xlabel="passages", ylabel="ms, median", title="what a collection costs")
    for axes in (left, right):
        axes.legend(fontsize=8, loc="lower right")
        axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(picture, dpi=110)


def main() -> None:
    """One step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("add", "curve", "filter", "plot"))
    parser.add_argument("--work", type=Path, default=Path("/tmp/scale"))
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--queries", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.step == "plot":
        plot(given.picture)
        return
    steps = {"add": adding, "curve": curve, "filter": filtered}
    result = {"environment": environment(), **steps[given.step](given)}
    print(json.dumps({key: value for key, value in result.items() if key != "timeline"}, indent=1))
    if given.json:
        given.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
