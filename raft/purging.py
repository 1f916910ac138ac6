"""Taking documents out for good: text, vectors, caches and index gone from the disk, and what was built on them named (promise S16)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpora.files import write_json
from corpora.store import CorpusStore
from corpora.workspace import Workspace
from retrieval.indexing import sweep_segments

FLAG = "purged.json"


@dataclass
class PurgeReport:
    """What was taken out, and the datasets and runs that were made from it: they still hold text of it, or learnt it."""

    documents: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    snapshot: int = 0


def purge_files(workspace: Workspace, store: CorpusStore, files: Sequence[tuple[str, str]]) -> PurgeReport:
    """Remove every document of `files`, (path, collection), and scrub the workspace. The caller holds the writer lock.

    Datasets and runs that were built on one get a `purged.json`: such a dataset is refused, such a run is used with a warning.
    Reports lose the answers, which quote, and keep the measures.
    """
    wanted = set(files)
    gone = {entry["document_id"] for entry in store.overview() if set(store.files_of(entry["document_id"])) <= wanted}
    report = PurgeReport(documents=sorted(gone), files=[path for path, _ in files])
    report.snapshot = store.commit(removed_paths=list(files))
    # A segment holds vectors of other documents too; those move with the next add. Unnamed segments go now.
    sweep_segments(store, workspace.root)
    store.scrub()
    shutil.rmtree(workspace.root / "cache", ignore_errors=True)
    flag = {"documents": sorted(gone), "snapshot": report.snapshot}
    digests: set[str] = set()
    for folder in _folders(workspace, "datasets", "manifest.json"):
        text = (folder / "examples.jsonl").read_text(encoding="utf-8")
        if any(document in text for document in gone):
            digests.add(_json(folder / "manifest.json")["files"]["examples.jsonl"])
            report.datasets.append(folder.name)
            write_json(folder / FLAG, flag)
            (workspace.root / "datasets" / f"{folder.name}.teacher.jsonl").unlink(missing_ok=True)
    for folder in _folders(workspace, "runs", "config.json"):
        if _json(folder / "config.json")["dataset_digest"] in digests:
            report.runs.append(folder.name)
            write_json(folder / FLAG, flag)
    for folder in _folders(workspace, "reports", "results.json"):
        about = str(_json(folder / "results.json").get("about", {}).get("dataset", ""))
        if any(digest[:16] in about for digest in digests):
            report.reports.append(folder.name)
            for answers in ("rows.jsonl", "demo.json"):  # they quote the documents; the measures stay
                (folder / answers).unlink(missing_ok=True)
    return report


def _folders(workspace: Workspace, kind: str, complete: str) -> list[Path]:
    return sorted(path.parent for path in (workspace.root / kind).glob(f"*/{complete}"))


def _json(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value
