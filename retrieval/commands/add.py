"""The commands `add` and `sync`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corpora.commands.field_mapping import read_field_mapping
from corpora.commands.terminal import F, Progress, emit, opened, say, with_example, workspace_options

if TYPE_CHECKING:
    from corpora.readers.tables.documents import FieldMapping
    from corpora.store.source_attributes import SourceAttributes
    from retrieval.indexing.add_report import AddReport


def _attribute_options(function: F) -> F:
    """The options that say something of every file that is added."""
    function = click.option(
        "--reader",
        "readers",
        multiple=True,
        metavar="NAME",
        help='Who may read them, and nobody else; may be repeated; "" for everybody. Default: as before, everybody at first.',
    )(function)
    return click.option(
        "--fact",
        "facts",
        multiple=True,
        metavar="KEY=VALUE",
        help='A fact of them, over what they state: licence="CC BY 4.0", url=..., jurisdiction=...; may be repeated.',
    )(function)


def _later_option(function: F) -> F:
    """The option `--later` of what adds."""
    return click.option(
        "--later",
        is_flag=True,
        help="Leave the vectors of a large collection to `raftsmith index --fill`; its words are searched meanwhile.",
    )(function)


def _attributes(readers: Sequence[str], facts: Sequence[str]) -> SourceAttributes | None:
    """The readers and facts that the options give for every file; None without any. Raises click.UsageError."""
    from corpora.store.source_attributes import SourceAttributes, reader_names

    if not readers and not facts:
        return None
    pairs = [fact.partition("=") for fact in facts]
    for key, equals, value in pairs:
        if not (key.isidentifier() and equals and value):
            raise click.UsageError(f"--fact {key}{equals}{value}: give KEY=VALUE, as in licence=CC0")
    return SourceAttributes(reader_names([name for name in readers if name]), {key: value for key, _, value in pairs})


@click.command("add", **with_example("raftsmith add contracts/ notes.pdf --collection legal"))
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--collection", default="default", show_default=True, help="Collection that the documents belong to.")
@click.option(
    "--map",
    "fields",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="Rows of CSV and JSON lines as documents: text=COLUMN, and title, id, metadata; may be repeated. Remembered for the file.",
)
@click.option("--retry", is_flag=True, help="Read again what could not be read before, and nothing else.")
@_later_option
@_attribute_options
@workspace_options
def add(
    paths: tuple[Path, ...],
    collection: str,
    fields: tuple[str, ...],
    retry: bool,
    later: bool,
    readers: tuple[str, ...],
    facts: tuple[str, ...],
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Read, clean, chunk and index files, folders, patterns ("a/**/*.pdf") and archives; "-" takes a list of them from
    stdin.

    Run it again any time: what has not changed costs nothing. Of a large collection the words come first, so that it
    can be searched at once; the vectors follow, and an interrupt then loses nothing.
    """
    from retrieval.indexing.add_paths import add_paths

    if retry == bool(paths):
        raise click.UsageError("give PATH..., or --retry alone to read again what failed")
    attributes = _attributes(readers, facts)
    listed = [Path(line.rstrip("\n")) for line in sys.stdin if line.strip()] if Path("-") in paths else []
    all_paths = [*(path for path in paths if path != Path("-")), *listed]
    report = add_paths(
        opened(workspace_folder),
        all_paths,
        collection,
        mapping=_mapping(fields),
        retry=retry,
        attributes=attributes,
        later=later,
        say=say,
        progress=Progress,
    )
    emit_report(report, as_json)


@click.command("sync", **with_example("raftsmith sync contracts/ --collection legal"))
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--collection", default="default", show_default=True, help="Collection that the documents belong to.")
@_later_option
@_attribute_options
@workspace_options
def sync(
    folders: tuple[Path, ...],
    collection: str,
    later: bool,
    readers: tuple[str, ...],
    facts: tuple[str, ...],
    workspace_folder: Path | None,
    as_json: bool,
) -> None:
    """Make the collection follow folders: add what is new, update what changed, remove what is gone."""
    from retrieval.indexing.add_paths import add_paths

    attributes = _attributes(readers, facts)
    report = add_paths(
        opened(workspace_folder), folders, collection, gone=True, attributes=attributes, later=later, say=say, progress=Progress
    )
    emit_report(report, as_json)


def emit_report(report: AddReport, as_json: bool) -> None:
    """Print what `add` or `sync` did."""
    failed = [{"path": path, "reason": reason} for path, reason in report.failed]
    removed = f", {report.removed} removed" if report.removed else ""
    several = f" ({report.documents} documents)" if report.documents != report.added else ""
    counts = f"{report.added} added{several}, {report.unchanged} unchanged{removed}, {len(failed)} failed"
    lines = [f"{counts} (snapshot {report.snapshot})"]
    if report.duplicates:
        lines.append(f"{report.duplicates} not indexed again: another document says the same (`raftsmith documents` names it)")
    if report.personal_data:
        lines.append("personal data: " + ", ".join(f"{count} {kind}" for kind, count in sorted(report.personal_data.items())))
    if report.waiting:
        lines.append(f"{report.waiting} files wait to be read again, what they are like is gone: `raftsmith documents --retry`")
    if report.unencoded:
        lines.append(f"{report.unencoded} passages are found by their words only: `raftsmith index --fill` makes their vectors")
    lines += [f"cleaned: {step} in {count} blocks" for step, count in sorted(report.cleaned.items())]
    lines += [f"  {item['path']}: {item['reason']}" for item in failed]
    value = {
        "added": report.added,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "documents": report.documents,
        "duplicates": report.duplicates,
        "personal_data": dict(report.personal_data),
        "waiting": report.waiting,
        "unencoded": report.unencoded,
        "failed": failed,
        "cleaned": dict(report.cleaned),
        "snapshot": report.snapshot,
    }
    emit(value, as_json, "\n".join(lines))


def _mapping(fields: Sequence[str]) -> FieldMapping | None:
    """The columns that `--map text=body`, `title=name` ... give; None without any. Raises click.UsageError."""
    from corpora.readers.tables.documents import FieldMapping

    columns = read_field_mapping(fields, ("text", "title", "id", "metadata"), repeatable=("text", "metadata"))
    if not columns:
        return None
    if "text" not in columns:
        raise click.UsageError("--map needs text=COLUMN: the column that holds the document")
    title, identity = (columns[field][0] if field in columns else None for field in ("title", "id"))
    return FieldMapping(columns["text"], title, identity, columns.get("metadata", ()))
