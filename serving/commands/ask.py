"""The command `ask`."""

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
def ask(question: str, run: str | None, readers: tuple[str, ...], workspace_folder: Path | None, as_json: bool) -> None:
    """Answer one question from the collection, with quotes and where they stand."""
    from corpora.store.filters import make_filter
    from raft.answering.open_assistant import open_assistant
    from retrieval.search.collection import open_collection
    from retrieval.search.retriever import RestrictedSearcher

    workspace = opened(workspace_folder)
    searcher = RestrictedSearcher(open_collection(workspace, say).retriever, make_filter(readers or None))
    assistant = open_assistant(workspace, searcher, run, say)
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
