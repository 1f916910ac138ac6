"""The systems that the dense-index benchmark compares, behind one protocol. Each is built in parts, kept on disk, and opened again.

A peer is used as its own documentation does, with its own defaults for building; what it offers to trade time for recall is its effort.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from retrieval.vector_index.built_index import build_main  # noqa: E402
from retrieval.vector_index.faiss_binding import faiss, single_threaded  # noqa: E402
from retrieval.vector_index.index_files import IndexFolder  # noqa: E402
from retrieval.vector_index.index_plan import IndexPlan, choose  # noqa: E402
from retrieval.vector_index.search_effort import SearchEffort  # noqa: E402
from retrieval.vector_index.vector_index import VectorIndex  # noqa: E402

Vectors = npt.NDArray[np.float32]
Found = npt.NDArray[np.int64]
K = 10
THREADS = 2
BLOCK = 20_000
MEMORY = 8 << 30
GEOMETRIC = (
    8, 12, 16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1_024, 2_048, 4_096,
)  # fmt: skip


class System(Protocol):
    """One thing that is built over vectors and asked for the ten best, one query at a time."""

    name: str
    settings: str

    def build(self, vectors: Vectors, folder: Path, until: float) -> int:
        """Go on building in `folder` until all is in or `time.monotonic()` passes `until`; how many vectors are in."""
        ...

    def open(self, vectors: Vectors, folder: Path) -> None:
        """Make ready to search what was built."""
        ...

    def efforts(self) -> Sequence[Any]:
        """Settings from the fastest to the most thorough; one for a system that has none."""
        ...

    def searching(self, effort: Any) -> Callable[[Vectors], Found]:
        """A function from one query `(d,)` to the rows of the ten best."""
        ...


def blocks(vectors: Vectors, start: int, until: float) -> Iterator[tuple[int, Vectors]]:
    """Consecutive blocks from `start` on while there is time; always at least one."""
    for first in range(start, len(vectors), BLOCK):
        yield first, np.ascontiguousarray(vectors[first : first + BLOCK])
        if time.monotonic() > until:
            return


class Raftsmith:
    """This project's index, with the kind that it chooses itself or one that it is told to build."""

    def __init__(self, kind: str | None = None, target: float = 0.98, as_peers: bool = False) -> None:
        self.name = "raftsmith" if kind is None else f"raftsmith, {kind}"
        self.kind, self.target, self.as_peers = kind, target, as_peers
        if as_peers:
            self.name += ", steered as the others"
        self.settings = ""

    def plan(self, vectors: Vectors) -> IndexPlan:
        """What is built."""
        chosen = choose(len(vectors), vectors.shape[1], MEMORY, self.target)
        return chosen if self.kind is None else choose(len(vectors), vectors.shape[1], MEMORY, self.target, kind=self.kind)

    def build(self, vectors: Vectors, folder: Path, until: float) -> int:
        """Not in parts: it is quick enough. Real questions steer it (`queries.npy`, first half)."""
        queries = np.load(folder.parents[1] / "queries.npy")[:1_000]
        files = IndexFolder(folder)
        mapped = files.keep(vectors.shape, (block for _, block in blocks(vectors, 0, float("inf"))))
        files.save(build_main(self.plan(vectors), mapped, np.arange(len(vectors)), queries), "benchmark")
        return len(vectors)

    def open(self, vectors: Vectors, folder: Path) -> None:
        """Load, verified."""
        self.main = IndexFolder(folder).load("benchmark", vectors.shape[1])
        self.index = VectorIndex.of(self.main)
        self.settings = self.main.plan.why

    def efforts(self) -> Sequence[SearchEffort | None]:
        """What it steered itself to when it was built; or, as for the peers, what just reaches the target."""
        if not self.as_peers:
            return (None,)
        rescored = self.main.measured.effort.rescored
        return [SearchEffort(probes, rescored) for probes in GEOMETRIC if probes <= self.main.plan.lists]

    def searching(self, effort: SearchEffort | None) -> Callable[[Vectors], Found]:
        """With its own effort."""
        return lambda query: self.index.search(query[np.newaxis], K, effort=effort)[0][0]


