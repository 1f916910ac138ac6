"""The demo's recipe, unchanged, on a collection that nobody wrote for it: the RAFT paper's Hugging Face set of APIBench.

    python tests/benchmarks/shared_collection.py --dir shared-collection --json tests/benchmarks/results/shared_collection.json

The 936 API records become text files, the 911 questions of its evaluation set become SQuAD JSON whose answer is the API call, and
the command line does the rest: add, generate, train, evaluate. Splits are by document, so the test records were never trained on.
Needs the folder of data sets (`--data`, default `../shared/data`).
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from environment import environment

ROOT = Path(__file__).resolve().parents[2]


def write_collection(data: Path, target: Path) -> None:
    """Records as text files under `target/documents`, questions as `target/questions.json`."""
    folder = data / "raft_apibench"
    with gzip.open(folder / "huggingface_api.jsonl.gz", "rt", encoding="utf-8") as handle:
        records = [json.loads(line) for line in handle]
    with gzip.open(folder / "huggingface_eval.json.gz", "rt", encoding="utf-8") as handle:
        text = handle.read()
    asked = (
        json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line.strip()]
    )
    (target / "documents").mkdir(parents=True, exist_ok=True)
    names: dict[str, str] = {}
    for number, record in enumerate(records):
        call = " ".join(record["api_call"].split())
        if call in names:
            continue  # the same call recorded twice: two right documents would be one too many
        names[call] = f"api-{number:04d}"
        lines = [record["api_name"], "=" * len(record["api_name"]), "", " ".join(record["description"].split()), ""]
        lines += [f"It is used for {record['functionality']} in the domain {record['domain']}.", "", _sentence(call)]
        (target / "documents" / f"{names[call]}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    articles = []
    for number, row in enumerate(asked):
        call = " ".join(row["api_call"].split())
        question = re.search(r"Instruction'?\"?:\s*(.*?)(?:\n\s*###|###Output|, 'Output'|$)", row["code"], re.S)
        if call in names and question and question[1].strip():
            context = _sentence(call)
            item = {
                "id": f"apibench/{number}",
                "question": " ".join(question[1].split()),
                "answers": [{"text": call, "answer_start": context.index(call)}],
                "is_impossible": False,
                "evidence": [{"document": names[call], "text": context}],
            }
            articles.append({"title": names[call], "paragraphs": [{"context": context, "qas": [item]}]})
    (target / "questions.json").write_text(json.dumps({"version": "v2.0", "data": articles}), encoding="utf-8")
    print(f"{len(names)} documents, {len(articles)} questions", file=sys.stderr)


def _sentence(call: str) -> str:
    return f"The API call is {call}."


def main() -> None:
    """Write the collection, run the command line over it, keep the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--limit", type=int, default=64)
    parser.add_argument("--chunk-words", type=int, default=20, help="chunks.max_words; the demo's is 20, about a sentence")
    parser.add_argument("--examples", type=int, default=250, help="training examples; the demo has 250")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if not (arguments.data / "raft_apibench").is_dir():
        sys.exit(f"{arguments.data} has no raft_apibench; give the folder of data sets with --data")
    write_collection(arguments.data, arguments.dir)
    workspace = arguments.dir / "workspace"

    def raftsmith(*words: str) -> dict[str, Any]:
        started = time.monotonic()
        command = [sys.executable, "-m", "serving.main", *words, "--json"]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout
        seconds[words[0]] = round(time.monotonic() - started, 1)
        value: dict[str, Any] = json.loads(output)
        return value

    seconds: dict[str, float] = {}
    place = ("--workspace", str(workspace))
    if not (workspace / "raftsmith.toml").exists():
        raftsmith("init", str(workspace))
        config = (workspace / "raftsmith.toml").read_text().replace("max_words = 20 ", f"max_words = {arguments.chunk_words} ")
        (workspace / "raftsmith.toml").write_text(config)
    raftsmith("add", str(arguments.dir / "documents"), *place)
    manifest = raftsmith("generate", "--from-qa", str(arguments.dir / "questions.json"), "--name", "shared", *place)
    training = raftsmith(
        "train",
        "--dataset",
        "shared",
        "--run",
        "shared",
        "--adapter",
        "lora",
        "--max-examples",
        str(arguments.examples),
        *place,
    )
    evaluation = raftsmith("evaluate", "--dataset", "shared", "--run", "shared", "--limit", str(arguments.limit), *place)
    result = {
        "environment": environment(),
        "chunk_words": arguments.chunk_words,
        "seconds": seconds,
        "counts": manifest["counts"],
        "abstention": manifest["abstention"],
        "training": {key: value for key, value in training.items() if key != "folder"},
        "evaluation": {key: value for key, value in evaluation.items() if key != "report"},
    }
    print(json.dumps(evaluation["verdicts"]))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
