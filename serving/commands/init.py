"""The command `init`."""

from __future__ import annotations

from pathlib import Path

import click

from corpora.commands.terminal import emit, with_example


@click.command("init", **with_example("raftsmith init my-collection"))
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def init(folder: Path, as_json: bool) -> None:
    """Make a workspace: a folder with a commented raftsmith.toml."""
    from corpora.workspace.workspace import create_workspace
    from serving.configuration import SECTIONS

    path = create_workspace(folder, SECTIONS)
    emit(
        {"workspace": str(path.parent.resolve()), "config": str(path.resolve())},
        as_json,
        f"{path} written. Next: raftsmith add PATH... --workspace {folder}",
    )
