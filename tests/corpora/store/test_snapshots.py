"""Promise R6, short form: readers beside a writer answer from whole snapshots. The long form is tests/soak/soak_snapshots.py."""

from pathlib import Path

from snapshot_trial import trial


def test_every_answer_is_that_of_one_snapshot(tmp_path: Path) -> None:
    observed = trial(tmp_path, seconds=8, readers=4, rebuilt=12)
    assert observed.commits >= 10 and observed.snapshots >= 5 and observed.checked >= 50
