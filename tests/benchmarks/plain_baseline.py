"""Is the base model held back by the RAFT prompt? The demo's questions and passages, asked plainly.

    python tests/benchmarks/plain_baseline.py demo-workspace --limit 56 --json tests/benchmarks/results/plain_baseline.json

The base model gets the same passages with the instruction to answer in a few words: no markers, no numbers, no search order.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from environment import environment

from corpora.workspace.workspace import open_workspace
from raft.answering.assistant import Assistant
from raft.answering.open_assistant import open_assistant
from raft.evaluation.arms import evaluate, held_out
from raft.evaluation.rows import BASE_ARM
from raft.examples.dataset import read_dataset
from raft.prompts.format import Prompt
from retrieval.records import SearchResult
from retrieval.search.collection import open_collection

PLAIN = "Answer the question from the documents in a few words."


class PlainAssistant(Assistant):
    """The assistant with the plainest prompt."""

    def prompt(self, question: str, result: SearchResult) -> Prompt:
        """Documents and question, nothing else."""
        documents = tuple((f"{hit.chunk.title}:", hit.chunk.text) for hit in result.hits)
        return Prompt(PLAIN, documents, f"\nQuestion: {question}")


def main() -> None:
    """Ask plainly and keep the measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--dataset", default="demo")
    parser.add_argument("--limit", type=int, default=56)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    workspace = open_workspace(arguments.workspace)
    held = held_out(read_dataset(workspace.dataset(arguments.dataset)).questions, arguments.limit)
    collected = open_collection(workspace)

    def plain() -> Assistant:
        usual = open_assistant(workspace, collected.retriever, None)
        return PlainAssistant(
            **{name: getattr(usual, name) for name in ("searcher", "engine", "run", "passages", "max_tokens")}
        )

    evaluation = evaluate(held, collected.retriever, {BASE_ARM: plain})
    measures = {measure.name: measure.arms[BASE_ARM] for measure in evaluation.measures}
    kept = {name: asdict(value) if value else None for name, value in measures.items()}
    print(json.dumps({name: kept[name] for name in ("token F1", "exact match")}))
    if arguments.json:
        arguments.json.write_text(
            json.dumps({"environment": environment(), "n": evaluation.n, "measures": kept}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
