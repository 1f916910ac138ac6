"""What the commands that tune have in common: options, and the judged queries of a workspace, split by document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpora.commands.terminal import Progress, say
from retrieval.commands.judgement_options import asked_source

if TYPE_CHECKING:
    from corpora.workspace.workspace import Workspace
    from retrieval.evaluation.judgement_sources import JudgedIndex, Source


def schedule_options(learning_rate: float) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """How long and how fast is learnt, `learning_rate` where nothing is said."""

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


def asked_in_workspace(source: dict[str, Any], workspace: Path | None) -> tuple[Source, Workspace]:
    """As `asked_source`, but there has to be a workspace: tuning leaves a run. Raises UsageError."""
    asked, place = asked_source(source, workspace)
    if place is None:
        raise click.UsageError("a BEIR folder is tuned on in a workspace: give --workspace, made by `raftsmith init`")
    return asked, place


@contextmanager
def judged_by_document(asked: Source, place: Workspace) -> Iterator[JudgedIndex]:
    """The judged queries over the index, and on stderr how many were left out and why."""
    from retrieval.evaluation.judgement_sources import judged_index

    with judged_index(asked, place, say, by_document=True, progress=Progress) as found:
        for reason, count in found.judged.reasons().items():
            say(f"{count} queries left out: {reason}")
        yield found
