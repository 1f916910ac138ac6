"""The vectors of the dense-index benchmark: real MiniLM vectors, and as many more of their shape as are asked for.

    python tests/benchmarks/dense_vectors.py encode --folder /tmp/dense --seconds 300   # goes on where it stopped
    python tests/benchmarks/dense_vectors.py mix --folder /tmp/dense --count 1000000
    python tests/benchmarks/dense_vectors.py shape --folder /tmp/dense --json tests/benchmarks/results/dense_vectors.json

Encoding a million sentences takes hours on two cores. So some tens of thousands of real sentences are encoded, and a made vector is
one of them moved towards a random combination of its own real neighbours: it stays on the real vectors' local surface. How far it
moves, and how many neighbours it is drawn from, is fitted by comparing a held-out half of the real vectors with vectors made from
the other half, by what makes search hard: the local intrinsic dimension, how near the neighbours of real questions are, and the recall
of one and the same graph index. The queries are real, and held out.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from environment import environment

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

DATA = ROOT.parent / "shared" / "data"
DIMENSION = 384
QUERIES = 2_000
BATCH = 2048
SEED = 7

Vectors = npt.NDArray[np.float32]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    data = path.read_bytes()
    for line in (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines():
        yield json.loads(line)


def _documents() -> Iterator[str]:
    for name, field in (
        ("medquad/medquad_answered", "answer"),
        ("irish_acts/acts_2018on", "text"),
        ("dc_code/sections", "text"),
    ):
        for row in _lines(DATA / f"{name}.jsonl.gz"):
            yield row[field]
    for row in _lines(DATA / "privacyqa_test/rerank.jsonl.gz"):
        yield from (candidate["text"] for candidate in row["candidates"])
    for row in json.loads(gzip.decompress((DATA / "pubmedqa_train/pqal_train.json.gz").read_bytes())).values():
        yield from row["CONTEXTS"]


def sentences() -> list[str]:
    """Distinct sentences of 8 to 60 words, in an order drawn once."""
    from corpora.text.sentences import sentence_spans

    found = {
        text
        for document in _documents()
        for start, end in sentence_spans(document)
        if 8 <= len((text := " ".join(document[start:end].split())).split()) <= 60
    }
    ordered = sorted(found)
    random.Random(SEED).shuffle(ordered)
    return ordered


def questions() -> list[str]:
    """Distinct real questions and headings, in an order drawn once."""
    found = {row["question"] for row in _lines(DATA / "medquad/medquad_answered.jsonl.gz")}
    found |= {row["question"] for row in _lines(DATA / "privacyqa_test/rerank.jsonl.gz")}
    found |= {row["text"] for row in _lines(DATA / "dc_code/queries_heading.jsonl")}
    found |= {row["text"] for row in _lines(DATA / "legal_plain_summ/queries.jsonl")}
    found |= {row["question"] for row in _lines(DATA / "medmcqa_dev/dev.jsonl.gz")}
    ordered = sorted(found)
    random.Random(SEED).shuffle(ordered)
    return ordered[:QUERIES]


def encode(folder: Path, seconds: float) -> None:
    """Add encoded sentences to `real.npy` for about `seconds`; `queries.npy` comes first."""
    from retrieval.encoders.loading import load_encoder
    from retrieval.model_folders import ENCODER_MODEL

    started = time.monotonic()
    encoder = load_encoder(ENCODER_MODEL)
    if not (folder / "queries.npy").exists():
        np.save(folder / "queries.npy", encoder.encode(questions()))
    texts = sentences()
    done = np.load(folder / "real.npy") if (folder / "real.npy").exists() else np.empty((0, DIMENSION), np.float32)
    parts, count = [done], len(done)
    while count < len(texts) and time.monotonic() - started < seconds:
        parts.append(encoder.encode(texts[count : count + BATCH]))
        count += len(parts[-1])
    np.save(folder / "real.npy", np.concatenate(parts))
    print(f"{count:,} of {len(texts):,} sentences, {time.monotonic() - started:.0f} s")


@dataclass(frozen=True)
class Mixing:
    """A made vector is `seed + spread * sum(w_j * (neighbour_j - seed))`, w normal with variance 1 / neighbours, put on the sphere."""

    neighbours: int
    spread: float


MIXING = Mixing(neighbours=32, spread=0.7)


def mixed(real: Vectors, count: int, mixing: Mixing, seed: int = SEED, block: int = 20_000) -> Iterator[Vectors]:
    """`count` made vectors, float32, in blocks; every real vector is the seed of equally many (plus or minus one)."""
    import faiss

    _, near = faiss.knn(real, real, mixing.neighbours + 1, faiss.METRIC_INNER_PRODUCT)
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(len(real)) for _ in range(-(-count // len(real)))])[:count]
    for start in range(0, count, block):
        seeds = order[start : start + block]
        weights = rng.standard_normal((len(seeds), mixing.neighbours)).astype(np.float32) / np.sqrt(mixing.neighbours)
        made = real[seeds] * (1 - mixing.spread * weights.sum(axis=1, keepdims=True))
        for column in range(mixing.neighbours):
            made += (mixing.spread * weights[:, column : column + 1]) * real[near[seeds, column + 1]]
        yield made / np.linalg.norm(made, axis=1, keepdims=True)


def shape(vectors: Vectors, queries: Vectors) -> dict[str, float]:
    """What makes these vectors hard to search.

    `dimension_stored` and `dimension_questions`: the maximum-likelihood intrinsic dimension over 20 neighbours (Levina and Bickel, 2004), of
    stored vectors and of questions; cosines of the first and tenth neighbour; recall@10 of an HNSW graph (16 links, construction 100) at two
    efforts, for the questions.
    """
    import faiss

    def dimension(scores: npt.NDArray[Any]) -> float:
        distances = np.sqrt(np.maximum(2 - 2 * scores, 1e-9))
        return float(1 / np.mean(np.log(distances[:, -1:] / distances[:, :-1]).mean(axis=1)))

    scores, truth = faiss.knn(queries, vectors, 20, faiss.METRIC_INNER_PRODUCT)
    probes = vectors[:: max(1, len(vectors) // 1000)]
    own, _ = faiss.knn(probes, vectors, 21, faiss.METRIC_INNER_PRODUCT)
    graph = faiss.IndexHNSWFlat(vectors.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = 100
    graph.add(vectors)
    found = {}
    for effort in (16, 64):
        graph.hnsw.efSearch = effort
        _, rows = graph.search(queries, 10)
        hits = sum(len(np.intersect1d(*pair)) for pair in zip(rows, truth[:, :10], strict=True))
        found[f"hnsw_recall_at_effort_{effort}"] = hits / (10 * len(queries))
    return {
        "dimension_stored": dimension(own[:, 1:]),
        "dimension_questions": dimension(scores),
        "question_first_cosine": float(scores[:, 0].mean()),
        "question_tenth_cosine": float(scores[:, 9].mean()),
        "stored_first_cosine": float(own[:, 1].mean()),
        "stored_tenth_cosine": float(own[:, 10].mean()),
        **found,
    }


def whole(folder: Path, count: int) -> Path:
    """`vectors-COUNT.npy`: all real vectors, then made ones, float32; made once, in blocks."""
    path = folder / f"vectors-{count}.npy"
    if path.exists():
        return path
    real = np.load(folder / "real.npy")[:count]
    partial = path.with_suffix(".partial.npy")
    vectors = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float32, shape=(count, DIMENSION))
    vectors[: len(real)] = real
    filled = len(real)
    for block in mixed(real, count - len(real), MIXING):
        vectors[filled : filled + len(block)] = block
        filled += len(block)
    vectors.flush()
    partial.rename(path)
    return path


def compared(folder: Path) -> dict[str, Any]:
    """The shape of one half of the real vectors, and of as many vectors made from the other half, or from a tenth of it."""
    real, queries = np.load(folder / "real.npy"), np.load(folder / "queries.npy")
    order = np.random.default_rng(SEED).permutation(len(real))
    seeds, held_out = real[order[: len(real) // 2]], real[order[len(real) // 2 :]]
    rows = {"real, held out": shape(held_out, queries)}
    for name, used in (("made, one a seed", seeds), ("made, ten a seed", seeds[: len(seeds) // 10])):
        rows[name] = shape(np.concatenate(list(mixed(used, len(held_out), MIXING))), queries)
    return {"mixing": asdict(MIXING), "real_vectors": len(real), "queries": len(queries), "each": len(held_out), "shapes": rows}


def main() -> None:
    """One step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("encode", "mix", "shape"))
    parser.add_argument("--folder", type=Path, default=Path("/tmp/dense"))
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.step == "encode":
        encode(given.folder, given.seconds)
    elif given.step == "mix":
        print(whole(given.folder, given.count))
    else:
        result = json.dumps({"environment": environment(), **compared(given.folder)}, indent=1)
        print(result)
        if given.json:
            given.json.write_text(result + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
