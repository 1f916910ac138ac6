"""Promise R6 in its long form: 8 readers and a writer for 60 seconds, see tests/corpora/store/snapshot_trial.py.

python tests/soak/soak_snapshots.py --json tests/soak/results/snapshots.json
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "corpora" / "store")]

from snapshot_trial import trial  # noqa: E402


def main() -> None:
    """Run it and keep what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        observed = trial(Path(folder), given.seconds, given.readers, rebuilt=10_000)
    result = {"readers": given.readers, "seconds": given.seconds, **asdict(observed)}
    print(json.dumps(result))
    if given.json:
        given.json.write_text(json.dumps(result) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
