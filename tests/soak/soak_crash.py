"""Promise R1, long form: kill -9 at N random times, half into a new workspace and half into one with older versions.

python tests/soak/soak_crash.py --kills 200 --json tests/soak/results/crash.json
"""

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "corpora" / "store")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    from crash_trial import Scenario

    draw, started = random.Random(arguments.seed), time.monotonic()
    outcomes, broken = [], []
    with tempfile.TemporaryDirectory() as folder:
        scenarios = [Scenario(Path(folder) / str(update), update) for update in (False, True)]
        while sum(outcome["killed"] for outcome in outcomes) + len(broken) < arguments.kills:
            number = len(outcomes) + len(broken)
            scenario = scenarios[number % 2]
            try:
                outcomes.append(scenario.trial(f"r{number}", delay_s=draw.uniform(0, scenario.duration_s)))
            except AssertionError as error:
                broken.append(f"trial {number}: {error}")
    landed = sum(outcome["snapshot"] > outcome["acknowledged"] for outcome in outcomes)
    result = {
        "promise": "R1",
        "kills": sum(outcome["killed"] for outcome in outcomes),
        "finished_before_the_kill": sum(not outcome["killed"] for outcome in outcomes),
        "commit_landed_unacknowledged": landed,
        "snapshots_left": {str(key): count for key, count in sorted(Counter(o["snapshot"] for o in outcomes).items())},
        "broken": broken,
        "seconds": round(time.monotonic() - started, 1),
        "seed": arguments.seed,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    text = json.dumps(result, indent=2, sort_keys=True) + "\n"
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(text)
    print(text, end="")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
