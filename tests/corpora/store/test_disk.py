"""Promises R2 and R3: the store after a power failure, and on a disk that is full, broken or does not sync. On the real system calls."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from crash_trial import Scenario, acknowledged_states
from disk_trial import COMPILER, compiled, power_trials, write_under_shim

from corpora.store.corpus_store import CorpusStore

EVERY = int(os.environ.get("RAFTSMITH_EVERY", "0"))  # tests/soak/soak_disk.py takes every operation
OPENING = 5  # so many operations open the store; every one is taken
STEPS = {"enospc": 47, "eio": 53, "short": 41, "fsync": 7}

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the shim is for Linux"),
    pytest.mark.skipif(COMPILER is None, reason="there is no C compiler"),
]


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("shim"))


@pytest.mark.timeout(7200 if EVERY else 300)
@pytest.mark.parametrize("update", [False, True], ids=["fresh", "update"])
def test_power_failures(tmp_path: Path, shim: Path, update: bool) -> None:
    scenario = Scenario(tmp_path / "s", update)
    seeds = [None, *range(1, 20)] if EVERY else [None, 1]
    assert power_trials(scenario, shim, "p", seeds, EVERY or 12) >= 20


@pytest.mark.timeout(7200 if EVERY else 300)
@pytest.mark.parametrize("how", ["enospc", "eio", "short", "fsync"])
def test_a_failing_disk(tmp_path: Path, shim: Path, how: str) -> None:
    scenario = Scenario(tmp_path / "s", update=True)
    failed, operation = 0, 1
    while True:
        workspace, acks = scenario.start(f"{how}{operation}"), scenario.folder / f"{how}{operation}.acks"
        process = write_under_shim(shim, scenario, workspace, acks, fail=(operation, how))
        happened = "shim: failed" in process.stderr
        last = max(acknowledged_states(acks) or scenario.first)
        store = CorpusStore(workspace / "corpus.db")
        snapshot = store.snapshot
        assert snapshot in (last, last + 1)
        scenario.check(store, workspace, scenario.states[snapshot])
        scenario.complete(store, workspace)  # mended, it goes on
        scenario.check(store, workspace, scenario.states[max(scenario.states)])
        store.close()
        if not happened:
            break
        if process.returncode:  # a failure that was not in the way, as of a checkpoint at the end, may pass
            failed += 1
            assert "StoreError" in process.stderr or "OSError" in process.stderr, process.stderr
            assert "restore a backup" not in process.stderr, "what is there is whole"
        operation += EVERY or (1 if operation < OPENING else STEPS[how])
    assert failed >= 2 or how == "short"  # who is told that half was written writes the rest