class RawFaiss:
    """The FAISS index inside ours, called directly with the same effort; `rescored`: inside FAISS's own IndexRefineFlat."""

    def __init__(self, ours: Raftsmith, rescored: bool) -> None:
        self.name = "FAISS, re-scoring itself" if rescored else "FAISS, the same index alone"
        self.ours, self.rescored, self.settings = ours, rescored, ""

    def build(self, vectors: Vectors, folder: Path, until: float) -> int:
        """Nothing of its own."""
        return len(vectors)

    def open(self, vectors: Vectors, folder: Path) -> None:
        """Wrap the index of `ours`, which has to be open."""
        self.index = self.ours.main.index
        if self.index is None:
            self.index = faiss.IndexFlatIP(vectors.shape[1])
            self.index.add(np.ascontiguousarray(vectors))
        elif self.rescored:
            flat = faiss.IndexFlatIP(vectors.shape[1])
            for _, block in blocks(vectors, 0, float("inf")):
                flat.add(block)
            self.flat = flat
            self.index = faiss.IndexRefine(self.index, flat)
        effort = self.ours.main.measured.effort
        self.settings = f"{type(self.ours.main.index).__name__}, one thread, {effort}"

    def efforts(self) -> Sequence[SearchEffort]:
        """That of ours."""
        return (self.ours.main.measured.effort,)

    def searching(self, effort: SearchEffort) -> Callable[[Vectors], Found]:
        """The plain Python call of FAISS, in one thread as ours searches."""
        search = self._searching(effort)

        def found(query: Vectors) -> Found:
            with single_threaded():
                return search(query)

        return found

    def _searching(self, effort: SearchEffort) -> Callable[[Vectors], Found]:
        index, kind = self.index, self.ours.main.plan.kind
        if kind == "exact":
            return lambda query: index.search(query[np.newaxis], K)[1][0]
        inner = faiss.SearchParametersIVF(nprobe=effort.probes)
        if not self.rescored:
            return lambda query: index.search(query[np.newaxis], effort.rescored, params=inner)[1][0]
        outer = faiss.IndexRefineSearchParameters(k_factor=effort.rescored / K, base_index_params=inner)
        return lambda query: index.search(query[np.newaxis], K, params=outer)[1][0]


class Hnswlib:
    """hnswlib: float32, M 16, ef_construction 200 (its defaults)."""

    name = "hnswlib"
    settings = "M 16, ef_construction 200, float32"

    def build(self, vectors: Vectors, folder: Path, until: float) -> int:
        """In parts: the file is loaded and added to."""
        import hnswlib

        path = folder / "index.bin"
        index = hnswlib.Index(space="ip", dim=vectors.shape[1])
        if path.exists():
            index.load_index(str(path), max_elements=len(vectors))
        else:
            index.init_index(max_elements=len(vectors), M=16, ef_construction=200)
        index.set_num_threads(THREADS)
        for first, block in blocks(vectors, index.get_current_count(), until):
            index.add_items(block, np.arange(first, first + len(block)))
        index.save_index(str(path))
        return int(index.get_current_count())

    def open(self, vectors: Vectors, folder: Path) -> None:
        """Load."""
        import hnswlib

        self.index = hnswlib.Index(space="ip", dim=vectors.shape[1])
        self.index.load_index(str(folder / "index.bin"))
        self.index.set_num_threads(THREADS)

    def efforts(self) -> Sequence[int]:
        """ef."""
        return GEOMETRIC[1:]

    def searching(self, effort: int) -> Callable[[Vectors], Found]:
        """knn_query of one; `ef` belongs to the index."""
        self.index.set_ef(effort)
        return lambda query: self.index.knn_query(query, k=K)[0][0].astype(np.int64)


