"""The command `tune-reranker`: a cross-encoder tuned to the collection, and used only when it wins on documents that it
was not tuned on.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpora.commands.terminal import Progress, emit, say, with_example, workspace_options
from retrieval.commands.judgement_options import source_options
from retrieval.commands.tuning_options import judged_by_document, schedule_options, source_in_workspace

if TYPE_CHECKING:
    from retrieval.tuning.reranker_tuning import TunedReranker


@click.command("tune-reranker", **with_example("raftsmith tune-reranker --questions questions.json --run reranker --write"))
@source_options
@click.option(
    "--run", "run_name", default="reranker", show_default=True, help="Name of the run's folder; the same run goes on."
)
@click.option(
    "--base",
    help="A cross-encoder with one output, or an encoder, which gets a new head: a folder or a hub id. Default: the collection's encoder.",
)
@schedule_options(learning_rate=1e-4)
@click.option("--write", is_flag=True, help="When it wins, name it with its weight in raftsmith.toml.")
@workspace_options
def tune_reranker(
    run_name: str,
    base: str | None,
    epochs: int,
    learning_rate: float,
    batch_pairs: int,
    write: bool,
    workspace_folder: Path | None,
    as_json: bool,
    **source: Any,
) -> None:
    """Tune a reranker to the collection with questions whose answers are known, and say whether search is worth more
    with it.

    It reads the first search.rerank_depth hits together with the query, which finds more and takes longer; the verdict
    says how much. Training, validation and test queries are about different documents. Until it has won on the test
    queries by more than noise, and --write is given, raftsmith.toml stays as it is. Writes runs/NAME. What was
    interrupted starts again from the same command, with the verdict where training was complete.
    """
    from retrieval.tuning.adoption import adopt_reranker, tune_workspace_reranker
    from retrieval.tuning.cross_encoder_training import CrossEncoderOptions
    from retrieval.tuning.reranker_tuning import RerankerOptions

    judgement_source, workspace = source_in_workspace(source, workspace_folder)
    chosen = CrossEncoderOptions(epochs=epochs, learning_rate=learning_rate, batch_pairs=batch_pairs)
    with judged_by_document(judgement_source, workspace) as judged_index:
        tuned = tune_workspace_reranker(judged_index, workspace, run_name, base, RerankerOptions(chosen), say, Progress)
    written = write and tuned.better
    if written:
        adopt_reranker(workspace, tuned)
    emit(_value(tuned, written), as_json, _text(tuned, written, write))


def _value(tuned: TunedReranker, written: bool) -> dict[str, Any]:
    return {
        "run": tuned.run.name,
        "model": str(tuned.run.model) if tuned.trained.epoch else None,
        "base": tuned.run.base,
        "better": tuned.better,
        "written": written,
        "trained": asdict(tuned.trained),
        "gain": {**asdict(tuned.gain), "relative": tuned.gain.relative} if tuned.gain else None,
        "milliseconds": asdict(tuned.latency) if tuned.latency else None,
        "verdict": tuned.verdict,
    }


def _text(tuned: TunedReranker, written: bool, write: bool) -> str:
    lines = [tuned.verdict, f"run: {tuned.run.folder}"]
    if written:
        lines.append('raftsmith.toml names it; to go back, set search.rerank = ""')
    elif tuned.better:
        lines.append("nothing is changed yet; the same command with --write uses it")
    elif write:
        lines.append("nothing is changed")
    return "\n".join(lines)
