"""The command `swap`."""

from __future__ import annotations

from pathlib import Path

import click

from corpora.commands.terminal import emit, opened, say, with_example, workspace_options


@click.command("swap", **with_example("raftsmith swap --run second-qlora"))
@click.option("--run", help="The tuned run to answer with.")
@click.option("--base", is_flag=True, help="Answer with the base model.")
@workspace_options
def swap(run: str | None, base: bool, workspace_folder: Path | None, as_json: bool) -> None:
    """Change what the running server answers with, without a failed request, and write it into raftsmith.toml.

    Waits until the new one answers. Requests that are inside end with the old one; both are in memory until then. A run
    that cannot be loaded changes nothing.
    """
    from serving.lifecycle.model_swap import called, swap_run

    if bool(run) == base:
        raise click.UsageError("give either --run NAME or --base")
    now = swap_run(opened(workspace_folder), run, say)
    emit({"url": now.url, "run": now.run, "pid": now.pid}, as_json, f"{now.url} answers with {called(now.run)}")
