"""The README's two pictures, from the workspace of a full demo.

    python tests/benchmarks/pictures.py demo-workspace

`docs/report.png` is the evaluation report's own; `docs/answer.svg` shows the two answers as the terminal does. The result file
`tests/benchmarks/results/demo.json` is written from the same run.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from environment import environment
from rich.console import Console
from rich.text import Text

from raft.records import Answer, Citation
from serving.answer_text import as_text

ROOT = Path(__file__).resolve().parents[2]


def main(workspace: Path) -> None:
    """Copy, draw and keep."""
    demo = json.loads((workspace / "reports" / "demo" / "demo.json").read_text(encoding="utf-8"))
    shutil.copy(workspace / "reports" / "demo" / "report.png", ROOT / "docs" / "report.png")
    console = Console(record=True, width=104, file=Path("/dev/null").open("w"))  # noqa: SIM115 - only the recording counts
    for row in demo["answers"]:
        answer = Answer(**{**row, "citations": tuple(Citation(**citation) for citation in row["citations"])})
        console.print(Text(f'$ raftsmith ask --run demo "{answer.question}"', style="bold cyan"))
        head, *proof = as_text(answer).splitlines()
        console.print(Text(head, style="bold"))
        for line in proof:
            console.print(Text(line, style="green" if '"' in line else "dim"))
        console.print()
    (ROOT / "docs" / "answer.svg").write_text(console.export_svg(title="raftsmith ask"), encoding="utf-8")
    kept = {key: demo[key] for key in ("seconds", "peak_memory_gb", "training", "evaluation")}
    kept["training"] = {key: value for key, value in kept["training"].items() if key != "folder"}
    kept["evaluation"] = {key: value for key, value in kept["evaluation"].items() if key != "report"}
    manifest = json.loads((workspace / "datasets" / "demo" / "manifest.json").read_text(encoding="utf-8"))
    kept["abstention"] = manifest["abstention"]
    target = ROOT / "tests" / "benchmarks" / "results" / "demo.json"
    target.write_text(json.dumps({"environment": environment(), **kept}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
