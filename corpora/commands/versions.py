"""The command `versions`: what a file held, from when until when, and what changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corpora.commands.terminal import emit, opened, with_example, workspace_options
from corpora.errors import RaftsmithError

if TYPE_CHECKING:
    from corpora.records import Version


@click.command("versions", **with_example("raftsmith versions contracts/lease.pdf --diff 1 2"))
@click.argument("name")
@click.option("--show", type=click.IntRange(min=1), metavar="N", help="The text of version N.")
@click.option("--diff", nargs=2, type=click.IntRange(min=1), metavar="N M", help="What changed between two versions.")
@workspace_options
def versions(name: str, show: int | None, diff: tuple[int, int] | None, workspace_folder: Path | None, as_json: bool) -> None:
    """List the versions of a document, kept until `purge`: give its id, file or source, also of one that was removed.

    Search sees the newest only. Of each source `ingest.keep_versions` old texts are kept.
    """
    import difflib
    from dataclasses import asdict

    from corpora.store.corpus_store import CorpusStore

    if show and diff:
        raise click.UsageError("give --show N or --diff N M, not both")
    store = CorpusStore(opened(workspace_folder).database)
    matches = store.versions(name) or store.versions(str(Path(name).resolve()))
    if not matches:
        matches = [version for document in store.find_documents(name) for version in store.versions(document.source)]
    if not matches:
        raise RaftsmithError(f"no document is or was called {name!r}; `raftsmith documents` lists those that are there")
    if show:
        version = _numbered(matches, show)
        emit(asdict(version), as_json, str(version.text))
    elif diff:
        old, new = (_numbered(matches, number) for number in diff)
        lines = list(
            difflib.unified_diff(
                str(old.text).splitlines(),
                str(new.text).splitlines(),
                f"version {old.number}",
                f"version {new.number}",
                lineterm="",
            )
        )
        emit({"from": diff[0], "to": diff[1], "diff": lines}, as_json, "\n".join(lines) or "the texts are equal")
    else:
        rows = [{**asdict(version), "text": None, "kept": version.text is not None} for version in matches]
        emit({"versions": rows}, as_json, "\n".join(map(_line, matches)))


def _numbered(versions: list[Version], number: int) -> Version:
    """The version with this number. Raises RaftsmithError when there is none, several, or its text is not kept."""
    matching = [version for version in versions if version.number == number]
    if len(matching) != 1:
        sources = sorted({version.source for version in versions})
        raise RaftsmithError(
            f"{len(matching)} versions have number {number}; name one source of {', '.join(sources[:5])}, and one of its versions"
        )
    if matching[0].text is None:
        raise RaftsmithError(
            f"the text of version {number} is no longer kept; raise ingest.keep_versions to keep more from now on"
        )
    return matching[0]


def _line(version: Version) -> str:
    until = version.ended or "now"
    note = "" if version.text is not None else ", text not kept"
    return f"{version.number}  {version.began or 'unknown'} – {until}  {version.document_id[:8]}  {version.title}  ({version.source}{note})"
