"""The command line as scripts see it: exit codes, one JSON document on stdout, help that ends in an example, quick `--help`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from serving.main import raftsmith as group

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "corpora" / "samples"
VERBS = (
    "init",
    "add",
    "sync",
    "documents",
    "versions",
    "rights",
    "remove",
    "purge",
    "backup",
    "restore",
    "search",
    "evaluate-retrieval",
    "tune-search",
    "tune-encoder",
    "tune-reranker",
    "index",
    "inspect",
    "annotate",
    "generate",
    "train",
    "evaluate",
    "ask",
    "serve",
    "swap",
    "models",
    "doctor",
    "demo",
)


def run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "serving.main", *words],
        capture_output=True,
        text=True,
        cwd=cwd or ROOT,
        env=environment,
        check=False,
    )


def result(*words: str) -> dict[str, Any]:
    done = run(*words, "--json")
    assert done.returncode == 0, done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    return value


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the hashing encoder and eight medical notes in all formats."""
    root = tmp_path_factory.mktemp("workspace")
    result("init", str(root))
    config = root / "raftsmith.toml"
    config.write_text(config.read_text().replace('"all-MiniLM-L6-v2"', '"hashing-128"'))
    files = sorted((SAMPLES / "medical").iterdir())[:8]
    added = result("add", *map(str, files), "--collection", "medical", "--workspace", str(root))
    nothing = {"unchanged": 0, "removed": 0, "duplicates": 0, "waiting": 0, "unencoded": 0, "failed": [], "personal_data": {}}
    cleaned, snapshot = added["cleaned"], added["snapshot"]
    assert added == {"added": 8, "documents": 8, "cleaned": cleaned, "snapshot": snapshot, **nothing}
    assert cleaned["running-lines"] > 0
    return root


def test_every_verb_has_help_that_ends_in_an_example_which_parses() -> None:
    assert set(group.commands) == set(VERBS)
    for name, command in group.commands.items():
        epilog = (command.epilog or "").strip().splitlines()
        assert epilog[-2] == "Example:", name
        words = epilog[-1].split()
        assert words[:2] == ["raftsmith", name]
        options = {option for parameter in command.params for option in getattr(parameter, "opts", [])}
        assert {word for word in words if word.startswith("-")} <= options, name


def test_help_is_quick() -> None:
    times = []
    for _ in range(5):
        started = time.monotonic()
        assert run("--help").returncode == 0
        times.append(time.monotonic() - started)
    assert statistics.median(times) < 0.5, times


