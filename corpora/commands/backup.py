"""The commands `backup` and `restore`."""

from __future__ import annotations

from pathlib import Path

import click

from corpora.commands.terminal import emit, opened, with_example, workspace_options


@click.command("backup", **with_example("raftsmith backup collection-2026-11.zip"))
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--all", "everything", is_flag=True, help="Also datasets, runs and reports.")
@workspace_options
def backup(target: Path, everything: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """Write the collection to one file, of one snapshot, while others go on adding and searching.

    It holds the documents' text, the configuration, what was annotated, and the key of the pseudonyms: keep it as you
    keep these.
    """
    from corpora.workspace.backup import back_up

    written = back_up(opened(workspace_folder).root, target, everything)
    size = sum(written.files.values())
    value = {"backup": str(target.resolve()), "snapshot": written.snapshot, "files": written.files}
    emit(
        value,
        as_json,
        f"{target}: snapshot {written.snapshot}, {len(written.files)} files, {size / 1e6:.1f} MB before compression",
    )


@click.command("restore", **with_example("raftsmith restore collection-2026-11.zip restored"))
@click.argument("source", metavar="BACKUP", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def restore(source: Path, folder: Path, as_json: bool) -> None:
    """Make a workspace in a new folder from a backup; every file is checked."""
    from corpora.workspace.backup import restore as restore_to

    restored = restore_to(source, folder)
    value = {"workspace": str(folder.resolve()), "snapshot": restored.snapshot, "files": restored.files}
    emit(value, as_json, f"{folder}: snapshot {restored.snapshot}, {len(restored.files)} files")
