"""What the commands that tune have in common: options, and the judged queries of a workspace, split by document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpora.commands.terminal import Progress, say
from retrieval.commands.judgement_options import parsed_source

if TYPE_CHECKING:
    from corpora.workspace.workspace import Workspace
    from retrieval.evaluation.judgement_sources import JudgedIndex, Source


def schedule_options(learning_rate: float) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options of the training schedule, with `learning_rate` as its default."""

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(
            [
                click.option(
                    "--epochs",
                    type=click.IntRange(1, 100),
                    default=3,
                    show_default=True,
                    help="Passes over the pairs at most; validation chooses.",
                ),
                click.option(
                    "--learning-rate", type=float, default=learning_rate, show_default=True, help="Peak learning rate."
                ),
                click.option("--batch-pairs", type=click.IntRange(2), default=32, show_default=True, help="Pairs a step."),
            ]
        ):
            function = option(function)
        return function

    return decorated


def source_in_workspace(source: dict[str, Any], workspace_folder: Path | None) -> tuple[Source, Workspace]:
    """The source of judgements and the workspace, which tuning needs for its run. Raises UsageError without one."""
    judgement_source, workspace = parsed_source(source, workspace_folder)
    if workspace is None:
        raise click.UsageError("a BEIR folder is tuned on in a workspace: give --workspace, made by `raftsmith init`")
    return judgement_source, workspace


@contextmanager
def judged_by_document(judgement_source: Source, workspace: Workspace) -> Iterator[JudgedIndex]:
    """The judged queries over the index, and on stderr how many were left out and why."""
    from retrieval.evaluation.judgement_sources import open_judged_index

    with open_judged_index(judgement_source, workspace, say, by_document=True, progress=Progress) as judged_index:
        for reason, count in judged_index.judged.reasons().items():
            say(f"{count} queries left out: {reason}")
        yield judged_index
