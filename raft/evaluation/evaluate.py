"""A dataset's held-out questions answered by base and runs, judged, and reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from corpora.progress import Count, Say, quiet, uncounted
from raft.answering.options import AskOptions
from retrieval.model_options import ModelOptions

if TYPE_CHECKING:
    from corpora.workspace.workspace import Workspace


def evaluate_runs(
    workspace: Workspace,
    dataset: str,
    runs: Sequence[str] = (),
    report_name: str | None = None,
    limit: int | None = None,
    say: Say = quiet,
    progress: Count = uncounted,
) -> tuple[dict[str, Any], str]:
    """Evaluate, write the report, and give its JSON and its table with the verdicts.

    `say` gets warnings and what is loaded, `progress` how many of the answers are made.
    """
    from corpora.workspace.run_folder import run_config
    from raft.answering.open_assistant import open_assistant
    from raft.evaluation.arms import as_json, held_out
    from raft.evaluation.arms import evaluate as judge_arms
    from raft.evaluation.report import table, verdict, write_report
    from raft.evaluation.rows import BASE_ARM
    from raft.examples.dataset import read_dataset
    from retrieval.search.collection import open_collection

    data = read_dataset(workspace.dataset(dataset))
    test_questions = held_out(data.questions, limit)
    for run in runs:
        trained_on = run_config(workspace, run)["dataset_digest"]
        if trained_on != data.digest:
            say(f"warning: {run} was trained on another dataset; its training documents may be among the held-out ones")
    collected = open_collection(workspace, say)
    names: list[str | None] = [None, *runs]
    arms = {run or BASE_ARM: (lambda run=run: open_assistant(workspace, collected.retriever, run, say)) for run in names}
    evaluation = judge_arms(test_questions, collected.retriever, arms, progress)
    facts = {
        "dataset": f"{data.name} ({data.digest[:16]})",
        "questions": f"{len(test_questions)} of the test split",
        "base": workspace.options(ModelOptions).base,
        "encoder": collected.encoder.name,
        "passages": workspace.options(AskOptions).passages,
        "snapshot": collected.store.snapshot,
    }
    folder = workspace.report(report_name or dataset)
    write_report(folder, evaluation, facts)
    verdicts = [verdict(evaluation, run) for run in runs]
    value = {"report": str(folder), **as_json(evaluation), "verdicts": dict(zip(runs, verdicts, strict=True))}
    return value, "\n\n".join([table(evaluation.measures), *verdicts, f"report: {folder}/report.md, {folder}/report.png"])
