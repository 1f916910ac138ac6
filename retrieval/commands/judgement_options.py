"""The options that say where judgements come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpora.commands.terminal import opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from corpora.workspace.workspace import Workspace
    from retrieval.evaluation.judgement_sources import Source


def source_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where queries and judgements come from."""
    path = click.Path(path_type=Path, exists=True)
    for option in reversed(
        [
            click.option(
                "--questions",
                multiple=True,
                type=path,
                help="Questions with evidence, as `generate --from-qa` takes them; may be repeated.",
            ),
            click.option("--qrels", type=path, help="Judgements: TREC's four columns, or BEIR's three."),
            click.option("--queries", type=path, help="The judged queries: JSON lines with _id and text."),
            click.option("--beir", type=path, help="A BEIR folder; it is indexed into --workspace, or for this one time only."),
            click.option("--split", default="test", show_default=True, help="Which qrels of the BEIR folder."),
            click.option(
                "--judge",
                type=click.Choice(["document", "chunk"]),
                help="What is judged; default: chunk for --questions, else document.",
            ),
            click.option("--limit", type=click.IntRange(1), help="Queries at most, drawn at random with a fixed seed."),
        ]
    ):
        function = option(function)
    return function


def parsed_source(source: dict[str, Any], workspace_folder: Path | None) -> tuple[Source, Workspace | None]:
    """The source of queries and judgements, and the workspace; None for a BEIR folder that is indexed temporarily."""
    from retrieval.evaluation.judgement_sources import Source

    try:
        judgement_source = Source(**source)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return judgement_source, opened(workspace_folder) if workspace_folder is not None or judgement_source.beir is None else None
