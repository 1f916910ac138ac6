"""A built index written to disk and read back, with nothing trusted. A cache: whatever is wrong, it can be built again.

    folder/vectors.f32      the rows, little-endian float32; mapped, not read
    folder/keys.i64         their keys
    folder/index.faiss      what FAISS keeps of an approximate index
    folder/manifest.json    written last: sizes and SHA-256 of the others, the plan, what was measured

Every file is verified against the manifest before it is used, and the manifest against the identity that the caller
expects. FAISS reads with its own limits set to the file's size, and what it made of the file is checked before anything
is searched (`faiss_validation`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import TypeAdapter, ValidationError

from corpora.durable_files import Write, sha256_file, write_atomic, write_streamed
from corpora.errors import CorruptStore
from retrieval.vector_index.built_index import SCAN_FROM, BuiltIndex
from retrieval.vector_index.calibration import Measured
from retrieval.vector_index.exact_scan import coded
from retrieval.vector_index.faiss_binding import FaissIndex, faiss
from retrieval.vector_index.faiss_index import prepared
from retrieval.vector_index.faiss_validation import check_index
from retrieval.vector_index.id_map import IdMap
from retrieval.vector_index.index_plan import IndexPlan
from retrieval.vector_index.inner_products import Matrix

VECTORS, KEYS, INDEX, MANIFEST = "vectors.f32", "keys.i64", "index.faiss", "manifest.json"
_BLOCK = 65_536
_PIECE = 1 << 20
_LOOPS = 1 << 24
"""More lists or trees than any index of ours has."""

_reading = threading.Lock()
"""FAISS's limits for reading are one for the whole process."""


@dataclass(frozen=True)
class StoredFile:
    """Size and SHA-256 of one file."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The manifest of an index folder.

    `identity` is the caller's name for the content, such as a digest over its keys.
    """

    format: Literal[1]
    identity: str
    plan: IndexPlan
    measured: Measured
    files: dict[str, StoredFile]


_MANIFEST = TypeAdapter(Manifest)


