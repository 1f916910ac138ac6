"""The judged retrieval sets of the data folder, and the samples' own questions, in one form. Sampled with a fixed seed.

Documents come without titles: in most of these sets the title is the query.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora.questions import read_questions
from corpora.readers import read_bytes
from corpora.splits import hashed_position, split_at

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
SAMPLES = ROOT / "corpora" / "samples"


@dataclass(frozen=True)
class RetrievalSet:
    """`documents` id → (title, text), `queries` id → text, `qrels` query id → relevant document ids → grade."""

    name: str
    documents: dict[str, tuple[str, str]]
    queries: dict[str, str]
    qrels: dict[str, dict[str, int]]


def dc_code(documents: int = 700) -> RetrievalSet:
    """Statute sections, found by their headings, which are not in the text."""
    rows = _drawn(_lines("dc_code/sections.jsonl.gz"), documents)
    kept = {row["_id"]: ("", row["text"]) for row in rows}
    return _known_item("dc_code", kept, _lines("dc_code/queries_heading.jsonl"), "dc_code/qrels_heading.tsv")


def irish_acts(documents: int = 2000, held_out_acts: bool = False) -> RetrievalSet:
    """Sections of acts, found by their headings, which are not in the text: those that no other section has.

    They are of three quarters of the acts; `held_out_acts`: of the others.
    """
    sections: list[tuple[str, str, str]] = []
    for act in _lines("irish_acts/acts_2018on.jsonl.gz"):
        if (hashed_position(str(act["_id"])) >= 0.75) != held_out_acts:
            continue
        parts = re.split(r"^##### \d+[A-Z]*\. \*\*(.+?)\*\*\s*$", act["text"], flags=re.M)
        for number, (heading, text) in enumerate(zip(parts[1::2], parts[2::2], strict=True)):
            body = re.sub(r"^#.*$|\*", "", text, flags=re.M).strip()
            if len(body.split()) >= 20:
                sections.append((f"{act['_id']}-{number}", heading.replace("*", ""), body))
    often = Counter(heading for _, heading, _ in sections)
    rows = _drawn([row for row in sections if often[row[1]] == 1], documents)
    kept = {identity: ("", text) for identity, _, text in rows}
    return RetrievalSet(
        "irish_acts_held_out" if held_out_acts else "irish_acts",
        kept,
        {i: heading for i, heading, _ in rows},
        {i: {i: 1} for i, _, _ in rows},
    )


def legal_plain_summ() -> RetrievalSet:
    """Clauses, found by their summaries in plain language of four words and more."""
    kept = {row["_id"]: ("", row["text"]) for row in _lines("legal_plain_summ/corpus.jsonl")}
    asked = [row for row in _lines("legal_plain_summ/queries.jsonl") if len(row["text"].split()) >= 4]
    return _known_item("legal_plain_summ", kept, asked, "legal_plain_summ/qrels.tsv")


def privacyqa() -> RetrievalSet:
    """Sentences of all policies together, found by questions about one of them; what another policy says counts as wrong."""
    documents: dict[str, str] = {}
    queries, qrels = {}, {}
    for row in _lines("privacyqa_test/rerank.jsonl.gz"):
        queries[row["qid"]] = row["question"]
        for candidate in row["candidates"]:
            identity = documents.setdefault(candidate["text"], f"s{len(documents)}")
            if candidate["rel"]:
                qrels.setdefault(row["qid"], {})[identity] = 1
    kept = {identity: ("", text) for text, identity in documents.items()}
    return RetrievalSet("privacyqa", kept, {query: queries[query] for query in qrels}, qrels)


def pubmedqa() -> RetrievalSet:
    """Abstracts without their conclusion, found by the question that is the article's title."""
    rows: dict[str, dict[str, Any]] = json.loads(_text("pubmedqa_train/pqal_train.json.gz"))
    kept = {identity: ("", "\n\n".join(row["CONTEXTS"])) for identity, row in rows.items()}
    queries = {identity: row["QUESTION"] for identity, row in rows.items()}
    return RetrievalSet("pubmedqa", kept, queries, {identity: {identity: 1} for identity in rows})


def medquad(documents: int = 600) -> RetrievalSet:
    """Answers of US health institutes, found by their questions."""
    answers: dict[str, dict[str, Any]] = {}
    for row in _lines("medquad/medquad_answered.jsonl.gz"):
        answers.setdefault(row["answer"], row)
    rows = _drawn(list(answers.values()), documents)
    qrels: dict[str, dict[str, int]] = {}
    asked: dict[str, str] = {}
    for row in rows:
        query = asked.setdefault(row["question"], row["id"])  # asked twice, answered twice: both are right
        qrels.setdefault(query, {})[row["id"]] = 1
    queries = {identity: question for question, identity in asked.items()}
    return RetrievalSet("medquad", {row["id"]: ("", row["answer"]) for row in rows}, queries, qrels)


