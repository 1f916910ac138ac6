"""The command `demo`."""

from __future__ import annotations

from pathlib import Path

import click

from corpora.commands.terminal import emit, with_example


@click.command("demo", **with_example("raftsmith demo --dir demo-workspace"))
@click.option("--dir", "folder", default="demo-workspace", show_default=True, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--quick", is_flag=True, help="Minutes instead of the full recipe: few examples and questions; for trying the way only."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def demo(folder: Path, quick: bool, as_json: bool) -> None:
    """The quickstart: index the sample collections, ask, tune, measure, ask again. About 25 minutes on two cores."""
    from serving.demo import run_demo

    value, text = run_demo(folder, quick)
    emit(value, as_json, text)
