"""Promise R5, long form: the state machine of tests/corpora/store/id_machine.py for N steps.

python tests/soak/soak_ids.py --steps 10000 --json tests/soak/results/ids.json
"""

import argparse
import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "corpora" / "store")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    from hypothesis.stateful import run_state_machine_as_test
    from id_machine import IdMachine, machine_settings

    started, rounds, failure = time.monotonic(), 0, None
    while IdMachine.steps < arguments.steps and failure is None:
        rounds += 1
        try:
            run_state_machine_as_test(IdMachine, settings=machine_settings(examples=50, steps=50))
        except AssertionError as error:
            failure = str(error) or repr(error)
    result = {
        "promise": "R5",
        "steps": IdMachine.steps,
        "rounds": rounds,
        "failure": failure,
        "seconds": round(time.monotonic() - started, 1),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    text = json.dumps(result, indent=2, sort_keys=True) + "\n"
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(text)
    print(text, end="")
    return 0 if failure is None else 1


if __name__ == "__main__":
    sys.exit(main())