class Usearch:
    """usearch: the storage type that it chooses for this processor unless told, connectivity and expansions its defaults."""

    def __init__(self, dtype: str | None = None) -> None:
        self.name = "usearch" if dtype is None else f"usearch, {dtype}"
        self.dtype, self.settings = dtype, ""

    def _empty(self, dimension: int) -> Any:
        from usearch.index import Index

        return Index(ndim=dimension, metric="ip", dtype=self.dtype)

    def build(self, vectors: Vectors, folder: Path, until: float) -> int:
        """In parts: the file is loaded and added to."""
        path = folder / "index.usearch"
        index = self._empty(vectors.shape[1])
        if path.exists():
            index.load(str(path))
        for first, block in blocks(vectors, len(index), until):
            index.add(np.arange(first, first + len(block)), block, threads=THREADS)
        index.save(str(path))
        return len(index)

    def open(self, vectors: Vectors, folder: Path) -> None:
        """Load."""
        self.index = self._empty(vectors.shape[1])
        self.index.load(str(folder / "index.usearch"))
        self.settings = f"connectivity {self.index.connectivity}, expansion_add {self.index.expansion_add}, {self.index.dtype}"

    def efforts(self) -> Sequence[int]:
        """expansion_search."""
        return GEOMETRIC[1:]

    def searching(self, effort: int) -> Callable[[Vectors], Found]:
        """search of one; `expansion_search` belongs to the index."""
        self.index.expansion_search = effort
        return lambda query: self.index.search(query, K, threads=THREADS).keys.astype(np.int64)


class LangChainFaiss:
    """langchain-community's FAISS store as it comes: a flat inner-product index, a dictionary of documents. Built when it is opened."""

    name = "LangChain FAISS store"
    settings = "IndexFlatIP (its default), in-memory documents"

    def build(self, vectors: Vectors, folder: Path, until: float) -> int:
        """It is kept as a pickle, which is not read here: building is timed, the result is thrown away."""
        self.open(vectors, folder)
        faiss.write_index(self.store.index, str(folder / "index.faiss"))
        return len(vectors)

    def open(self, vectors: Vectors, folder: Path) -> None:
        """Add all vectors, in parts; the text of a document is its row."""
        from langchain_community.docstore.in_memory import InMemoryDocstore
        from langchain_community.vectorstores import FAISS
        from langchain_community.vectorstores.utils import DistanceStrategy

        self.store = FAISS(
            lambda text: [], faiss.IndexFlatIP(vectors.shape[1]), InMemoryDocstore(), {},
            distance_strategy=DistanceStrategy.MAX_INNER_PRODUCT,
        )  # fmt: skip
        for first, block in blocks(vectors, 0, float("inf")):
            rows = [str(row) for row in range(first, first + len(block))]
            self.store.add_embeddings(zip(rows, block, strict=True), ids=rows)

    def efforts(self) -> Sequence[None]:
        """Exact."""
        return (None,)

    def searching(self, effort: None) -> Callable[[Vectors], Found]:
        """similarity_search_with_score_by_vector."""
        search = self.store.similarity_search_with_score_by_vector
        return lambda query: np.array([int(document.page_content) for document, _ in search(query, k=K)], dtype=np.int64)


class Chroma:
    """Chroma on disk: its HNSW defaults (16 neighbours, ef_construction 100), two threads."""

    name = "Chroma"
    settings = "max_neighbors 16, ef_construction 100"

    def _collection(self, folder: Path) -> Any:
        import chromadb
        from chromadb.config import Settings

        self.client = chromadb.PersistentClient(str(folder / "chroma"), settings=Settings(anonymized_telemetry=False))
        hnsw = {"space": "ip", "max_neighbors": 16, "ef_construction": 100, "num_threads": THREADS}
        return self.client.get_or_create_collection("vectors", configuration={"hnsw": hnsw}, embedding_function=None)

    def build(self, vectors: Vectors, folder: Path, until: float) -> int:
        """In parts, by its own count."""
        collection = self._collection(folder)
        size = self.client.get_max_batch_size()
        done = collection.count()
        while done < len(vectors):
            block = np.ascontiguousarray(vectors[done : done + size])
            collection.add(ids=[str(row) for row in range(done, done + len(block))], embeddings=block)
            done += len(block)
            if time.monotonic() > until:
                break
        return int(collection.count())

    def open(self, vectors: Vectors, folder: Path) -> None:
        """Open the collection."""
        self.folder, self.effort = folder, 0
        self.collection = self._collection(folder)

    def efforts(self) -> Sequence[int]:
        """ef_search, about from its default of 100 on: each one means loading the index again."""
        return [effort for effort in GEOMETRIC if effort >= 96]

    def searching(self, effort: int) -> Callable[[Vectors], Found]:
        """query of one, ids only. An index that is loaded keeps its effort, so the collection is opened again for another one."""
        if effort != self.effort:
            self.collection.modify(configuration={"hnsw": {"ef_search": effort}})
            self.client.close()  # or the index stays in memory beside its successor
            self.collection, self.effort = self._collection(self.folder), effort
        collection = self.collection
        return lambda query: np.array(
            [int(row) for row in collection.query(query_embeddings=query[np.newaxis], n_results=K, include=[])["ids"][0]],
            dtype=np.int64,
        )