def apibench(queries_a_hub: int = 150) -> RetrievalSet:
    """API records of three hubs, found by instructions; every record with the right call is right."""
    kept: dict[str, tuple[str, str]] = {}
    queries: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    for hub, asked in (("huggingface", "huggingface"), ("tensorflowhub", "tensorflow"), ("torchhub", "torchhub")):
        calls: dict[str, list[str]] = {}
        for number, record in enumerate(_lines(f"raft_apibench/{hub}_api.jsonl.gz")):
            identity = f"{hub}-{number}"
            kept[identity] = ("", _api_text(record))
            calls.setdefault(record["api_call"], []).append(identity)
        for number, row in enumerate(_drawn(_lines(f"raft_apibench/{asked}_eval.json.gz"), queries_a_hub)):
            question = re.search(r"Instruction'?\"?:\s*(.*?)(?:\n\s*###|###Output|, 'Output'|$)", row["code"], re.S)
            if row["api_call"] in calls and question and question[1].strip():
                queries[f"{hub}-q{number}"] = " ".join(question[1].split())
                qrels[f"{hub}-q{number}"] = dict.fromkeys(calls[row["api_call"]], 1)
    return RetrievalSet("apibench", kept, queries, qrels)


def samples() -> RetrievalSet:
    """The project's own notes, found by its questions about them: only those of the test split, which chose no weight."""
    kept: dict[str, tuple[str, str]] = {}
    queries: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    for field in ("medical", "legal"):
        for path in sorted((SAMPLES / field).iterdir()):
            reading = read_bytes(path.read_bytes(), path.name).readings[0]
            kept[path.stem] = (reading.title or "", "\n\n".join(block.text for block in reading.blocks))
        for question in read_questions(SAMPLES / "questions" / f"{field}.json").questions:
            homes = {evidence.document for evidence in question.evidence} & set(kept)
            if homes and split_at(hashed_position(min(homes))) == "test":
                queries[question.id] = question.text
                qrels[question.id] = dict.fromkeys(sorted(homes), 1)
    return RetrievalSet("samples", kept, queries, qrels)


SETS: dict[str, Callable[[], RetrievalSet]] = {
    "samples": samples,
    "dc_code": dc_code,
    "legal_plain_summ": legal_plain_summ,
    "privacyqa": privacyqa,
    "pubmedqa": pubmedqa,
    "medquad": medquad,
    "apibench": apibench,
}


def write_beir(found: RetrievalSet, folder: Path) -> Path:
    """The set as a BEIR folder."""
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    rows = [{"_id": key, "title": title, "text": text} for key, (title, text) in found.documents.items()]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    asked = [{"_id": key, "text": text} for key, text in found.queries.items()]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in asked))
    lines = [f"{query}\t{item}\t{grade}\n" for query, judged in found.qrels.items() for item, grade in judged.items()]
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(lines))
    return folder


def _api_text(record: dict[str, Any]) -> str:
    names = ("domain", "framework", "functionality", "api_name", "api_call", "description")
    return "\n\n".join(f"{name}: {record[name]}" for name in names if record.get(name))


def _known_item(name: str, kept: dict[str, tuple[str, str]], asked: list[dict[str, Any]], qrels: str) -> RetrievalSet:
    right: dict[str, dict[str, int]] = {}
    for line in _text(qrels).splitlines()[1:]:
        query, document, grade = line.split("\t")
        if document in kept and int(grade) > 0:
            right.setdefault(query, {})[document] = int(grade)
    queries = {row["_id"]: row["text"] for row in asked if row["_id"] in right}
    return RetrievalSet(name, kept, queries, {query: right[query] for query in queries})


def _drawn(rows: list[Any], count: int) -> list[Any]:
    chosen = set(random.Random(0).sample(range(len(rows)), min(count, len(rows))))
    return [row for number, row in enumerate(rows) if number in chosen]


def _lines(name: str) -> list[dict[str, Any]]:
    text = _text(name)
    return (
        json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.split("\n") if line.strip()]
    )


def _text(name: str) -> str:
    path = DATA / name
    with gzip.open(path, "rt", encoding="utf-8") if name.endswith(".gz") else path.open(encoding="utf-8") as handle:
        return handle.read()
