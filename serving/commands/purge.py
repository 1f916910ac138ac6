"""The command `purge`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from corpora.commands.terminal import emit, opened, with_example, workspace_options


@click.command("purge", **with_example("raftsmith purge contracts/withdrawn.pdf --yes"))
@click.argument("names", nargs=-1)
@click.option("--yes", is_flag=True, help="Do not ask.")
@workspace_options
def purge(names: tuple[str, ...], yes: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """Take documents out for good: nothing of them is left in the workspace, and what was built on them is flagged.

    The files themselves are left alone. Backups of the workspace are yours to purge. Stop `serve` and `annotate` first:
    what they read cannot be scrubbed. Without NAMES, scrubbing that was interrupted or refused is done again.
    """
    from corpora.ingest.removal import files_of
    from corpora.store.corpus_store import CorpusStore
    from corpora.store.writer_lock import single_writer
    from serving.purge import purge_files

    workspace = opened(workspace_folder)
    with single_writer(workspace.root):
        store = CorpusStore(workspace.database)
        files = files_of(store, names, history=True)
        if files and not yes:
            click.confirm(f"purge {', '.join(path for path, _ in files)}? This cannot be undone", abort=True, err=True)
        report = purge_files(workspace, store, files)
        store.close()
    lines = [f"{len(report.documents)} documents purged (snapshot {report.snapshot})"]
    for kind, flagged in (("dataset", report.datasets), ("run", report.runs), ("report", report.reports)):
        lines += [f"{kind} {name} was built on them" for name in flagged]
    emit(asdict(report), as_json, "\n".join(lines))
