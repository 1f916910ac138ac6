"""The vectors of a FAISS index file from elsewhere, read by a child process with bounded memory and time (promise S7).

A hostile index can crash or grow; it does so in the child. What comes back is a safetensors file of float32 rows and a line of
JSON. Knows no texts and no store.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from corpora.durable_files import sha256_file
from corpora.errors import StoreError, UnreadableDocument
from retrieval.encoders.encoder import Vectors

MAX_FILE_BYTES = 8 << 30
MAX_VECTOR_BYTES = 8 << 30
TIMEOUT_S = 600.0
_BASE_MEMORY = 3 << 30
"""What Python, NumPy and FAISS map before anything is read; most of it is never touched."""


@dataclass(frozen=True)
class FaissVectors:
    """Row i of `vectors`, unit length, float32 `(n, dimension)`, is the i-th vector of the index, called `ids[i]` there.

    `exact` is False for an index that keeps its vectors compressed: then they are what FAISS decodes.
    """

    vectors: Vectors
    ids: tuple[int, ...]
    kind: str
    exact: bool
    sha256: str


def read_faiss(path: Path, sha256: str | None = None, timeout_s: float = TIMEOUT_S) -> FaissVectors:
    """The vectors of the index file `path`. With `sha256`, the file is not opened by FAISS unless that is its digest.

    Raises StoreError saying what the file is and what is accepted.
    """
    digest = _checked(path, sha256)
    with tempfile.TemporaryDirectory(prefix="raftsmith-") as folder:
        target = Path(folder) / "vectors.safetensors"
        memory = _BASE_MEMORY + 4 * path.stat().st_size
        reply = _asked(path, target, memory, timeout_s)
        if "error" in reply:
            raise StoreError(f"{path}: {reply['error']}")
        tensors = load_file(target)
        vectors, ids = np.asarray(tensors["vectors"], dtype=np.float32), tensors["ids"]
    if not np.isfinite(vectors).all():
        raise StoreError(f"{path} holds vectors that are not finite; export it again")
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if (norms == 0).any():
        raise StoreError(
            f"{path} holds {int((norms == 0).sum())} vectors of length 0, which have no direction; export it again"
        )
    return FaissVectors(vectors / norms, tuple(map(int, ids)), reply["kind"], reply["exact"], digest)


def _checked(path: Path, expected: str | None) -> str:
    if path.is_dir():
        raise StoreError(f"{path} is a folder; give the index file in it, e.g. {path / 'index.faiss'}")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    if size > MAX_FILE_BYTES:
        raise StoreError(f"{path} is {size / 2**30:.1f} GiB; at most {MAX_FILE_BYTES >> 30} GiB: split the collection")
    digest = sha256_file(path)
    if expected is not None and digest != expected.lower():
        raise StoreError(f"{path} has the SHA-256 {digest}, not {expected}: it is another file or damaged; it was not opened")
    with path.open("rb") as handle:
        head = handle.read(2)
    if head[:1] == b"\x80":
        raise StoreError(f"{path} is a pickle, which can run code and is never opened; give the .faiss file beside it")
    return digest


def _asked(path: Path, target: Path, memory: int, timeout_s: float) -> dict[str, Any]:
    root = str(Path(__file__).resolve().parents[2])
    code = f"import sys; sys.path.insert(0, {root!r}); from retrieval.indexing.faiss_reading import serve; serve()"
    request = {"path": os.fsencode(path).hex(), "target": os.fsencode(target).hex(), "memory_bytes": memory}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-c", code],
            input=json.dumps(request).encode() + b"\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise StoreError(f"{path} was not read within {timeout_s:.0f} s; export it as IndexFlat") from error
    if done.returncode != 0 or not done.stdout.strip():
        end = f"signal {-done.returncode}" if done.returncode < 0 else f"exit status {done.returncode}"
        raise StoreError(
            f"reading {path} ended the reader ({end}): a damaged or hostile file, or an index that does not give its vectors back; "
            "export it as IndexFlat"
        )
    reply: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return reply


def serve() -> None:
    """The child: bound itself, read one index, write its vectors, answer with one line."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what FAISS prints must not get into the reply
    request = json.loads(sys.stdin.buffer.readline())
    resource.setrlimit(resource.RLIMIT_AS, (request["memory_bytes"], request["memory_bytes"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    path, target = (Path(os.fsdecode(bytes.fromhex(request[name]))) for name in ("path", "target"))
    try:
        reply = _decoded(path, target)
    except UnreadableDocument as error:
        reply = {"error": str(error)}
    except (RuntimeError, ValueError, MemoryError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1][:200]
        reply = {"error": f"FAISS cannot read it ({type(error).__name__}: {reason}); export it as IndexFlat"}
    output.write(json.dumps(reply).encode() + b"\n")
    output.flush()


def _decoded(path: Path, target: Path) -> dict[str, Any]:
    import faiss

    faiss.set_deserialization_vector_byte_limit(MAX_VECTOR_BYTES)
    faiss.set_deserialization_loop_limit(100_000_000)
    index = outer = faiss.read_index(str(path))  # the outer one owns the inner one
    ids = np.arange(index.ntotal, dtype=np.int64)
    if isinstance(outer, faiss.IndexIDMap | faiss.IndexIDMap2):
        ids = faiss.vector_to_array(outer.id_map).astype(np.int64)
        index = faiss.downcast_index(outer.index)
    if not index.ntotal:
        raise UnreadableDocument("the index is empty")
    if index.ntotal * index.d * 4 > MAX_VECTOR_BYTES:
        raise UnreadableDocument(f"{index.ntotal} vectors of {index.d} numbers are more than {MAX_VECTOR_BYTES >> 30} GiB")
    inverted = faiss.try_extract_index_ivf(index)
    if inverted is not None:
        inverted.make_direct_map()
    vectors = index.reconstruct_n(0, index.ntotal)
    save_file({"vectors": np.ascontiguousarray(vectors, dtype=np.float32), "ids": ids}, target)
    exact = isinstance(index, faiss.IndexFlat | faiss.IndexIVFFlat | faiss.IndexHNSWFlat)
    return {"kind": type(index).__name__, "exact": exact}
