"""Promises R2 and R3 in their long form: every operation of a writer, 20 power failures at each, every kind of failing disk.

python tests/soak/soak_disk.py --every 1 --json tests/soak/results/disk.json
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Run the tests with every operation and keep what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    started = time.monotonic()
    environment = {**os.environ, "RAFTSMITH_EVERY": str(arguments.every)}
    command = [sys.executable, "-m", "pytest", "-q", "tests/corpora/store/test_disk.py"]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    result = {"every": arguments.every, "passed": done.returncode == 0, "seconds": round(time.monotonic() - started)}
    print(json.dumps(result))
    if arguments.json:
        arguments.json.write_text(json.dumps(result) + "\n", encoding="utf-8")
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
