"""Built indexes in a workspace's cache: each written whole into a folder of its own, then published under its encoder.

Knows no store.

    cache/dense-ENCODER.json     which folder holds the index of an encoder, with the checksum of its manifest
    cache/dense-ENCODER-TOKEN/   the index (see `index_files`) and segments.json; nothing in it changes once it is published

So processes may read, build and publish at the same time: the last one to publish wins, and whoever has a folder open
keeps it.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from corpora.durable_files import sha256_file, write_json
from corpora.errors import CorruptStore
from retrieval.vector_index.built_index import BuiltIndex
from retrieval.vector_index.index_files import MANIFEST, IndexFolder
from retrieval.vector_index.vector_index import Keep

_SEGMENTS = "segments.json"
_ABANDONED_S = 24 * 3600.0
"""So old is what a process that was killed left behind."""


@dataclass(frozen=True)
class Cached:
    """A built index from the cache, and the segments it covers.

    `segments`: number → name of every segment of the store whose vectors went into `main`, or were gone by then.
    """

    main: BuiltIndex
    segments: Mapping[int, str]


@dataclass(frozen=True)
class DenseCache:
    """The cached index of `encoder` in the folder `cache`: loaded, published, deleted."""

    cache: Path
    encoder: str
    dimension: int

    @property
    def _stem(self) -> str:
        return f"dense-{hashlib.sha256(self.encoder.encode()).hexdigest()[:16]}"

    @property
    def _pointer(self) -> Path:
        return self.cache / f"{self._stem}.json"

    def load(self) -> Cached | None:
        """The index that was published last, verified; None where there is none, or none that is sound: it can be built
        again.
        """
        try:
            pointer = json.loads(self._pointer.read_text("utf-8"))
            folder = self.cache / pointer["folder"]
            if not re.fullmatch(self._stem + r"-[0-9a-f]{8}", pointer["folder"]):
                return None
            if sha256_file(folder / MANIFEST) != pointer["manifest"]:
                return None
            written = (folder / _SEGMENTS).read_bytes()
            main = IndexFolder(folder).load(self._identity(written), self.dimension)
            return Cached(main, {int(number): name for number, name in json.loads(written).items()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError, CorruptStore):
            return None

    def publish(self, build: Callable[[Keep], BuiltIndex], segments: Mapping[int, str]) -> BuiltIndex:
        """Build an index into a new folder and publish it; the one before is deleted. Raises OSError."""
        name = f"{self._stem}-{secrets.token_hex(4)}"
        folder = self.cache / name
        try:
            files = IndexFolder(folder)
            main = build(files.keep)
            write_json(folder / _SEGMENTS, {str(number): segments[number] for number in sorted(segments)})
            files.save(main, self._identity((folder / _SEGMENTS).read_bytes()))
            before = self._published()
            write_json(self._pointer, {"folder": name, "manifest": sha256_file(folder / MANIFEST)})
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._sweep(keep=name, before=before)
        return main

    def forget(self) -> None:
        """Delete the cached index; it is built again when it is needed."""
        before = self._published()
        self._pointer.unlink(missing_ok=True)
        self._sweep(keep="", before=before)

    def _identity(self, segments: bytes) -> str:
        return f"{self.encoder} over segments {hashlib.sha256(segments).hexdigest()}"

    def _published(self) -> str:
        try:
            return str(json.loads(self._pointer.read_text("utf-8"))["folder"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def _sweep(self, keep: str, before: str) -> None:
        for folder in self.cache.glob(f"{self._stem}-*"):
            # Another process may be building; what it left unfinished long ago is nobody's.
            if folder.name != keep and (folder.name == before or time.time() - folder.stat().st_mtime > _ABANDONED_S):
                shutil.rmtree(folder, ignore_errors=True)
        for old in self.cache.glob("dense-*.faiss*"):  # of earlier versions
            old.unlink(missing_ok=True)
