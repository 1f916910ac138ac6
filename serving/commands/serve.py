"""The command `serve`."""

from __future__ import annotations

from pathlib import Path

import click

from corpora.commands.terminal import opened, reader_option, say, with_example


@click.command("serve", **with_example("raftsmith serve --run first-qlora --port 8321"))
@click.option("--run", help='A tuned run, "" is the base model; default: serve.run of raftsmith.toml.')
@click.option("--host", help="Address to listen on; default: serve.host of raftsmith.toml.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one; default: serve.port of raftsmith.toml.")
@reader_option("only what is for everybody, as nobody says who asks")
@click.option(
    "--workspace",
    "workspace_folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Workspace folder; default: the nearest upwards.",
)
def serve(run: str | None, host: str | None, port: int | None, readers: tuple[str, ...], workspace_folder: Path | None) -> None:
    """Serve an OpenAI-compatible chat endpoint over live retrieval.

    The model id "raftsmith" is whatever is served; `raftsmith swap` changes that while requests go on. So does SIGHUP:
    the server reads serve.run, [ask] and models.base of raftsmith.toml again.
    """
    from serving.lifecycle.options import ServeOptions
    from serving.lifecycle.serve_workspace import serve_workspace

    workspace = opened(workspace_folder)
    config = workspace.options(ServeOptions)
    run_name = (config.run if run is None else run) or None
    serve_workspace(workspace, run_name, host or config.host, config.port if port is None else port, readers, say)
