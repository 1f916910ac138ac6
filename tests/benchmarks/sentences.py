"""Where sentences end, told by raftsmith and three libraries, against marks made by hand on real law and medicine.

    python tests/benchmarks/sentences.py --json tests/benchmarks/results/sentences.json

80 passages of up to 1,500 characters from five kinds of text in the shared folder: NIH answers, abstracts, a state's code, acts,
contracts; half of them drawn among those with short dotted words before a capital or a number. `sentence_marks.json` holds
only where sentences begin, and places that have no right answer (a signature block); the texts are read from the shared folder.
The places were marked without seeing what any splitter says, on passages that the rules were not mended on; of the rules only the one on
numbers that open a sentence has been changed since. A stop after a common word and before a capitalised one was taken as an end without
reading.
A number or letter of a list belongs to what follows it, and the members of an enumeration within a sentence are no sentences;
libraries see that differently, so the score is also given without the places beside such numbers.

Peers are measured where they are installed: `pip install --no-deps syntok pysbd blingfire regex`.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib.util
import json
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from environment import environment

from corpora.text.sentences import sentence_spans

HERE = Path(__file__).resolve().parent
MARKS = HERE / "sentence_marks.json"
PASSAGE = 1500
ROUNDS = 3
_NUMBER_BEFORE = re.compile(r"(?:^|[\s“\"])\(?(?:\d{1,3}[A-Z]{0,2}|[A-Za-z]|[ivxIVX]+)(?:\.\d+)*[.)]\s+$")
_NUMBER_AFTER = re.compile(r"(?:\(?(?:\d{1,3}[A-Z]?|[A-Za-z]{1,2}|[ivx]+)\)|(?:\d{1,3}|[a-z]|[ivx]+)\.)\s")


def one_line(text: str) -> str:
    """White space as single spaces."""
    return " ".join(text.split())


def passages(data: Path) -> dict[tuple[str, str], str]:
    """Every text that a mark may be about: `(kind, id)` → text on one line."""

    def rows(path: str) -> Iterator[dict[str, Any]]:
        with gzip.open(data / path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)

    found = {("medquad", row["id"]): one_line(row["answer"]) for row in rows("medquad/medquad_answered.jsonl.gz")}
    found |= {("dc_code", row["_id"]): one_line(row["text"]) for row in rows("dc_code/sections.jsonl.gz")}
    for row in rows("irish_acts/acts_2018on.jsonl.gz"):
        lines = enumerate(row["text"].split("\n"))
        found |= {("irish_acts", f"{row['_id']}:{number}"): one_line(line.replace("*", "")) for number, line in lines}
    with gzip.open(data / "pubmedqa_train" / "pqal_train.json.gz", "rt", encoding="utf-8") as file:
        found |= {("pubmedqa", key): one_line(" ".join(row["CONTEXTS"])) for key, row in json.load(file).items()}
    for path in sorted((data / "realdocs" / "txt").glob("*.txt")):
        text = one_line(path.read_text(encoding="utf-8", errors="replace"))
        found |= {("contracts", f"{path.name}:{start}"): text[start:] for start in range(0, len(text), 2500)}
    return {key: text[:PASSAGE] for key, text in found.items()}


def by_raftsmith(text: str) -> set[int]:
    """Where sentences begin, but for the first."""
    return {start for start, _ in sentence_spans(text)[1:]}


def by_syntok(text: str) -> set[int]:
    """syntok.segmenter."""
    from syntok import segmenter

    return set(sorted(sentence[0].offset for paragraph in segmenter.analyze(text) for sentence in paragraph)[1:])


def by_pysbd(text: str) -> set[int]:
    """pysbd for English, with character spans."""
    import pysbd

    spans = pysbd.Segmenter(language="en", clean=False, char_span=True).segment(text)
    return {span.start + len(span.sent) - len(span.sent.lstrip()) for span in spans} - {0}


def by_blingfire(text: str) -> set[int]:
    """blingfire's sentence offsets."""
    import blingfire

    _, offsets = blingfire.text_to_sentences_and_offsets(text)
    return {start for start, _ in offsets[1:]}


SPLITTERS: dict[str, Callable[[str], set[int]]] = {"syntok": by_syntok, "pysbd": by_pysbd, "blingfire": by_blingfire}


def beside_number(text: str, place: int) -> bool:
    """True when the number or letter of a list ends, or begins, at `place`."""
    return bool(_NUMBER_BEFORE.search(text[max(0, place - 12) : place]) or _NUMBER_AFTER.match(text, place))


def scores(counts: dict[str, int]) -> dict[str, float]:
    """Precision, recall and F1 of `right`, `wrong` and `missed`."""
    right = counts["right"]
    precision = right / (right + counts["wrong"] or 1)
    recall = right / (right + counts["missed"] or 1)
    f1 = 2 * precision * recall / (precision + recall or 1)
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4), **counts}


def counted(split: Callable[[str], set[int]], marked: list[tuple[str, dict[str, Any]]], numbers: bool) -> dict[str, int]:
    """How many places are right, wrong and missed; places beside numbers count when `numbers`."""
    counts = dict.fromkeys(("right", "wrong", "missed"), 0)
    for text, mark in marked:
        left_out = {*mark["unclear"], *(() if numbers else (p for p in range(len(text)) if beside_number(text, p)))}
        found, wanted = split(text) - left_out, set(mark["starts"]) - left_out
        counts["right"] += len(found & wanted)
        counts["wrong"] += len(found - wanted)
        counts["missed"] += len(wanted - found)
    return counts


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HERE.parents[2] / "shared" / "data")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    texts = passages(arguments.data)
    marked = []
    for mark in json.loads(MARKS.read_text(encoding="utf-8")):
        text = texts[mark["kind"], mark["id"]]
        if hashlib.sha256(text.encode()).hexdigest()[:12] != mark["sha256"]:
            sys.exit(f"{mark['kind']} {mark['id']} is not the text that was marked; get the shared data as it was")
        marked.append((text, mark))
    names = {"raftsmith": by_raftsmith}
    names |= {name: split for name, split in SPLITTERS.items() if importlib.util.find_spec(name)}
    warnings.simplefilter("ignore")  # pysbd's patterns
    size = sum(len(text) for text, _ in marked) / 1e6
    rows = []
    for name, split in names.items():
        split("Load. Once.")
        seconds = []
        for _ in range(ROUNDS):
            started = time.monotonic()
            for text, _ in marked:
                split(text)
            seconds.append(time.monotonic() - started)
        row = {
            "splitter": name,
            "all": scores(counted(split, marked, numbers=True)),
            "not_beside_numbers": scores(counted(split, marked, numbers=False)),
            "kinds": {
                kind: scores(counted(split, [pair for pair in marked if pair[1]["kind"] == kind], numbers=True))
                for kind in dict.fromkeys(mark["kind"] for _, mark in marked)
            },
            "megabytes_per_s": round(size / sorted(seconds)[ROUNDS // 2], 3),
        }
        rows.append(row)
        print(json.dumps(row))
    result = {"environment": environment(), "passages": len(marked), "characters": round(size * 1e6), "rows": rows}
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
