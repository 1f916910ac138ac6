"""The command `remove`."""

from __future__ import annotations

from pathlib import Path

import click

from corpora.commands.terminal import emit, opened, with_example, workspace_options


@click.command("remove", **with_example("raftsmith remove contracts/old.pdf"))
@click.argument("names", nargs=-1, required=True)
@workspace_options
def remove(names: tuple[str, ...], workspace_folder: Path | None, as_json: bool) -> None:
    """Take documents out of the collection: by id, file, source or title. The files themselves are left alone.

    What they said stays in `raftsmith versions` until `raftsmith purge`.
    """
    from corpora.ingest.removal import remove_documents

    removed, snapshot = remove_documents(opened(workspace_folder), names)
    emit(
        {"removed": removed, "snapshot": snapshot},
        as_json,
        "\n".join([*(f"removed {path}" for path in removed), f"snapshot {snapshot}"]),
    )