def test_adding_again_changes_nothing_and_a_bad_file_has_its_reason(workspace: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "note.txt", tmp_path / "broken.pdf"
    good.write_text("Aspirin is given at 300 mg. It is chewed.")
    bad.write_bytes(b"%PDF-1.4 nothing")
    first = result("add", str(tmp_path), "--workspace", str(workspace))
    assert first["added"] == 1 and [item["path"] for item in first["failed"]] == [str(bad)] and first["failed"][0]["reason"]
    second = result("add", str(tmp_path), "--workspace", str(workspace))
    assert second["added"] == 0 and second["unchanged"] == 1


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
def test_search_gives_the_documented_fields(workspace: Path, mode: str) -> None:
    value = result("search", "warfarin INR target", "-k", "3", "--mode", mode, "--workspace", str(workspace))
    assert len(value["hits"]) == 3 and value["snapshot"] >= 1
    fields = {"rank", "score", "chunk_id", "document_id", "title", "source", "start", "end", "section", "page", "text"}
    assert all(set(hit) == fields for hit in value["hits"])
    assert [hit["rank"] for hit in value["hits"]] == [1, 2, 3]


def test_a_search_explains_itself(workspace: Path) -> None:
    words = ("search", "warfarin INR target", "-k", "2", "--workspace", str(workspace), "--explain")
    value = result(*words)
    first = value["explanations"][0]
    assert [e["chunk_id"] for e in value["explanations"]] == [hit["chunk_id"] for hit in value["hits"]]
    assert first["dense"]["share"] + first["lexical"]["share"] == pytest.approx(value["hits"][0]["score"], abs=1e-5)
    assert first["matched"] and value["left_out"] == []
    told = run(*words)
    assert "cosine" in told.stdout and "BM25" in told.stdout and "0.6 · dense + 0.4 · lexical" in told.stdout


def test_the_index_is_shown_and_rebuilt(workspace: Path) -> None:
    found = json.loads(run("index", "--json", cwd=workspace).stdout)
    counted = json.loads(run("search", "rent", "--json", cwd=workspace).stdout)
    assert found["vectors"] > 0 and found["plan"]["kind"] == "exact" and found["snapshot"] == counted["snapshot"]
    (before,) = [path.name for path in (workspace / "cache").iterdir() if path.is_dir()]
    rebuilt = run("index", "--rebuild", cwd=workspace)
    assert "exact search, because" in rebuilt.stdout and "recall 1" in rebuilt.stdout and not rebuilt.returncode
    (after,) = [path.name for path in (workspace / "cache").iterdir() if path.is_dir()]
    assert after != before


def test_exit_codes_and_errors_that_say_what_to_do(workspace: Path, tmp_path: Path) -> None:
    assert run("search").returncode == 2
    assert run("nonsense").returncode == 2
    nowhere = run("search", "x", cwd=tmp_path)
    assert nowhere.returncode == 1 and "raftsmith init" in nowhere.stderr and nowhere.stdout == ""
    assert "Traceback" not in nowhere.stderr
    missing = run("add", "does-not-exist", "--workspace", str(workspace))
    assert missing.returncode == 1 and "does not exist" in missing.stderr
    unknown = run("train", "--dataset", "none", "--workspace", str(workspace))
    assert unknown.returncode == 1 and "raftsmith generate" in unknown.stderr
    assert run("generate", "--workspace", str(workspace)).returncode == 2


def test_a_misspelt_key_is_named_with_the_right_one(workspace: Path, tmp_path: Path) -> None:
    shutil.copy(workspace / "raftsmith.toml", tmp_path / "raftsmith.toml")
    with (tmp_path / "raftsmith.toml").open("a") as handle:
        handle.write("\n[trian]\nrank = 8\n")
    done = run("search", "x", "--workspace", str(tmp_path))
    assert done.returncode == 1 and "did you mean train?" in done.stderr


def test_what_init_writes_is_the_default_configuration(workspace: Path, tmp_path: Path) -> None:
    from corpora.workspace.config import Config, read_config
    from serving.configuration import SECTIONS

    result("init", str(tmp_path / "new"))
    written = read_config(tmp_path / "new" / "raftsmith.toml")
    assert set(written.tables) == {section.SECTION for section in SECTIONS}
    for section in SECTIONS:
        assert written.options(section) == Config().options(section) == section()
    assert run("init", str(tmp_path / "new")).returncode == 1


def test_the_workspace_is_found_from_a_folder_below_it(workspace: Path) -> None:
    below = workspace / "some" / "where"
    below.mkdir(parents=True, exist_ok=True)
    assert run("search", "warfarin", cwd=below).returncode == 0


def test_an_interrupt_is_exit_code_130(workspace: Path, tmp_path: Path) -> None:
    for number in range(400):
        (tmp_path / f"{number}.txt").write_text(f"Note {number}. " + "A sentence with some words in it. " * 400)
    process = subprocess.Popen(
        [sys.executable, "-m", "serving.main", "add", str(tmp_path), "--workspace", str(workspace)],
        stderr=subprocess.PIPE,
        cwd=ROOT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    # Python ends itself by the signal when that came inside of an `exec`, as imports have them; a shell calls both 130.
    assert process.returncode in (130, -signal.SIGINT) and b"the same command goes on" in error, error


def test_doctor_finds_a_damaged_segment_and_repairs(workspace: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(workspace, copy)
    assert result("doctor", "--workspace", str(copy))["ok"]
    segment = max((copy / "segments").glob("*.safetensors"), key=lambda path: path.stat().st_size)
    data = bytearray(segment.read_bytes())
    data[-1] ^= 1
    segment.write_bytes(bytes(data))
    wrong = run("doctor", "--workspace", str(copy), "--json")
    assert wrong.returncode == 1 and not json.loads(wrong.stdout)["ok"]
    assert run("doctor", "--repair", "--workspace", str(copy)).returncode == 0
    assert result("doctor", "--workspace", str(copy))["ok"]


def test_models_lists_what_is_packaged_with_its_needs() -> None:
    rows = {row["name"]: row for row in result("models")["models"]}
    base = rows["SmolLM2-135M-Instruct"]
    assert base["context"] == 8192 and base["licence"] == "Apache-2.0" and 130e6 < base["parameters"] < 140e6
    need = base["memory_gb"]
    assert need["inference"] < min(need["lora"], need["qlora"]) and max(need["lora"], need["qlora"]) < need["full"]
