"""Promise S1 in its long form: 10,000 random pairs of reader and query, see tests/corpora/store/test_rights.py.

python tests/soak/soak_rights.py --pairs 10000 --json tests/soak/results/rights.json
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
TEST = "tests/corpora/store/test_rights.py::test_random_pairs_of_reader_and_query"


def main() -> None:
    """Run the test with more pairs and keep what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    started = time.monotonic()
    environment = {**os.environ, "RAFTSMITH_PAIRS": str(arguments.pairs)}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", TEST], cwd=ROOT, env=environment, check=False)
    result = {"pairs": arguments.pairs, "passed": done.returncode == 0, "seconds": round(time.monotonic() - started)}
    print(json.dumps(result))
    if arguments.json:
        arguments.json.write_text(json.dumps(result) + "\n", encoding="utf-8")
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
