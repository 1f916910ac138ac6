"""The main job through the command line: documents in, a tuned model that quotes out, a measured answer. A tiny model, real stages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from retrieval.model_folders import ModelFolder

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "corpora" / "samples"


def raftsmith(*words: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "serving.main", *words, "--json"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    return value


@pytest.mark.parametrize("adapter", ["qlora"])
def test_from_a_folder_of_files_to_a_measured_quoting_assistant(adapter: str, tiny: ModelFolder, tmp_path: Path) -> None:
    place = ("--workspace", str(tmp_path / "w"))
    raftsmith("init", str(tmp_path / "w"))
    config = tmp_path / "w" / "raftsmith.toml"
    text = (
        config.read_text().replace('"all-MiniLM-L6-v2"', '"hashing-128"').replace('"SmolLM2-135M-Instruct"', f'"{tiny.path}"')
    )
    config.write_text(text.replace("max_tokens = 1536", "max_tokens = 4096"))
    files = sorted((SAMPLES / "legal").iterdir())[:20]
    assert raftsmith("add", *map(str, files), *place)["added"] == 20

    questions = str(SAMPLES / "questions" / "legal.json")
    manifest = raftsmith("generate", "--from-qa", questions, "--name", "d", *place)
    assert manifest["counts"]["by_split"]["train"] > 50 and manifest["counts"]["dropped"]
    again = raftsmith("generate", "--from-qa", questions, "--name", "d", *place)
    assert again["files"] == manifest["files"]

    run = raftsmith("train", "--dataset", "d", "--adapter", adapter, "--max-examples", "24", "--run", "r", *place)
    assert run["steps"] >= 1 and run["validation_loss"] > 0

    report = raftsmith("evaluate", "--dataset", "d", "--run", "r", "--limit", "6", "--report", "first", *place)
    assert report["n"] == 6 and set(report["verdicts"]) == {"r"}
    assert {path.name for path in (tmp_path / "w" / "reports" / "first").iterdir()} == {
        "report.md",
        "report.png",
        "results.json",
        "rows.jsonl",
    }

    for model in ((), ("--run", "r")):
        answer = raftsmith("ask", "How long may a deposit be held?", *model, *place)
        assert set(answer) == {"answer", "abstained", "support", "citations", "snapshot", "run"}
        assert answer["run"] == (model[1] if model else None)

    adapter_file = next((tmp_path / "w" / "runs" / "r" / "adapter").glob("*.safetensors"))
    adapter_file.write_bytes(adapter_file.read_bytes()[:-1] + b"x")
    broken = subprocess.run(
        [sys.executable, "-m", "serving.main", "ask", "Why?", "--run", "r", *place],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert broken.returncode == 1 and "damaged" in broken.stderr and "Traceback" not in broken.stderr
