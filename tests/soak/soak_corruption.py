"""Promise R4 in its long form: 500 bit flips and truncations, see tests/corpora/store/corruption_trial.py.

python tests/soak/soak_corruption.py --json tests/soak/results/corruption.json
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "corpora" / "store")]

from corruption_trial import make_workspace, trial  # noqa: E402


def main() -> None:
    """Run it and keep what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--damages", type=int, default=500)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        came = trial(make_workspace(Path(folder) / "w"), given.damages)
    result = {"damages": given.damages, "outcomes": dict(sorted(came.items()))}
    print(json.dumps(result))
    if given.json:
        given.json.write_text(json.dumps(result) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