class LanceDb:
    """LanceDB on disk with one of its indexes: IVF_PQ, or IVF_HNSW_SQ; exact re-scoring is its refine factor."""

    def __init__(self, index_type: str = "IVF_PQ") -> None:
        self.name, self.index_type = f"LanceDB, {index_type}", index_type
        self.settings = ""

    def _config(self) -> Any:
        from lancedb.index import HnswSq, IvfPq

        return {"IVF_PQ": IvfPq, "IVF_HNSW_SQ": HnswSq}[self.index_type](distance_type="dot")

    def build(self, vectors: Vectors, folder: Path, until: float) -> int:
        """The table in parts, then its index at once."""
        import lancedb
        import pyarrow

        database = lancedb.connect(str(folder / "lance"))
        done = database.open_table("vectors").count_rows() if "vectors" in database.table_names() else 0
        for first, block in blocks(vectors, done, until):
            column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(block.ravel()), block.shape[1])
            batch = pyarrow.table({"row": np.arange(first, first + len(block)), "vector": column})
            if first:
                database.open_table("vectors").add(batch)
            else:
                database.create_table("vectors", batch)
            done = first + len(block)
        if done == len(vectors) and time.monotonic() < until:
            database.open_table("vectors").create_index("vector", config=self._config(), replace=True)
        return done if done < len(vectors) or time.monotonic() < until else done - 1

    def open(self, vectors: Vectors, folder: Path) -> None:
        """Open the table."""
        import lancedb

        self.table = lancedb.connect(str(folder / "lance")).open_table("vectors")
        self.settings = f"{self.index_type}, its default partitions"

    def efforts(self) -> Sequence[tuple[int, int]]:
        """nprobes and refine factor."""
        return [
            (probes, refine) for probes in (1, 2, 4, 8, 12, 16, 20, 32, 48, 64, 96, 128, 192, 256, 512) for refine in (5, 20)
        ]

    def searching(self, effort: tuple[int, int]) -> Callable[[Vectors], Found]:
        """search of one, the row column only."""
        table, (probes, refine) = self.table, effort
        return lambda query: (
            table.search(query)
            .distance_type("dot")
            .nprobes(probes)
            .refine_factor(refine)
            .limit(K)
            .select(["row"])
            .to_arrow()["row"]
            .to_numpy()
        )


@dataclass(frozen=True)
class Built:
    """What building took, over all parts."""

    vectors: int
    seconds: float
    disk_bytes: int


def build(system: System, vectors: Vectors, folder: Path, seconds: float) -> Built:
    """Go on building for about `seconds`; `built.json` in the folder adds the parts up."""
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / "built.json"
    before = Built(**json.loads(record.read_text())) if record.exists() else Built(0, 0.0, 0)
    if before.vectors == len(vectors):
        return before
    started = time.monotonic()
    count = system.build(vectors, folder, started + seconds)
    after = replace(before, vectors=count, seconds=before.seconds + time.monotonic() - started)
    after = replace(
        after, disk_bytes=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path != record)
    )
    record.write_text(json.dumps(after.__dict__))
    return after


def forget(folder: Path) -> None:
    """Throw away what was built."""
    shutil.rmtree(folder, ignore_errors=True)
