"""A disk that loses power, and one that fails: what a writer did is written down by disk/shim.c, and replayed as a disk may keep it.

After a power failure a file holds what was synced and any part of what was not: writes lost, kept out of order, or torn at a sector. A
name (made, renamed, deleted) is sure once its folder was synced; before, the first of a folder's unsynced changes may have been kept.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crash_trial import Scenario, acknowledged_states

from corpora.store.corpus_store import CorpusStore

SECTOR = 512
SHIM = Path(__file__).parent / "disk" / "shim.c"
ROOT = Path(__file__).resolve().parents[3]
COMPILER = shutil.which("cc") or shutil.which("gcc")


@dataclass(frozen=True)
class Operation:
    """What was done to `path`: `data` written at `offset`, a length to cut to, or `other`, the new name."""

    kind: str
    path: str
    offset: int = 0
    data: bytes = b""
    other: str = ""


@dataclass
class _File:
    sure: bytearray = field(default_factory=bytearray)
    pending: list[Operation] = field(default_factory=list)

    def now(self, survivors: Sequence[Operation]) -> bytearray:
        content = bytearray(self.sure)
        for operation in survivors:
            end = operation.offset + len(operation.data)
            if operation.kind == "truncate":
                del content[operation.offset :]
                end = operation.offset
            content.extend(bytes(max(0, end - len(content))))
            if operation.kind == "write":
                content[operation.offset : end] = operation.data
        return content


class Disk:
    """Names and files as a running system sees them, and as they would be found after a power failure."""

    def __init__(self, root: Path) -> None:
        """What is under `root` now is sure."""
        self.root = str(root)
        self._names: dict[str, _File | None] = {}
        self._sure: dict[str, _File | None] = {}
        self._unsynced: dict[str, list[tuple[str, str, _File | None, str]]] = {}
        for path in sorted(root.rglob("*")):
            self._names[str(path)] = None if path.is_dir() else _File(bytearray(path.read_bytes()))
        self._names[self.root] = None
        self._sure = dict(self._names)

    def apply(self, operation: Operation) -> None:
        """One more operation of the running system."""
        path, kind = operation.path, operation.kind
        if kind in ("create", "mkdir"):
            self._names[path] = _File() if kind == "create" else None
            self._change(path, kind, self._names[path])
        elif kind == "rename":
            self._names[operation.other] = self._names.pop(path)
            self._change(operation.other, kind, self._names[operation.other], path)
        elif kind == "unlink":
            self._change(path, kind, self._names.pop(path))
        elif kind == "fsync" and self._names[path] is None:
            for change in self._unsynced.pop(path, []):
                self._settle(self._sure, *change)
        else:
            file = self._names[path]
            assert file is not None
            if kind == "fsync":
                file.sure, file.pending = file.now(file.pending), []
            else:
                file.pending.append(operation)

    def after_power_failure(self, folder: Path, draw: random.Random | None) -> None:
        """Write what is found afterwards under `folder`; without `draw` nothing that was unsynced is kept."""
        names = dict(self._sure)
        for changes in self._unsynced.values():
            for change in changes[: draw.randint(0, len(changes))] if draw else []:
                self._settle(names, *change)
        folder.mkdir(parents=True)
        for path, file in sorted(names.items(), key=lambda item: item[0]):
            target = folder / Path(path).relative_to(self.root)
            if not target.parent.is_dir():
                continue  # its folder's name was lost
            if file is None:
                target.mkdir(exist_ok=True)
            else:
                target.write_bytes(file.now(_kept(file.pending, draw)))

    def _change(self, path: str, kind: str, file: _File | None, old: str = "") -> None:
        self._unsynced.setdefault(str(Path(path).parent), []).append((path, kind, file, old))

    @staticmethod
    def _settle(names: dict[str, _File | None], path: str, kind: str, file: _File | None, old: str) -> None:
        names.pop(old, None)
        if kind == "unlink":
            names.pop(path, None)
        else:
            names[path] = file


def _kept(pending: Sequence[Operation], draw: random.Random | None) -> list[Operation]:
    """Some of the unsynced writes, in any order, the torn ones shortened."""
    if draw is None:
        return []
    survivors = []
    for operation in pending:
        fate = draw.random()
        if fate < 0.5:
            survivors.append(operation)
        elif fate < 0.7 and len(operation.data) > SECTOR:
            torn = operation.data[: SECTOR * draw.randint(1, len(operation.data) // SECTOR)]
            survivors.append(Operation("write", operation.path, operation.offset, torn))
    if draw.random() < 0.3:
        draw.shuffle(survivors)
    return survivors


def compiled(folder: Path) -> Path:
    """The shim as a library."""
    library = folder / "shim.so"
    assert COMPILER is not None
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", str(library), str(SHIM), "-ldl"], check=True)
    return library


def write_under_shim(
    shim: Path, scenario: Scenario, workspace: Path, acks: Path, log: Path | None = None, fail: tuple[int, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Index the scenario's files in a process with the shim: logged, or failing at the n-th operation in some way."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = {**os.environ, "PYTHONPATH": path, "LD_PRELOAD": str(shim), "SHIM_ROOT": str(workspace)}
    if log:
        environment |= {"SHIM_LOG": str(log), "SHIM_ROOT": str(workspace.parent / workspace.name)}
    if fail:
        environment |= {"SHIM_FAIL_AT": str(fail[0]), "SHIM_FAIL_HOW": fail[1]}
    words = [sys.executable, __file__, str(workspace), str(acks), *map(str, scenario.files)]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


def read_log(path: Path) -> list[Operation]:
    """The operations, in order."""
    operations, content, position = [], path.read_bytes(), 0
    while position < len(content):
        end = content.index(b"\n", position)
        kind, name, offset, length, new_name = content[position:end].decode().split("\t")
        position = end + 1 + int(length)
        operations.append(Operation(kind, name, int(offset), content[end + 1 : position], new_name))
    return operations


def power_trials(scenario: Scenario, shim: Path, name: str, seeds: Sequence[int | None], every: int) -> int:
    """Check the store after power failures at every `every`-th operation, once a seed; gives how many there were.

    The acknowledgements lie in the workspace as `acks`, so that the log tells which commits had been acknowledged by then.
    """
    workspace, log = scenario.start(name), scenario.folder / f"{name}.log"
    before = scenario.folder / f"{name}.before"
    shutil.copytree(workspace, before)
    process = write_under_shim(shim, scenario, workspace, workspace / "acks", log)
    assert process.returncode == 0, process.stderr
    operations = [op for op in read_log(log) if Path(op.path) != workspace]
    states, trials = {**scenario.first, **acknowledged_states(workspace / "acks")}, 0
    for seed in seeds:
        shutil.rmtree(workspace)
        shutil.copytree(before, workspace)
        disk, acknowledged = Disk(workspace), bytearray()
        for number, operation in enumerate(read_log(log)):
            if operation.path == str(workspace / "acks"):
                acknowledged += operation.data
                continue
            disk.apply(operation)
            if number % every:
                continue
            trials += 1
            survived = scenario.folder / f"{name}.found"
            disk.after_power_failure(survived, None if seed is None else random.Random(seed * 100_000 + number))
            sure = max([*scenario.first, *(int(line.split(b",")[0][1:]) for line in acknowledged.splitlines())])
            if not (survived / "corpus.db").exists():
                assert sure == 0, f"the store is gone after {sure} was acknowledged"
                shutil.rmtree(survived)
                continue
            store = CorpusStore(survived / "corpus.db")
            snapshot = store.snapshot
            assert sure <= snapshot <= sure + 1, (
                f"operation {number}, seed {seed}: snapshot {snapshot} after {sure} was acknowledged"
            )
            scenario.check(store, survived, states[snapshot])
            store.close()
            shutil.rmtree(survived)
    assert operations
    return trials


if __name__ == "__main__":
    from crash_trial import _write

    _write(Path(sys.argv[1]), [Path(word) for word in sys.argv[3:]], Path(sys.argv[2]), None)
