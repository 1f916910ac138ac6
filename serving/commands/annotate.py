"""The command `annotate`: the page, and annotations out of and into the formats of others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpora.commands.terminal import emit, opened, say, with_example, workspace_options

if TYPE_CHECKING:
    from serving.annotate.session import AnnotationSession

PORT = 8322
_HELP = """Write questions with evidence, label texts and review generated examples, in a page on this machine.

The address that it prints, with a secret in it, opens the page; ? lists the keys. Everything is saved as you go, and several people
at this machine may work at once. `generate --from-qa` reads what --format squad exports; `train` heeds the reviews of its dataset.

\b
Without the page, out into files and back in:
  raftsmith annotate --export mine.jsonl
  raftsmith annotate --import mine.jsonl
  raftsmith annotate --export mine.json --format squad
  raftsmith annotate --export studio.json --format label-studio --dataset first
"""


@click.command("annotate", help=_HELP, **with_example("raftsmith annotate --dataset first --collection legal"))
@click.option("--dataset", help="Review the generated examples of this dataset too.")
@click.option("--collection", help="Only the documents of this collection.")
@click.option("--set", "set_name", default="default", show_default=True, help="Name of the set of questions and labels.")
@click.option(
    "--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="Port on 127.0.0.1; 0 takes a free one."
)
@click.option(
    "--export",
    "exported",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all to this file, and what belongs to it beside; no page.",
)
@click.option("--import", "imported", type=click.Path(path_type=Path, dir_okay=False), help="Take a file in; no page.")
@click.option(
    "--format",
    "form",
    default="jsonl",
    show_default=True,
    type=click.Choice(["jsonl", "squad", "label-studio"]),
    help="Of --export and --import.",
)
@workspace_options
def annotate(
    dataset: str | None,
    collection: str | None,
    set_name: str,
    port: int,
    exported: Path | None,
    imported: Path | None,
    form: str,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Write questions with evidence, label texts and review generated examples, in a page on this machine.

    `generate --from-qa` reads what --format squad exports; `train` heeds the reviews of its dataset.
    """
    from serving.annotate.import_export import export_file, import_file
    from serving.annotate.session import open_session

    if exported and imported:
        raise click.UsageError("give --export or --import, not both")
    from corpora.workspace.workspace import plain_name

    place = opened(workspace)
    session = open_session(place, plain_name(set_name), collection, dataset)
    try:
        if exported:
            value = export_file(session, exported, form)
            emit(value, as_json, _exported_text(value))
        elif imported:
            value = import_file(session, imported, form)
            emit(value, as_json, _imported_text(value))
        else:
            _serve(session, port, as_json)
    finally:
        session.annotations.close()
        session.store.close()


def _serve(session: AnnotationSession, port: int, as_json: bool) -> None:
    from serving.annotate.access import new_secret
    from serving.annotate.app import create_annotate_app
    from serving.http.server import bind, serve_on, url_of

    listener = bind("127.0.0.1", port)
    token = new_secret()
    url = f"{url_of(listener)}/?token={token}"
    app = create_annotate_app(session, token)
    emit({"url": url, "set": session.set_name, "dataset": session.dataset.name if session.dataset else None}, as_json, url)
    say("open this address in a browser; whoever has it can read and write here. Ctrl-C ends; everything is saved as you go")
    try:
        serve_on(listener, app)
    finally:
        if session.dataset and session.unwritten():
            say(
                f"{session.write_reviews()} reviews written to {session.dataset_folder}/reviews.jsonl; `raftsmith train` heeds them"
            )


def _exported_text(value: dict[str, Any]) -> str:
    counts = ", ".join(f"{value[kind]} {kind}" for kind in ("questions", "labels", "reviews"))
    lines = [f"{counts} ({value['format']})", *value["files"]]
    lines += [f"left out {count}: {reason}" for reason, count in value["left_out"].items()]
    if value["format"] == "label-studio":
        lines.append("next: a project in Label Studio with the interface.xml as its labeling interface, then import the tasks")
    return "\n".join(lines)


def _imported_text(value: dict[str, Any]) -> str:
    counts = ", ".join(f"{value[kind]} {kind}" for kind in ("questions", "labels", "reviews"))
    return "\n".join([f"{counts} taken in", *(f"dropped {row['what']}: {row['reason']}" for row in value["dropped"])])
