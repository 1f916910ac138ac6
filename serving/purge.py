"""Purging documents: text, vectors, caches and index go from the disk, and what was built on them is named.

Keeps promise S16.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpora.durable_files import write_atomic
from corpora.errors import StoreBusy
from corpora.store.corpus_store import CorpusStore
from corpora.workspace.column_mappings import forget as forget_mappings
from corpora.workspace.purge_mark import mark_purged
from corpora.workspace.run_folder import RunFolder
from corpora.workspace.workspace import Workspace
from raft.examples.reviews import FILE as REVIEWS_FILE
from retrieval.chunk_vectors.segment_compaction import compact_segments, sweep_segments
from serving.annotate.forgetting import forget_annotations


@dataclass
class PurgeReport:
    """What a purge took out, and the datasets and runs that were made from it.

    They still hold text of it, or learnt it.
    """

    documents: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    annotations: int = 0
    snapshot: int = 0


def purge_files(workspace: Workspace, store: CorpusStore, files: Sequence[tuple[str, str]]) -> PurgeReport:
    """Remove every document of `files`, (path, collection), and scrub the workspace. The caller holds the writer lock.

    What was built on them is marked first and the text goes last, so that a purge that was stopped is done by the same
    command again; without `files` only the scrubbing is done. Datasets and runs that were built on one get a
    `purged.json`: such a dataset is refused, such a run is used with a warning. Reports lose the answers, which quote,
    and keep the measures; an inspection goes whole. What people annotated on these documents goes too. Raises StoreBusy
    when another process reads.
    """
    purged_files = set(files)
    once = set().union(*(store.documents_in_history(path, collection) for path, collection in files))
    gone = {document for document in once if set(store.files_of(document)) <= purged_files}
    report = PurgeReport(documents=sorted(gone), files=[path for path, _ in files])
    digests: set[str] = set()
    reviewed: list[tuple[str, str]] = []
    for folder in _folders(workspace, "datasets", "manifest.json"):
        text = (folder / "examples.jsonl").read_text(encoding="utf-8")
        if any(document in text for document in gone):
            digests.add(_json(folder / "manifest.json")["files"]["examples.jsonl"])
            report.datasets.append(folder.name)
            mark_purged(folder, gone)
            (workspace.root / "datasets" / f"{folder.name}.teacher.jsonl").unlink(missing_ok=True)
            showing = {json.loads(line).get("id") for line in text.split("\n") if any(document in line for document in gone)}
            reviewed += [(folder.name, example) for example in showing if example]
            _forget_reviews(folder / REVIEWS_FILE, showing)
    for folder in _folders(workspace, "runs", "config.json"):
        run = RunFolder(folder.name, folder)
        if run.config().get("dataset_digest") in digests or gone & run.documents():
            report.runs.append(folder.name)
            mark_purged(folder, gone)
    for folder in _folders(workspace, "reports", "results.json"):
        about = str(_json(folder / "results.json").get("about", {}).get("dataset", ""))
        if any(digest[:16] in about for digest in digests):
            report.reports.append(folder.name)
            for answers in ("rows.jsonl", "demo.json"):  # they quote the documents; the measures stay
                (folder / answers).unlink(missing_ok=True)
    for folder in _folders(workspace, "reports", "inspect.json"):
        text = (folder / "inspect.json").read_text(encoding="utf-8")
        if any(document in text for document in gone):
            report.reports.append(folder.name)
            for inspected in ("inspect.json", "inspect.html"):  # they name documents and their words
                (folder / inspected).unlink(missing_ok=True)
    report.annotations = forget_annotations(workspace.annotations, gone, reviewed)
    report.snapshot = store.commit(removed_paths=list(files), forgotten=list(files)) if files else store.snapshot
    forget_mappings(workspace.root, files)
    # A segment holds vectors of other documents too: what is left of it is written anew, and unnamed segments go.
    compact_segments(store, workspace.root, every_dead_row=True)
    sweep_segments(store, workspace.root)
    shutil.rmtree(workspace.root / "cache", ignore_errors=True)
    try:
        store.scrub()
    except StoreBusy as error:
        raise StoreBusy(
            f"the documents are out of the collection, but their text is not off the disk yet: {error}: `raftsmith purge`, without names"
        ) from error
    return report


def _forget_reviews(path: Path, examples: Collection[str]) -> None:
    if path.exists():
        lines = path.read_bytes().splitlines(keepends=True)
        write_atomic(path, b"".join(line for line in lines if json.loads(line)["example_id"] not in examples))


def _folders(workspace: Workspace, kind: str, complete: str) -> list[Path]:
    return sorted(path.parent for path in (workspace.root / kind).glob(f"*/{complete}"))


def _json(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value
