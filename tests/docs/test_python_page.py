"""docs/python.md runs as it stands there, over real documents and a tiny model; the packages export what it says, and nothing twice."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import corpora
import raft
import retrieval
from corpora.workspace.toml_edit import write_values
from retrieval.model_folders import ModelFolder

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "python.md"
SAMPLES = ROOT / "corpora" / "samples"
TEXTS = sorted(path for path in (SAMPLES / "legal").iterdir() if path.suffix in (".md", ".txt", ".html"))[:24]


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)


def test_the_page_runs(
    tmp_path: Path, tiny: ModelFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("contracts").mkdir()
    for path in TEXTS:
        shutil.copy(path, "contracts")
    shutil.copy(SAMPLES / "questions" / "legal.json", "questions.json")
    first, *others = blocks()
    names: dict[str, object] = {}
    exec(compile(first, str(PAGE), "exec"), names)  # the page is ours
    config = tmp_path / "my-collection" / "raftsmith.toml"
    write_values(config, "models", {"encoder": "hashing-256", "base": str(tiny.path)})
    write_values(config, "ask", {"max_tokens": 8})
    for block in others:
        exec(compile(block, str(PAGE), "exec"), names)
    printed = capsys.readouterr().out
    assert f"{len(TEXTS)} files {len(TEXTS)} documents" in printed
    assert "['first-lora']" in printed and "token F1" in printed and "report.md" in printed
    assert json.loads((tmp_path / "my-collection" / "runs" / "first-lora" / "run.json").read_text())["examples"] <= 8


def exports(package: ModuleType) -> list[str]:
    return re.findall(r"import \w+ as (\w+)$", Path(str(package.__file__)).read_text(), re.M)


@pytest.mark.parametrize("package", [corpora, retrieval, raft])
def test_what_a_package_exports(package: ModuleType) -> None:
    """What type checkers see is what is there; a name that is not says which are."""
    names = exports(package)
    assert 10 <= len(names) <= 14
    for name in names:
        assert getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match="exports no 'nothing'; it exports"):
        _ = package.nothing
    with pytest.raises(AttributeError) as error:
        _ = package.nothing
    assert set(re.findall(r"[A-Za-z_]{2,}", str(error.value).split("it exports ")[1])) == set(names)


def test_importing_the_packages_loads_no_model_library() -> None:
    code = "import sys, corpora, retrieval, raft; print({'torch', 'transformers', 'numpy', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "set()"
