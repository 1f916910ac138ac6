"""Damage the files of a stored index, load it, search it. Run as a child process: what FAISS does to its memory dies with it.

    python tests/retrieval/vector_index/hostile_index_trial.py FOLDER SEED TRIALS

Half of the damage is followed by a manifest that vouches for the damaged file, as whoever can write the folder could make one. Prints one
JSON object: how many loads were refused, how many gave the right answers, how many gave others though the manifest was not touched.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from corpora.durable_files import sha256_file
from corpora.errors import CorruptStore
from retrieval.vector_index.index_files import INDEX, KEYS, MANIFEST, VECTORS, IndexFolder
from retrieval.vector_index.vector_index import VectorIndex

IDENTITY = "the original"
MEMORY = 4 << 30
HUGE = (1 << 62, 1 << 40, (1 << 64) - 1, 1 << 31, 0)


def damage(data: bytes, draw: random.Random) -> bytes:
    """Another content of about the same kind."""
    way = draw.choice(("bit", "bytes", "cut", "more", "size", "type", "swap", "empty", "int"))
    place = draw.randrange(max(1, len(data)))
    if way in ("size", "type", "int") and draw.random() < 0.6:
        place = draw.randrange(min(len(data), 400) or 1)  # headers are at the start
    if way == "bit":
        return data[:place] + bytes([data[place] ^ (1 << draw.randrange(8))]) + data[place + 1 :] if data else b"\0"
    if way == "bytes":
        return data[:place] + draw.randbytes(64) + data[place + 64 :]
    if way == "cut":
        return data[:place]
    if way == "more":
        return data + draw.randbytes(draw.randrange(1, 4_096))
    if way == "size":
        return data[:place] + draw.choice(HUGE).to_bytes(8, "little") + data[place + 8 :]
    if way == "int":
        return data[:place] + draw.choice((2**31 - 1, 2**32 - 1, 2**20)).to_bytes(4, "little") + data[place + 4 :]
    if way == "type":
        kind = draw.choice((b"IxFI", b"IHNf", b"IHNs", b"IwPQ", b"IwSq", b"ilar", b"ilbl", b"IxMp", b"IwFl", b"IxPT", b"IBMp"))
        start = 0 if draw.random() < 0.5 else place
        return data[:start] + kind + data[start + 4 :]
    if way == "swap":
        return data[place:] + data[:place]
    return b""


def main() -> None:
    """All trials of one seed."""
    original, seed, trials = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    draw = random.Random(seed)
    dimension = json.loads((original / MANIFEST).read_text())["plan"]["dimension"]
    queries = np.random.default_rng(seed).standard_normal((6, dimension)).astype(np.float32)
    expected = VectorIndex.of(IndexFolder(original).load(IDENTITY, dimension)).search(queries, 10)
    counts = {"refused": 0, "right": 0, "wrong": 0, "vouched": 0}
    for _ in range(trials):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(shutil.copytree(original, Path(temporary) / "index"))
            names = [name for name in (INDEX, INDEX, INDEX, KEYS, VECTORS, MANIFEST) if (folder / name).exists()]
            name = draw.choice(names)
            before = (folder / name).read_bytes()
            after = damage(before, draw)
            (folder / name).write_bytes(after)
            vouched = name != MANIFEST and draw.random() < 0.5
            if vouched:
                manifest = json.loads((folder / MANIFEST).read_text())
                manifest["files"][name] = {"bytes": len(after), "sha256": sha256_file(folder / name)}
                (folder / MANIFEST).write_text(json.dumps(manifest))
            print(f"{name} seed {seed} vouched {vouched}", file=sys.stderr, flush=True)  # the last line says what crashed
            try:
                index = VectorIndex.of(IndexFolder(folder).load(IDENTITY, dimension))
            except CorruptStore:
                counts["refused"] += 1
                continue
            with np.errstate(all="ignore"):
                found = index.search(queries, 10)
                index.search(queries, 10, np.arange(0, 500, 2))
            if all(np.array_equal(*pair) for pair in zip(found, expected, strict=True)):
                counts["right"] += 1
            else:
                counts["vouched" if vouched else "wrong"] += 1
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
