"""What search finds when documents are cut in different ways: raftsmith's chunks beside fixed windows and two peers' splitters.

    python tests/benchmarks/chunking.py --json tests/benchmarks/results/chunking.json

The same documents, questions, encoder and hybrid search for every splitter; all sized in the encoder's tokens. Relevance is a
span, so it does not depend on how many chunks a splitter makes:
- a chunk counts as found when half of it lies in the answer's span, or half of the span in it; recall@k and nDCG@10 are of the
  first such chunk (retrieval.evaluation.measures);
- `covered`: the best hits fill a prompt of so many tokens, the last one cut off where it is full; the share of the answer's
  tokens (of the prompt's, where the answer is longer) that stand in it. The path of headings that raftsmith's chunks carry is
  paid for; the title, which all carry, is not.
Titles are encoded and indexed with every splitter's chunks; headings are lines of the text for the others and the section's path
for raftsmith ("section not carried": without it). `tidy_ends`: the share of chunk ends that come after a mark of punctuation or at
a paragraph's end. `unseen`: the share of the chunks' tokens that the encoder does not read. Differences are raftsmith's minus
the other's, with 95 % paired bootstrap intervals. The draw of documents (`--seed`) is not the one that costs were chosen on.

Peers are measured where they are installed: `pip install --no-deps langchain-text-splitters semchunk`.
"""

from __future__ import annotations

import argparse
import bisect
import importlib.util
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from chunking_sets import SETS, Asked, QuestionedSet
from environment import environment
from tokenizers import Tokenizer

from corpora.chunking.chunker import ChunkOptions, chunk_document
from corpora.records import Block, Chunk, Document, content_id
from corpora.store.corpus_store import CorpusStore, FinishedFile, NewDocument, Segment
from retrieval.chunk_vectors.segments import write_segment
from retrieval.encoders.encoder import Encoder, Vectors
from retrieval.encoders.loading import load_encoder
from retrieval.encoders.passage_text import embedding_text
from retrieval.evaluation.bootstrap import bootstrap, difference, mean_of
from retrieval.evaluation.measures import retrieval_measures
from retrieval.model_folders import ENCODER_MODEL, tokenizer_file
from retrieval.search.retriever import Retriever

ROOT = Path(__file__).resolve().parents[2]
OURS = "raftsmith"
SIZES = (64, 200)
BUDGETS = (250, 500)
DEPTH = 50
ROUNDS = 3
Splitter = Callable[["Place"], list[Chunk]]
_TIDY = re.compile(r"[.!?:;,…—)\]”’\"]\s*$")


@dataclass(frozen=True)
class Place:
    """A document to cut: its blocks, and where each token of its text begins and ends, ascending."""

    document: Document
    blocks: Sequence[Block]
    starts: Sequence[int]
    ends: Sequence[int]

    def tokens(self, start: int, end: int) -> tuple[int, int]:
        """The first token at or after character `start`, and the first one at or after `end`."""
        return bisect.bisect_left(self.starts, start), bisect.bisect_left(self.starts, end)


