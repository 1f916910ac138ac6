"""The command `inspect`."""

from __future__ import annotations

from pathlib import Path

import click

from corpora.commands.terminal import Progress, emit, opened, say, with_example, workspace_options


@click.command("inspect", **with_example("raftsmith inspect --collection legal --report legal"))
@click.option("--collection", help="Only this collection; default: all of them, as `generate` takes them.")
@click.option("--report", "report_name", default="inspect", show_default=True, help="Name of the report's folder.")
@workspace_options
def inspect(collection: str | None, report_name: str, workspace_folder: Path | None, as_json: bool) -> None:
    """Show what to know before training: topics, lengths, languages, duplicates, personal data, outliers, splits,
    leaks.

    Writes reports/NAME/inspect.html and inspect.json. Loads no model.
    """
    from retrieval.inspection.inspect_workspace import inspect_workspace

    workspace = opened(workspace_folder)
    progress = Progress("documents searched for personal data")
    value, lines = inspect_workspace(workspace, workspace.report(report_name), collection, say, progress)
    emit(value, as_json, "\n".join(lines))