class IndexFolder:
    """The folder `path` of one built index.

    Write by `keep` and then `save`; `load` needs neither. For one writer at a time.
    """

    def __init__(self, path: Path) -> None:
        """`path` is made when something is written."""
        self.path = path
        self._streamed: tuple[Matrix, StoredFile] | None = None

    def keep(self, shape: tuple[int, int], blocks: Iterator[Matrix]) -> Matrix:
        """Stream blocks of vectors, together of `shape`, into the folder, and give them back mapped.

        The folder's old index is lost.
        """
        (self.path / MANIFEST).unlink(missing_ok=True)

        def fill(write: Write) -> None:
            for block in blocks:
                write(np.ascontiguousarray(block, dtype="<f4").data)

        digest = write_streamed(self.path / VECTORS, fill)
        stored = StoredFile((self.path / VECTORS).stat().st_size, digest)
        if stored.bytes != 4 * shape[0] * shape[1]:
            raise ValueError(f"the blocks hold {stored.bytes} bytes, not {shape[0]} rows of {shape[1]} float32")
        vectors = _mapped(self.path / VECTORS, shape)
        self._streamed = (vectors, stored)
        return vectors

    def save(self, main: BuiltIndex, identity: str) -> None:
        """Write `main` under `identity`.

        Its vectors are written only if `keep` has not done so already. Raises OSError.
        """
        (self.path / MANIFEST).unlink(missing_ok=True)
        if self._streamed is None or self._streamed[0] is not main.vectors:
            rows = main.vectors
            self.keep(rows.shape, (rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)))
        files = {VECTORS: self._streamed[1]} if self._streamed else {}
        files[KEYS] = self._write(KEYS, lambda write: write(main.keys.keys.astype("<i8", copy=False).data))
        if main.index is not None:
            files[INDEX] = self._write(INDEX, lambda write: _write_index(main.index, write))
        manifest = Manifest(1, identity, main.plan, main.measured, files)
        write_atomic(self.path / MANIFEST, _MANIFEST.dump_json(manifest, indent=2, by_alias=True) + b"\n")

    def _write(self, name: str, fill: Callable[[Write], None]) -> StoredFile:
        digest = write_streamed(self.path / name, fill)
        return StoredFile((self.path / name).stat().st_size, digest)

    def load(self, identity: str, dimension: int) -> BuiltIndex:
        """The index of the folder, verified. Raises CorruptStore, naming what is wrong: build it again then."""
        manifest = self._manifest(identity, dimension)
        shape = (manifest.files[KEYS].bytes // 8, dimension)
        with ThreadPoolExecutor(len(manifest.files)) as pool:
            for name, digest in zip(
                manifest.files, pool.map(lambda name: sha256_file(self.path / name), manifest.files), strict=True
            ):
                if digest != manifest.files[name].sha256:
                    raise self._corrupt(f"{name} is not what was written")
        try:
            keys = IdMap(np.fromfile(self.path / KEYS, dtype="<i8").astype(np.int64, copy=False))
            vectors = _mapped(self.path / VECTORS, shape)
            index = None
            if manifest.plan.kind != "exact":
                index = _read_index(self.path / INDEX, manifest.plan)
                check_index(index, manifest.plan, shape[0])
                index = prepared(index)
        except (OSError, ValueError, RuntimeError) as error:
            raise self._corrupt(str(error)) from error
        scan = coded(vectors) if index is None and shape[0] >= SCAN_FROM else None
        return BuiltIndex(manifest.plan, keys, vectors, manifest.measured, index, scan)

    def _manifest(self, identity: str, dimension: int) -> Manifest:
        try:
            with (self.path / MANIFEST).open("rb") as handle:
                manifest = _MANIFEST.validate_json(handle.read(_PIECE), strict=False)
            sizes = {name: (self.path / name).stat().st_size for name in manifest.files}
        except (OSError, ValidationError) as error:
            raise self._corrupt(f"{MANIFEST}: {error}") from error
        expected = {VECTORS, KEYS} | ({INDEX} if manifest.plan.kind != "exact" else set())
        if manifest.identity != identity or manifest.plan.dimension != dimension:
            raise self._corrupt(
                f"it holds {manifest.identity!r}, {manifest.plan.dimension} dimensions, not {identity!r}, {dimension}"
            )
        if set(sizes) != expected or any(sizes[name] != manifest.files[name].bytes for name in sizes):
            raise self._corrupt(f"files of {sizes} bytes are not those of its manifest")
        if sizes[KEYS] % 8 or sizes[VECTORS] != sizes[KEYS] // 8 * dimension * 4:
            raise self._corrupt(f"{sizes[VECTORS]} bytes of vectors do not fit {sizes[KEYS]} bytes of keys")
        if not (0 <= manifest.plan.lists <= sizes[KEYS] and 0 <= manifest.plan.code_bytes <= dimension):
            raise self._corrupt(f"a plan of {manifest.plan.lists} lists and codes of {manifest.plan.code_bytes} bytes")
        return manifest

    def _corrupt(self, reason: str) -> CorruptStore:
        return CorruptStore(f"the index in {self.path} cannot be used: {reason}; it is a cache and will be built again")


def _mapped(path: Path, shape: tuple[int, int]) -> Matrix:
    if not shape[0]:
        return np.empty(shape, dtype=np.float32)
    return np.memmap(path, dtype="<f4", mode="r", shape=shape).view(np.ndarray)


def _write_index(index: FaissIndex, write: Write) -> None:
    def piece(data: bytes) -> int:
        write(data)
        return len(data)

    faiss.write_index(index, faiss.PyCallbackIOWriter(piece, _PIECE))


def _read_index(path: Path, plan: IndexPlan) -> FaissIndex:
    # No part of a file is larger than the file, but for a table that FAISS allows for with product codes (inner
    # products need none).
    table = 4 * plan.lists * 2 * plan.code_bytes * 16 if plan.kind == "ivf-pq" else 0
    with _reading:
        limits = faiss.get_deserialization_vector_byte_limit(), faiss.get_deserialization_loop_limit()
        try:
            faiss.set_deserialization_vector_byte_limit(path.stat().st_size + table)
            faiss.set_deserialization_loop_limit(_LOOPS)
            return faiss.read_index(str(path), faiss.IO_FLAG_SKIP_PRECOMPUTE_TABLE)
        finally:
            faiss.set_deserialization_vector_byte_limit(limits[0])
            faiss.set_deserialization_loop_limit(limits[1])