class Tokens:
    """Counts and places of the encoder's tokens."""

    def __init__(self) -> None:
        """The packaged encoder's tokenizer, without its truncation."""
        self.tokenizer = Tokenizer.from_file(str(tokenizer_file(ENCODER_MODEL)))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def count(self, text: str) -> int:
        """Tokens of `text`, without special ones."""
        return len(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def place(self, document: Document, blocks: Sequence[Block]) -> Place:
        """`document` with the places of its tokens."""
        offsets = self.tokenizer.encode(document.text, add_special_tokens=False).offsets
        return Place(document, blocks, [start for start, _ in offsets], [end for _, end in offsets])


def chunk_of(document: Document, start: int, end: int) -> Chunk | None:
    """A chunk without a section, white space at its ends left out; None where nothing is left."""
    piece = document.text[start:end]
    start, end = start + len(piece) - len(piece.lstrip()), end - (len(piece) - len(piece.rstrip()))
    if start >= end:
        return None
    identity = content_id("chunk", document.id, str(start), str(end))
    text = document.text[start:end]
    return Chunk(identity, document.id, start, end, text, document.title, "", document.source, document.collection)


def fixed_windows(size: int) -> Splitter:
    """As many whole words as `size` tokens hold, wherever that ends."""

    def split(place: Place) -> list[Chunk]:
        text, found = place.document.text, []
        start = used = 0
        for word in re.finditer(r"\S+", text):
            first, last = place.tokens(word.start(), word.end())
            if used and used + last - first > size:
                found.append(chunk_of(place.document, start, word.start()))
                start, used = word.start(), 0
            used += last - first
        found.append(chunk_of(place.document, start, len(text)))
        return [chunk for chunk in found if chunk]

    return split


def langchain_recursive(size: int, tokens: Tokens) -> Splitter:
    """RecursiveCharacterTextSplitter as LangChain's guides use it, without overlap, lengths in tokens."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=size, chunk_overlap=0, length_function=tokens.count, add_start_index=True
    )

    def split(place: Place) -> list[Chunk]:
        parts = splitter.create_documents([place.document.text])
        spans = [(part.metadata["start_index"], len(part.page_content)) for part in parts]
        return [chunk for start, length in spans if (chunk := chunk_of(place.document, start, start + length))]

    return split


def semchunk_windows(size: int, tokens: Tokens) -> Splitter:
    """semchunk's chunker with the encoder's token count."""
    import semchunk

    chunker = semchunk.chunkerify(tokens.count, chunk_size=size)

    def split(place: Place) -> list[Chunk]:
        _, offsets = chunker(place.document.text, offsets=True)
        return [chunk for start, end in offsets if (chunk := chunk_of(place.document, start, end))]

    return split


def ours(size: int, encoder: Encoder) -> Splitter:
    """raftsmith's chunks of `size` tokens, sections on literature included, since the others have them too."""
    options = ChunkOptions(size, skip_sections=(), max_tokens=size)
    return lambda place: chunk_document(place.document, place.blocks, options, encoder)


def splitters(size: int, encoder: Encoder) -> dict[str, Splitter]:
    """Every splitter that can be run here, by name."""
    tokens = Tokens()
    found: dict[str, Splitter] = {OURS: ours(size, encoder), "fixed windows": fixed_windows(size)}
    if importlib.util.find_spec("langchain_text_splitters"):
        found["LangChain recursive"] = langchain_recursive(size, tokens)
    if importlib.util.find_spec("semchunk"):
        found["semchunk"] = semchunk_windows(size, tokens)
    return found


class Vectorizer:
    """The encoder with a memory: chunks that two splitters cut alike are encoded once."""

    def __init__(self, encoder: Encoder) -> None:
        """Nothing is encoded yet."""
        self.encoder, self.name, self.dimension = encoder, encoder.name, encoder.dimension
        self.max_tokens, self.count_tokens = encoder.max_tokens, encoder.count_tokens
        self._known: dict[str, Vectors] = {}

    def encode(self, texts: Sequence[str], role: str = "passage") -> Vectors:
        """Unit vectors, float32 `(len(texts), dimension)`."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        if missing:
            self._known.update(zip(missing, self.encoder.encode(missing), strict=True))
        return np.stack([self._known[text] for text in texts])


def searched(
    questions: Sequence[Asked], cut: Sequence[tuple[Document, list[Chunk]]], vectorizer: Vectorizer
) -> list[list[Chunk]]:
    """The best `DEPTH` chunks for each question, by the product's hybrid search over a store of these chunks."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        store = CorpusStore(workspace / "corpus.db")
        try:
            everything = [chunk for _, chunks in cut for chunk in chunks]
            vectors = vectorizer.encode([embedding_text(chunk) for chunk in everything])
            name = write_segment(workspace / "segments", vectors)
            added, row = [], 0
            for document, chunks in cut:
                added.append(NewDocument(document, chunks, "0" * 64, "benchmark", name, row))
                row += len(chunks)
            finished = [FinishedFile(d.source, d.collection, "0" * 64, "benchmark", frozenset([d.source])) for d, _ in cut]
            segment = Segment(name, vectorizer.name, vectorizer.dimension, len(everything))
            store.commit(added=added, segment=segment, finished=finished)
            results = Retriever(store, workspace, vectorizer).search([asked.text for asked in questions], DEPTH)
        finally:
            store.close()
    return [[hit.chunk for hit in result.hits] for result in results]


def is_found(chunk: Chunk, document: Document, asked: Asked) -> bool:
    """True when half of the chunk lies in the answer's span, or half of the span in the chunk."""
    if chunk.document_id != document.id:
        return False
    shared = min(chunk.end, asked.end) - max(chunk.start, asked.start)
    return 2 * shared >= min(chunk.end - chunk.start, asked.end - asked.start)


def covered(
    hits: Sequence[Chunk], places: dict[str, Place], gold: tuple[str, int, int], budget: int, heads: dict[str, int]
) -> float:
    """Share of the answer's tokens, `budget` of them at most, among the first `budget` tokens of `hits`; 0–1.

    `heads`: how many tokens the path of each section takes.
    """
    document_id, start, end = gold
    wanted = set(range(start, end))
    left = budget
    seen: set[int] = set()
    for chunk in hits:
        left -= heads[chunk.section]
        if left <= 0:
            break
        first, last = places[chunk.document_id].tokens(chunk.start, chunk.end)
        last = min(last, first + left)
        left -= last - first
        if chunk.document_id == document_id:
            seen |= wanted & set(range(first, last))
    return len(seen) / min(len(wanted), budget)


def per_question(
    questioned: QuestionedSet, places: Sequence[Place], cut: Sequence[tuple[Document, list[Chunk]]], vectorizer: Vectorizer
) -> dict[str, list[float]]:
    """Measure → a value a question."""
    hits = searched(questioned.questions, cut, vectorizer)
    by_id = {place.document.id: place for place in places}
    tokens = Tokens()
    heads = {section: tokens.count(section) for section in {chunk.section for ranking in hits for chunk in ranking}}
    run: dict[str, list[str]] = {}
    values: dict[str, list[float]] = {f"covered@{budget}": [] for budget in BUDGETS}
    for number, (asked, ranking) in enumerate(zip(questioned.questions, hits, strict=True)):
        place = places[asked.document]
        first = next((i for i, chunk in enumerate(ranking) if is_found(chunk, place.document, asked)), None)
        run[str(number)] = ["answer" if i == first else chunk.id for i, chunk in enumerate(ranking)]
        gold = (place.document.id, *place.tokens(asked.start, asked.end))
        for budget in BUDGETS:
            values[f"covered@{budget}"].append(covered(ranking, by_id, gold, budget, heads))
    return {**retrieval_measures({query: ["answer"] for query in run}, run), **values}


def shape(cut: Sequence[tuple[Document, list[Chunk]]], tokens: Tokens, encoder: Encoder) -> dict[str, Any]:
    """How many chunks there are, how long, how many end tidily, and what the encoder does not see of them."""
    chunks = [(document, chunk) for document, found in cut for chunk in found]
    lengths = [tokens.count(chunk.text) for _, chunk in chunks]
    sizes = [tokens.count(embedding_text(chunk)) for _, chunk in chunks]
    tidy = [bool(_TIDY.search(c.text)) or d.text[c.end : c.end + 2] in ("\n\n", "") for d, c in chunks]
    return {
        "chunks": len(chunks),
        "mean_tokens": round(float(np.mean(lengths)), 1),
        "longest_tokens": max(lengths),
        "tidy_ends": round(float(np.mean(tidy)), 4),
        "unseen": round(sum(max(0, size - encoder.max_tokens) for size in sizes) / sum(lengths), 5),
    }


def measured(questioned: QuestionedSet, size: int, vectorizer: Vectorizer) -> list[dict[str, Any]]:
    """A row a splitter: shape, measures with intervals, and raftsmith's difference to it."""
    encoder = vectorizer.encoder
    tokens = Tokens()
    places = [tokens.place(document, blocks) for document, blocks in questioned.documents]
    values: dict[str, dict[str, list[float]]] = {}
    rows = []
    by_name = splitters(size, encoder)
    if any(block.kind == "heading" for _, blocks in questioned.documents for block in blocks):
        own = by_name[OURS]
        by_name[f"{OURS}, section not carried"] = lambda place: [replace(chunk, section="") for chunk in own(place)]
    for name, split in by_name.items():
        cut = [(place.document, split(place)) for place in places]
        values[name] = per_question(questioned, places, cut, vectorizer)
        n = len(questioned.questions)
        means = {key: bootstrap(mean_of(of), n) for key, of in values[name].items()}
        ahead = {key: bootstrap(difference(mean_of(values[OURS][key]), mean_of(of)), n) for key, of in values[name].items()}
        row = {
            "splitter": name,
            "tokens": size,
            **shape(cut, tokens, encoder),
            "measures": {key: _rounded(value) for key, value in means.items()},
            "raftsmith_minus": {} if name == OURS else {key: _rounded(value) for key, value in ahead.items()},
        }
        rows.append(row)
        shown = " ".join(f"{key} {value['value']:.3f}" for key, value in row["measures"].items())
        print(f"{questioned.name} {size} {name}: {row['chunks']} chunks, {shown}", file=sys.stderr, flush=True)
    return rows


def _rounded(interval: Any) -> dict[str, float]:
    return {key: round(value, 4) for key, value in asdict(interval).items()}


def speed(data: Path, acts: int, encoder: Encoder) -> dict[str, Any]:
    """How fast each splitter cuts `acts` whole acts into chunks of the larger size; the median of interleaved rounds."""
    questioned = SETS["irish_acts, numbers"](data, acts, 0, 0)
    tokens = Tokens()
    places = [tokens.place(document, blocks) for document, blocks in questioned.documents]
    words = ChunkOptions(150, skip_sections=())
    seconds: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        by_name = splitters(SIZES[-1], encoder)  # anew: semchunk remembers what it has counted
        by_name[f"{OURS}, measured in words"] = lambda place: chunk_document(place.document, place.blocks, words)
        for name, split in by_name.items():
            started = time.monotonic()
            for place in places:
                split(place)
            seconds.setdefault(name, []).append(time.monotonic() - started)
    megabytes = questioned.characters / 1e6
    rows = [
        {"splitter": name, "megabytes_per_s": round(megabytes / sorted(spent)[ROUNDS // 2], 3)}
        for name, spent in seconds.items()
    ]
    texts = [chunk.text for place in places for chunk in splitters(SIZES[-1], encoder)[OURS](place)][:600]
    encoded = sum(map(len, texts)) / 1e6
    started = time.monotonic()
    encoder.encode(texts)
    rows.append({"splitter": "(encoding)", "megabytes_per_s": round(encoded / (time.monotonic() - started), 3)})
    return {"environment": environment(), "documents": acts, "megabytes": round(megabytes, 2), "rounds": ROUNDS, "rows": rows}


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--sets", nargs="*", choices=SETS, default=list(SETS), help="which sets; all by default")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="tokens a chunk")
    parser.add_argument("--speed", action="store_true", help="measure how fast documents are cut as well")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--json", type=Path, help="what is measured now replaces the same sets and sizes in it")
    arguments = parser.parse_args()
    encoder = load_encoder(ENCODER_MODEL)
    vectorizer = Vectorizer(encoder)
    result = {"sets": {}}
    if arguments.json and arguments.json.exists():
        result = json.loads(arguments.json.read_text(encoding="utf-8"))

    def keep() -> None:
        if arguments.json:
            arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")

    for name in arguments.sets:
        questioned = SETS[name](arguments.data, *AMOUNTS[name.partition(",")[0]], arguments.seed)
        before = result["sets"].get(name, {}).get("rows", [])
        for size in arguments.sizes:
            before = [row for row in before if row["tokens"] != size] + measured(questioned, size, vectorizer)
            result["sets"][name] = {
                "about": questioned.about,
                "documents": len(questioned.documents),
                "characters": questioned.characters,
                "questions": len(questioned.questions),
                "environment": environment(),
                "rows": sorted(before, key=lambda row: int(row["tokens"])),
            }
            keep()
    if arguments.speed:
        result["speed"] = speed(arguments.data, 12, encoder)
        print(json.dumps(result["speed"]["rows"]), file=sys.stderr)
        keep()


AMOUNTS = {"medquad": (60, 240), "irish_acts": (12, 300), "legal_plain_summ": (60, 400)}
"""Documents and questions a set: what two cores encode in a few minutes a size."""


if __name__ == "__main__":
    main()
