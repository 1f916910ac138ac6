"""The input of an inspection, read once from one snapshot: documents, a vector each, failures, and the datasets'
prompts.

Loads no model: the vectors are the stored ones. Knows nothing of what an inspection makes of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpora.errors import RaftsmithError
from corpora.records import Document
from corpora.store.corpus_store import CorpusStore
from retrieval.chunk_vectors.segments import read_segment
from retrieval.encoders.encoder import Vectors
from retrieval.model_folders import tokenizer_file

_TOKENIZED_CHARACTERS = 1_000_000
_PART = 10_000  # characters that are tokenized at a time


@dataclass(frozen=True)
class Material:
    """The documents to inspect, with a vector for each that is indexed.

    `vectors[i]`, float32, unit length, is that of `vector_ids[i]`: the mean of its chunks' vectors. A document without
    chunks has no vector. `copy_of` are the documents that are not indexed, each with the one that says the same and
    their similarity in 0–1. `failures` are (path, collection, reason). `encoder` made the vectors; "" where none are.
    """

    documents: tuple[Document, ...]
    vector_ids: tuple[str, ...]
    vectors: Vectors
    encoder: str
    copy_of: dict[str, tuple[str, float]]
    failures: tuple[tuple[str, str, str], ...]
    snapshot: int


@dataclass(frozen=True)
class Prompts:
    """The documents that the prompts of one dataset show: `(split, document ids)` for each prompt.

    `problem` says why the dataset could not be read, or "".
    """

    dataset: str
    documents: tuple[tuple[str, tuple[str, ...]], ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class TokenEstimate:
    """The number of tokens for each character, and `unit`, which says whose tokens; None without a tokenizer: words
    count.
    """

    per_character: float | None
    unit: str


def read_material(store: CorpusStore, segments: Path, collection: str | None = None) -> Material:
    """Read what an inspection needs from one snapshot. Raises RaftsmithError for an empty collection, CorruptStore."""
    with store.reading() as snapshot:
        documents = tuple(store.documents(collection))
        failures = tuple(row for row in store.failures() if collection in (None, row[1]))
        if not documents:
            emptiness = f"collection {collection!r} is empty" if collection else "the collections are empty"
            raise RaftsmithError(f"{emptiness}, {len(failures)} files could not be read; run `raftsmith add` first")
        copy_of = {
            entry["document_id"]: (entry["duplicate_of"], entry["similarity"])
            for entry in store.overview(collection)
            if entry["duplicate_of"]
        }
        ids, vectors, encoder = _document_vectors(store, segments, documents)
    return Material(documents, ids, vectors, encoder, copy_of, failures, snapshot)


def _document_vectors(store: CorpusStore, folder: Path, documents: Sequence[Document]) -> tuple[tuple[str, ...], Vectors, str]:
    """Ids, unit vectors and encoder of the documents that are indexed, by the encoder of most chunks where there are
    several.
    """
    row_of = {chunk.id: row for row, document in enumerate(documents) for chunk in store.chunks(document.id)}
    rows_by_encoder: dict[tuple[str, int], dict[str, list[tuple[int, int]]]] = {}
    for encoder, dimension in sorted({(segment.encoder, segment.dimension) for segment in store.segments()}):
        for chunk_id, segment, row in store.vectors.places(encoder):
            if chunk_id in row_of:
                rows_by_encoder.setdefault((encoder, dimension), {}).setdefault(segment, []).append((row_of[chunk_id], row))
    if not rows_by_encoder:
        return (), np.zeros((0, 0), dtype=np.float32), ""
    (encoder, dimension), rows_by_segment = max(rows_by_encoder.items(), key=lambda item: sum(map(len, item[1].values())))
    sums = np.zeros((len(documents), dimension), dtype=np.float64)
    for name, rows in sorted(rows_by_segment.items()):
        targets, sources = np.array(rows).T
        np.add.at(sums, targets, read_segment(folder, name)[sources])
    norms = np.linalg.norm(sums, axis=1)
    indexed = np.flatnonzero(norms > 0)
    vectors = np.asarray(sums[indexed] / norms[indexed, None], dtype=np.float32)
    return tuple(documents[row].id for row in indexed.tolist()), vectors, encoder


def read_prompts(folder: Path) -> list[Prompts]:
    """The datasets in `folder`, complete or not, by name. What cannot be read is a row with its problem."""
    datasets = []
    for path in sorted(folder.glob("*/examples.jsonl")):
        try:
            with path.open(encoding="utf-8") as lines:
                datasets.append(Prompts(path.parent.name, tuple(_prompt_documents(json.loads(line)) for line in lines)))
        except (OSError, ValueError, KeyError, TypeError) as error:
            datasets.append(
                Prompts(path.parent.name, problem=f"{path.name} cannot be read ({type(error).__name__}); generate it again")
            )
    return datasets


def _prompt_documents(example: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    return str(example["split"]), tuple(str(passage["document_id"]) for passage in example["passages"])


def estimate_tokens(documents: Sequence[Document], models: Sequence[str]) -> TokenEstimate:
    """Tokens for each character by the first of `models` with a local tokenizer, over up to a million characters of the
    documents.
    """
    chosen = next(((name, path) for name in models if (path := tokenizer_file(name))), None)
    if chosen is None:
        return TokenEstimate(None, "words (no model's tokenizer is here)")
    count = _counter(chosen[1])
    share = min(1.0, _TOKENIZED_CHARACTERS / max(1, sum(len(document.text) for document in documents)))
    texts = [document.text[: max(1, round(len(document.text) * share))] for document in documents]
    characters = sum(map(len, texts))
    if not characters:
        return TokenEstimate(None, "words")
    method = "estimated from a part" if share < 1 else "counted"
    return TokenEstimate(sum(map(count, texts)) / characters, f"tokens of {Path(chosen[0]).name}, {method}")


def _counter(path: Path) -> Callable[[str], int]:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(text: str) -> int:
        parts = [text[start : start + _PART] for start in range(0, len(text), _PART)]
        return sum(len(tokenizer.encode(part, add_special_tokens=False).ids) for part in parts)

    return count
