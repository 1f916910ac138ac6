"""The commands of serving: `ask`, `serve`, `swap`, `doctor`, `demo`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from corpora.commands.terminal import emit, opened, reader_option, say, with_example, workspace_options
from serving.answer_text import as_text


@click.command("ask", **with_example('raftsmith ask "How long may a tenancy deposit be held before it is protected?"'))
@click.argument("question")
@click.option("--run", help="A tuned run; default: the base model.")
@reader_option("everything, as the workspace is yours")
@workspace_options
def ask(question: str, run: str | None, readers: tuple[str, ...], workspace: Path | None, as_json: bool) -> None:
    """Answer one question from the collection, with quotes and where they stand."""
    from corpora.store.filters import make_filter
    from raft.answering.open_assistant import open_assistant
    from retrieval.search.collection import open_collection
    from retrieval.search.retriever import RestrictedSearcher

    place = opened(workspace)
    searcher = RestrictedSearcher(open_collection(place, say).retriever, make_filter(readers or None))
    assistant = open_assistant(place, searcher, run, say)
    answer = assistant.answer([question])[0]
    value = {
        "answer": answer.answer,
        "abstained": answer.abstained,
        "support": answer.support,
        "citations": [asdict(citation) for citation in answer.citations],
        "snapshot": answer.snapshot,
        "run": answer.run,
    }
    emit(value, as_json, as_text(answer))


@click.command("serve", **with_example("raftsmith serve --run first-qlora --port 8321"))
@click.option("--run", help='A tuned run, "" is the base model; default: serve.run of raftsmith.toml.')
@click.option("--host", help="Address to listen on; default: serve.host of raftsmith.toml.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one; default: serve.port of raftsmith.toml.")
@reader_option("only what is for everybody, as nobody says who asks")
@click.option(
    "--workspace",
    "workspace",
    type=click.Path(path_type=Path, file_okay=False),
    help="Workspace folder; default: the nearest upwards.",
)
def serve(run: str | None, host: str | None, port: int | None, readers: tuple[str, ...], workspace: Path | None) -> None:
    """Serve an OpenAI-compatible chat endpoint over live retrieval.

    The model id "raftsmith" is whatever is served; `raftsmith swap` changes that while requests go on. So does SIGHUP: the
    server reads serve.run, [ask] and models.base of raftsmith.toml again.
    """
    from serving.lifecycle.serve_workspace import serve_workspace

    place = opened(workspace)
    config = place.config.serve
    asked = (config.run if run is None else run) or None
    serve_workspace(place, asked, host or config.host, config.port if port is None else port, readers, say)


@click.command("swap", **with_example("raftsmith swap --run second-qlora"))
@click.option("--run", help="The tuned run to answer with.")
@click.option("--base", is_flag=True, help="Answer with the base model.")
@workspace_options
def swap(run: str | None, base: bool, workspace: Path | None, as_json: bool) -> None:
    """Change what the running server answers with, without a failed request, and write it into raftsmith.toml.

    Waits until the new one answers. Requests that are inside end with the old one; both are in memory until then. A run that
    cannot be loaded changes nothing.
    """
    from serving.lifecycle.model_swap import called, swap_run

    if bool(run) == base:
        raise click.UsageError("give either --run NAME or --base")
    now = swap_run(opened(workspace), run, say)
    emit({"url": now.url, "run": now.run, "pid": now.pid}, as_json, f"{now.url} answers with {called(now.run)}")


@click.command("doctor", **with_example("raftsmith doctor"))
@click.option("--repair", is_flag=True, help="Delete what is derived and damaged; it is made again when needed.")
@workspace_options
def doctor(repair: bool, workspace: Path | None, as_json: bool) -> None:
    """Find what is wrong here: the machine, the models, the workspace. Exit code 1 when something is."""
    from serving.doctor import diagnose

    findings = diagnose(workspace, repair)
    text = "\n".join(f"{'ok   ' if finding.ok else 'WRONG'}  {finding.what}: {finding.detail}" for finding in findings)
    wrong = sum(not finding.ok for finding in findings)
    emit({"ok": not wrong, "findings": [asdict(finding) for finding in findings]}, as_json, text)
    if wrong:
        raise SystemExit(1)


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
