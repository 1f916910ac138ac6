"""The command `annotate`: the page, and annotations out of and into the formats of others."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpora.commands.terminal import emit, opened, say, with_example, workspace_options

if TYPE_CHECKING:
    from corpora.workspace.workspace import Workspace
    from serving.annotate.desk import Desk
    from serving.annotate.formats.exchange import Incoming

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
    type=click.Choice(["jsonl", "squad", "label-studio", "argilla"]),
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
    if exported and imported:
        raise click.UsageError("give --export or --import, not both")
    from corpora.workspace.workspace import plain_name

    place = opened(workspace)
    desk = open_desk(place, plain_name(set_name), collection, dataset)
    try:
        if exported:
            value = export_file(desk, exported, form)
            emit(value, as_json, _exported_text(value))
        elif imported:
            value = import_file(desk, imported, form)
            emit(value, as_json, _imported_text(value))
        else:
            _serve(desk, port, as_json)
    finally:
        desk.annotations.close()
        desk.store.close()


def open_desk(workspace: Workspace, set_name: str, collection: str | None, dataset: str | None) -> Desk:
    """The desk for a set of the workspace. Raises RaftsmithError for a dataset or collection that is not there."""
    from corpora.errors import AnnotationError
    from corpora.store.corpus_store import CorpusStore
    from raft.examples.dataset import read_dataset
    from serving.annotate.desk import Desk
    from serving.annotate.store import FILE, AnnotationStore

    folder = workspace.dataset(dataset) if dataset else None
    opened_dataset = read_dataset(folder) if folder else None
    store = CorpusStore(workspace.database)
    there = sorted({entry["collection"] for entry in store.overview()})
    if not there or collection not in (None, *there):
        store.close()
        known = (
            f"collections here: {', '.join(there)}" if there else "the workspace has no documents; run `raftsmith add` first"
        )
        raise AnnotationError(f"there is no collection {collection!r}; {known}" if collection else known)
    annotations = AnnotationStore(workspace.root / FILE, store.document)
    return Desk(store, annotations, set_name, collection, opened_dataset, folder)


def export_file(desk: Desk, path: Path, form: str) -> dict[str, Any]:
    """Write the set, and the reviews of the dataset where one is open, to `path` and files named after it, and give what was
    written.
    """
    from corpora.durable_files import write_atomic
    from serving.annotate.formats.exchange import Sources
    from serving.annotate.formats.jsonl_and_squad import written

    everything = desk.annotations.everything(desk.set_name, desk.dataset.name if desk.dataset else None)
    sources = Sources(desk.store.documents(desk.collection), desk.examples.values())
    files, left_out = written(everything, form, sources)
    names = {ending: path.with_name(path.stem + ending) if ending else path for ending in files}
    for ending, text in files.items():
        write_atomic(names[ending], text.encode())
    return {
        "files": [str(name) for name in names.values()],
        "format": form,
        "questions": len(everything.questions),
        "labels": len(everything.labels),
        "reviews": len(everything.reviews),
        "left_out": dict(sorted(Counter(reason for _, reason in left_out).items())),
    }


def import_file(desk: Desk, path: Path, form: str) -> dict[str, Any]:
    """Take in the annotations of a file and give what was taken and, for each part that was not, the reason.

    What has an id that is known is replaced. Raises RaftsmithError when the file cannot be read as this format.
    """
    from corpora.questions.content import read_text
    from serving.annotate.formats.exchange import Sources
    from serving.annotate.formats.jsonl_and_squad import read

    sources = Sources(desk.store.documents(desk.collection), desk.examples.values())
    incoming = read(read_text(path), form, sources)
    taken = take_in(desk, incoming)
    dropped = [{"what": what, "reason": reason} for what, reason in incoming.dropped]
    return {"file": str(path), "format": form, **taken, "dropped": dropped}


def take_in(desk: Desk, incoming: Incoming) -> dict[str, int]:
    """Write what was read into the set and the dataset, and give the counts; what is refused joins `incoming.dropped`."""
    from corpora.errors import AnnotationError, DatasetError
    from raft.examples.reviews import completion_id, judge

    store, name = desk.annotations, desk.set_name
    store.add_classes(name, [*incoming.classes, *(label.name for label in incoming.labels)])
    counts = Counter(questions=0, labels=0, reviews=0)
    for question in incoming.questions:
        with incoming.part(f"question {question.id}"):
            store.save_question(name, question)
            counts["questions"] += 1
    for label in incoming.labels:
        with incoming.part(f"label of {label.document_id} at {label.span.start}"):
            store.save_label(name, label)
            counts["labels"] += 1
    for review in incoming.reviews:
        with incoming.part(f"review of {review.example_id}"):
            example = desk.examples.get(review.example_id)
            if example is None or desk.dataset is None:
                raise AnnotationError("no such example is open; name its dataset with --dataset")
            if review.judged not in ("", completion_id(example)):
                raise AnnotationError("the example has changed since it was reviewed")
            try:
                decided = judge(example, review.verdict, review.completion, desk.shown(example))
            except DatasetError as error:
                raise AnnotationError(str(error)) from error
            store.save_review(desk.dataset.name, decided)
            counts["reviews"] += 1
    if incoming.reviews:
        desk.write_reviews()
    return dict(counts)


def _serve(desk: Desk, port: int, as_json: bool) -> None:
    from serving.annotate.access import new_secret
    from serving.annotate.app import create_annotate_app
    from serving.http.server import bind, serve_on, url_of

    listener = bind("127.0.0.1", port)
    token = new_secret()
    url = f"{url_of(listener)}/?token={token}"
    app = create_annotate_app(desk, token)
    emit({"url": url, "set": desk.set_name, "dataset": desk.dataset.name if desk.dataset else None}, as_json, url)
    say("open this address in a browser; whoever has it can read and write here. Ctrl-C ends; everything is saved as you go")
    try:
        serve_on(listener, app)
    finally:
        if desk.dataset and desk.unwritten():
            say(f"{desk.write_reviews()} reviews written to {desk.dataset_folder}/reviews.jsonl; `raftsmith train` heeds them")


def _exported_text(value: dict[str, Any]) -> str:
    counts = ", ".join(f"{value[kind]} {kind}" for kind in ("questions", "labels", "reviews"))
    lines = [f"{counts} ({value['format']})", *value["files"]]
    lines += [f"left out {count}: {reason}" for reason, count in value["left_out"].items()]
    if value["format"] == "label-studio":
        lines.append("next: a project in Label Studio with the interface.xml as its labeling interface, then import the tasks")
    if value["format"] == "argilla":
        lines.append(
            "next: docs/annotation.md has the lines that load these into Argilla, with your user's id in place of the zeros"
        )
    return "\n".join(lines)


def _imported_text(value: dict[str, Any]) -> str:
    counts = ", ".join(f"{value[kind]} {kind}" for kind in ("questions", "labels", "reviews"))
    return "\n".join([f"{counts} taken in", *(f"dropped {row['what']}: {row['reason']}" for row in value["dropped"])])
