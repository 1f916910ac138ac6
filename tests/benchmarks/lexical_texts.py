"""As many chunk texts of law and medicine as are wanted: those of real acts, statutes, answers and abstracts, and then new ones of their
sentences, three of one set drawn at random, so that words keep the company and the frequencies that they have.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator

from judged_sets import DATA

from corpora.records import Chunk, Document, content_id
from corpora.store.changes import NewDocument
from corpora.text.sentences import sentence_spans

SETS = ("irish_acts", "dc_code", "medquad", "pubmedqa")
SENTENCES = 3
CHUNKS = 20
"""A document."""
GROUPS = 100
"""Each document is for one group of readers, and has a fact "group" that says the same."""
LONGEST = 900
"""Characters of a sentence: tables and lists without full stops are no sentences."""


def sentences(name: str) -> list[str]:
    """The sentences of a set, in order."""
    texts = {
        "irish_acts": lambda: [row["text"] for row in _lines("irish_acts/acts_2018on.jsonl.gz")],
        "dc_code": lambda: [row["text"] for row in _lines("dc_code/sections.jsonl.gz")],
        "medquad": lambda: list(dict.fromkeys(row["answer"] for row in _lines("medquad/medquad_answered.jsonl.gz"))),
        "pubmedqa": lambda: ["\n\n".join(row["CONTEXTS"]) for row in _lines("pubmedqa_train/pqal_train.json.gz")[0].values()],
    }[name]()
    found = []
    for text in texts:
        found += [" ".join(text[start:end].split()) for start, end in sentence_spans(text)]
    return [sentence for sentence in found if 20 <= len(sentence) <= LONGEST]


def chunk_texts(count: int, seed: int = 0) -> Iterator[tuple[str, str, bool]]:
    """`(set, text, whether it is a real passage)`: all real passages first, or those of `count` that are first."""
    pools = {name: sentences(name) for name in SETS}
    made = 0
    for name, pool in pools.items():
        for first in range(0, len(pool), SENTENCES):
            if made == count:
                return
            yield name, " ".join(pool[first : first + SENTENCES]), True
            made += 1
    draw = random.Random(seed)
    names, weights = list(pools), [len(pool) for pool in pools.values()]
    for _ in range(count - made):
        (name,) = draw.choices(names, weights)
        yield name, " ".join(draw.choices(pools[name], k=SENTENCES)), False


def document(number: int, texts: list[str], title: str = "") -> NewDocument:
    """A document with these chunks, as `CorpusStore.commit` takes it; without vectors."""
    text = "\n\n".join(texts)
    group = f"group{number % GROUPS}"
    identity = content_id("document", str(number), text)
    source = f"{number}.txt"
    whole = Document(identity, "default", title, "text/plain", text, source, identity, {"group": group}, (group,))
    chunks, start = [], 0
    for place, part in enumerate(texts):
        end = start + len(part)
        chunks.append(
            Chunk(content_id(identity, str(place)), identity, start, end, part, title, "", source, "default", None, place)
        )
        start = end + 2
    return NewDocument(whole, chunks, identity, "three sentences", "", 0, stratum="all")


def windows(found: list[str]) -> list[str]:
    """Passages of three sentences."""
    return [" ".join(found[first : first + SENTENCES]) for first in range(0, len(found), SENTENCES)]


def _lines(name: str) -> list[dict[str, dict[str, str]]]:
    with gzip.open(DATA / name, "rt", encoding="utf-8") as handle:
        return (
            [json.loads(line) for line in handle.read().split("\n") if line.strip()] if "jsonl" in name else [json.load(handle)]
        )
