"""The demo: index the sample collections, ask, generate, tune, evaluate, ask again. For the command `demo`.

Composes what the other commands are made of and times each stage; every stage that is already done is not done again.
"""

from __future__ import annotations

import json
import resource
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from corpora.commands.terminal import Progress, say
from corpora.durable_files import write_json
from corpora.errors import RaftsmithError
from corpora.workspace.workspace import Workspace, create_workspace, open_workspace
from raft.answering.open_assistant import open_assistant
from raft.evaluation.evaluate import evaluate_runs
from raft.examples.generate import generate_dataset
from raft.records import Answer
from raft.training.train import train_run
from retrieval.indexing.add_paths import add_paths
from retrieval.search.collection import open_collection
from serving.answer_text import as_text
from serving.configuration import SECTIONS

SAMPLES = Path(__file__).resolve().parent.parent / "corpora" / "samples"
COLLECTIONS = ("medical", "legal")
NAME = "demo"
FIRST_QUESTION = "How many days does a GDPR controller have to report a personal data breach?"
# Chosen by experiment to end within 25 minutes on two slow cores; DECISIONS.md has the figures.
RECIPE: dict[str, Any] = {"adapter": "lora", "max_examples": 250, "max_validation_examples": 12, "evaluations": 2}
QUICK: dict[str, Any] = {"adapter": "lora", "max_examples": 24, "max_validation_examples": 8, "evaluations": 1}
QUESTIONS = 48
T = TypeVar("T")


class _Stages:
    """Runs stages and keeps their wall-clock seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._started = time.monotonic()

    def run(self, name: str, title: str, work: Callable[[], T]) -> T:
        """Do `work` under a headline and note how long it took."""
        say(f"\n== {title}  [{self.total / 60:.1f} min so far]")
        started = time.monotonic()
        result = work()
        self.seconds[name] = round(time.monotonic() - started, 1)
        return result

    @property
    def total(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self._started


def run_demo(folder: Path, quick: bool) -> tuple[dict[str, Any], str]:
    """Run the quickstart in `folder`, and give its figures and the closing text. Raises RaftsmithError."""
    if not (SAMPLES / "medical").is_dir():
        raise RaftsmithError(
            f"the sample collections are not in {SAMPLES}; run the demo from a checkout, or `raftsmith add` your own files"
        )
    workspace = _workspace(folder)
    stages = _Stages()
    stages.run(
        "index", "Indexing the sample collections (112 documents: Markdown, HTML, text, DOCX, PDF)", lambda: _index(workspace)
    )
    first = stages.run(
        "first_answer", f"Asking the base model at once: {FIRST_QUESTION}", lambda: _ask(workspace, [FIRST_QUESTION], None)
    )
    say(as_text(first[0]))
    files = tuple(SAMPLES / "questions" / f"{name}.json" for name in COLLECTIONS)
    manifest = stages.run("generate", "Making RAFT examples", lambda: generate_dataset(workspace, files, NAME, say=say))
    say(json.dumps(manifest["counts"]["by_split"]))
    overrides = QUICK if quick else RECIPE
    result = stages.run("train", "Tuning the base model (LoRA)", lambda: _train(workspace, overrides))
    limit = 8 if quick else QUESTIONS
    value, text = stages.run(
        "evaluate",
        f"Measuring on {limit} questions about held-out documents",
        lambda: evaluate_runs(workspace, NAME, (NAME,), NAME, limit, say, Progress("answers")),
    )
    questions = _held_out_questions(workspace)
    answers = stages.run(
        "answers", "Asking the tuned model, one legal and one medical question", lambda: _ask(workspace, questions, NAME)
    )
    report = {
        "workspace": str(workspace.root),
        "seconds": {**stages.seconds, "total": round(stages.total, 1)},
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, 2),
        "training": result,
        "evaluation": value,
        "answers": [asdict(answer) for answer in answers],
    }
    write_json(workspace.report(NAME) / "demo.json", report)
    return report, _closing(workspace, report, text, answers)


def _workspace(folder: Path) -> Workspace:
    if not (folder / "raftsmith.toml").exists():
        create_workspace(folder, SECTIONS)
    return open_workspace(folder)


def _index(workspace: Workspace) -> None:
    for name in COLLECTIONS:
        report = add_paths(workspace, [SAMPLES / name], name, say=say, progress=Progress)
        say(f"{name}: {report.added} added, {report.unchanged} unchanged, {len(report.failed)} failed")


def _ask(workspace: Workspace, questions: list[str], run: str | None) -> list[Answer]:
    collected = open_collection(workspace, say)
    return open_assistant(workspace, collected.retriever, run, say).answer(questions)


def _train(workspace: Workspace, overrides: dict[str, Any]) -> dict[str, Any]:
    folder = workspace.run(NAME)
    record = folder / "run.json"
    if record.exists():
        from corpora.workspace.run_folder import run_config
        from raft.examples.dataset import read_dataset

        if run_config(workspace, NAME)["dataset_digest"] == read_dataset(workspace.dataset(NAME)).digest:
            say("already tuned on this dataset; the run is used as it is")
            result: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
            return result
        shutil.rmtree(folder)
    return train_run(workspace, NAME, NAME, None, overrides, say)


def _held_out_questions(workspace: Workspace) -> list[str]:
    """One legal and one medical question of the test split that can be answered: the first of each by id."""
    from raft.examples.dataset import read_dataset

    test_questions = [
        item.question
        for item in read_dataset(workspace.dataset(NAME)).questions
        if item.split == "test" and item.question.answerable
    ]
    return [
        next(question.text for question in test_questions if question.id.startswith(f"{name}/"))
        for name in ("legal", "medical")
    ]


def _closing(workspace: Workspace, report: dict[str, Any], table: str, answers: list[Answer]) -> str:
    seconds = report["seconds"]
    stages = ", ".join(f"{name.replace('_', ' ')} {value:.0f} s" for name, value in seconds.items())
    transcript = "\n\n".join(f"Q: {answer.question}\nA: {as_text(answer)}" for answer in answers)
    root = workspace.root
    return f"""
{table}

{transcript}

Time: {stages}. Peak memory: {report["peak_memory_gb"]:.1f} GB.

How to go on:
  raftsmith ask "your question" --run {NAME} --workspace {root}
  raftsmith serve --run {NAME} --workspace {root}      an OpenAI-compatible endpoint on 127.0.0.1
  raftsmith init my-collection && cd my-collection      your own documents: add, generate, train, evaluate
"""
