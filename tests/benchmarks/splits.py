"""How evenly groups of documents fall into the splits: by topic, as `add` places them, beside a hash of the cluster alone.

    python tests/benchmarks/splits.py --json tests/benchmarks/results/splits.json

Documents with labels that the placing does not see: titles of the D.C. Code, sources of MedQuAD, the intents of customer messages.
For each label with at least ten documents: how far its share of test documents is from 0.2; the mean over labels and ten orders of
arrival. `away` counts labels with no test document at all.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean

from environment import environment

from corpora.splits import hashed_position, split_at, stratified_position
from retrieval.encoders.encoder import Vectors
from retrieval.encoders.loading import load_encoder
from retrieval.indexing.split_strata import Strata

ROOT = Path(__file__).resolve().parents[2]
LEAST, ORDERS = 10, 10


def read_sets(data: Path, count: int) -> dict[str, list[tuple[str, str]]]:
    """Name → `(text, label)` of a sample of each set."""
    with gzip.open(data / "dc_code" / "sections.jsonl.gz", "rt", encoding="utf-8") as lines:
        code = [(f"{row['heading']} {row['text']}", str(row["title"])) for row in map(json.loads, lines)]
    with gzip.open(data / "medquad" / "medquad_answered.jsonl.gz", "rt", encoding="utf-8") as lines:
        medquad = [(row["answer"], str(row["source"])) for row in map(json.loads, lines)]
    with (data / "bitext_support" / "train.csv").open(encoding="utf-8") as lines:
        messages = [(row["utterance"], row["intent"]) for row in csv.DictReader(lines)]
    draw = random.Random(0)
    return {
        name: draw.sample(of, min(count, len(of)))
        for name, of in (("dc_code", code), ("medquad", medquad), ("bitext", messages))
    }


def unevenness(labels: list[str], splits: list[str]) -> tuple[float, int]:
    """Mean distance of the labels' test shares from 0.2, and how many labels have no test document."""
    tested, counts = Counter(label for label, split in zip(labels, splits, strict=True) if split == "test"), Counter(labels)
    large = [label for label, count in counts.items() if count >= LEAST]
    return mean(abs(tested[label] / counts[label] - 0.2) for label in large), sum(not tested[label] for label in large)


def placed(vectors: Vectors, order: list[int], name: str) -> list[str]:
    """The split of each document when they come in `order`."""
    strata, seen, splits = Strata("c", name, []), defaultdict[str, int](int), [""] * len(order)
    numbers: dict[str, int] = {}
    for row in order:
        stratum = strata.stratum(vectors[row : row + 1])
        number = numbers.setdefault(stratum, len(numbers))
        splits[row] = split_at(stratified_position(number, seen[stratum]))
        seen[stratum] += 1
    return splits


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    encoder = load_encoder("all-MiniLM-L6-v2")
    rows = []
    for name, documents in read_sets(arguments.data, arguments.count).items():
        labels = [label for _, label in documents]
        vectors = encoder.encode([" ".join(text.split()[:60]) for text, _ in documents])
        found: dict[str, list[tuple[float, int]]] = {"topics": [], "hash": []}
        for number in range(ORDERS):
            order = random.Random(number).sample(range(len(documents)), len(documents))
            found["topics"].append(unevenness(labels, placed(vectors, order, encoder.name)))
            hashed = [split_at(hashed_position(f"{number}:{row}")) for row in range(len(documents))]
            found["hash"].append(unevenness(labels, hashed))
        rows.append(
            {
                "set": name,
                "documents": len(documents),
                "labels": sum(count >= LEAST for count in Counter(labels).values()),
                **{f"{way}_unevenness": round(mean(off for off, _ in of), 4) for way, of in found.items()},
                **{f"{way}_away": round(mean(away for _, away in of), 2) for way, of in found.items()},
            }
        )
        print(json.dumps(rows[-1]))
    if arguments.json:
        arguments.json.write_text(json.dumps({"environment": environment(), "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
