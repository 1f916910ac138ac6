"""The command `tune-encoder`: the encoder tuned to the collection, and used only when it wins on documents that it was
not tuned on.
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
    from corpora.workspace.workspace import Workspace
    from retrieval.tuning.encoder_tuning import TunedEncoder


@click.command("tune-encoder", **with_example("raftsmith tune-encoder --questions questions.json --run statutes --write"))
@source_options
@click.option("--run", "run_name", default="tuned", show_default=True, help="Name of the run's folder; the same run goes on.")
@schedule_options(learning_rate=5e-5)
@click.option("--write", is_flag=True, help="When it wins, index the collection with it and name it in raftsmith.toml.")
@workspace_options
def tune_encoder(
    run_name: str,
    epochs: int,
    learning_rate: float,
    batch_pairs: int,
    write: bool,
    workspace_folder: Path | None,
    as_json: bool,
    **source: Any,
) -> None:
    """Tune the encoder to the collection with questions whose answers are known, and say whether search is better for
    it.

    Training, validation and test queries are about different documents. Until the tuned encoder has won on the test
    queries by more than noise, and --write is given, the index and raftsmith.toml stay as they are. Writes runs/NAME.
    What was interrupted starts again from the same command, with the verdict where training was complete.
    """
    from retrieval.tuning.adoption import adopt_encoder, tune_workspace_encoder
    from retrieval.tuning.contrastive_training import ContrastiveOptions
    from retrieval.tuning.encoder_tuning import TuningOptions

    judgement_source, workspace = source_in_workspace(source, workspace_folder)
    chosen = ContrastiveOptions(epochs=epochs, learning_rate=learning_rate, batch_pairs=batch_pairs)
    with judged_by_document(judgement_source, workspace) as judged_index:
        tuned, encoder = tune_workspace_encoder(judged_index, workspace, run_name, TuningOptions(chosen), say, Progress)
        written = write and tuned.better
        if written:
            adopt_encoder(judged_index, workspace, tuned, encoder, Progress("chunks indexed"))
    emit(_value(tuned, written), as_json, _text(tuned, workspace, written, write))


def _value(tuned: TunedEncoder, written: bool) -> dict[str, Any]:
    return {
        "run": tuned.run.name,
        "model": str(tuned.run.model) if tuned.trained.epoch else None,
        "base": tuned.run.base,
        "better": tuned.better,
        "written": written,
        "trained": asdict(tuned.trained),
        "gains": [{**asdict(gain), "relative": gain.relative} for gain in tuned.gains],
        "verdict": tuned.verdict,
    }


def _text(tuned: TunedEncoder, workspace: Workspace, written: bool, write: bool) -> str:
    lines = [tuned.verdict, *(f"  {gain}" for gain in tuned.gains), f"run: {tuned.run.folder}"]
    if written:
        lines += [
            "the collection is indexed with it and raftsmith.toml names it; the index before is kept: to go back, set "
            f'models.encoder = "{tuned.run.base}", and `raftsmith index --fill` encodes what came meanwhile'
        ]
    elif tuned.better:
        lines.append("nothing is changed yet; the same command with --write uses it")
    elif write:
        lines.append("nothing is changed")
    return "\n".join(lines)
