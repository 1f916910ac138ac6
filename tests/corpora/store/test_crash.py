"""Promise R1, short form: kill -9 at every durable operation and at random times. The long form is tests/soak/soak_crash.py."""

import random
from pathlib import Path

import pytest
from crash_trial import Scenario


@pytest.mark.parametrize("update", [False, True], ids=["fresh", "update"])
def test_kill_at_every_durable_operation(tmp_path: Path, update: bool) -> None:
    scenario = Scenario(tmp_path / "scenario", update)
    outcomes = []
    for kill_at in range(1, 1000):
        outcomes.append(scenario.trial(f"k{kill_at}", kill_at=kill_at))
        if not outcomes[-1]["killed"]:
            break
    assert not outcomes[-1]["killed"], "the probe never stopped firing"
    commits = len(scenario.states) - 1
    assert len(outcomes) > 3 * commits, "fewer operations than a write, an fsync and a rename a commit"
    assert {outcome["snapshot"] for outcome in outcomes} == set(scenario.states), "some snapshot was never left by a kill"


def test_kill_at_random_times(tmp_path: Path) -> None:
    draw = random.Random(7)
    scenarios = [Scenario(tmp_path / "fresh", update=False), Scenario(tmp_path / "update", update=True)]
    outcomes = []
    for number in range(15):
        scenario = scenarios[number % 2]
        outcomes.append(scenario.trial(f"r{number}", delay_s=draw.uniform(0, scenario.duration_s)))
    assert sum(outcome["killed"] for outcome in outcomes) >= 8
