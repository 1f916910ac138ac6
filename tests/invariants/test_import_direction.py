"""Imports run one way, `corpora → retrieval → raft → serving`, wherever in a file they stand."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ORDER = ("corpora", "retrieval", "raft", "serving")


def imported_packages(source: str, package: str) -> list[tuple[int, str]]:
    """`(line, package of ours)` of every import in `source`, also inside functions and through importlib."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [package] if node.level else [node.module or ""]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if function in ("import_module", "__import__"):
                names = [str(node.args[0].value)]
        found += [(node.lineno, name.split(".")[0]) for name in names if name.split(".")[0] in ORDER]
    return found


def violations(source: str, package: str) -> list[str]:
    """Every import in a file of `package` that runs from right to left."""
    allowed = ORDER[: ORDER.index(package) + 1]
    found = imported_packages(source, package)
    return [f"line {line}: {package} imports {name}" for line, name in found if name not in allowed]


@pytest.mark.parametrize("package", ORDER)
def test_imports_run_left_to_right(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files, f"{package} has no Python files"
    wrong = [f"{path.relative_to(ROOT)} {line}" for path in files for line in violations(path.read_text(), package)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "planted",
    [
        "import raft",
        "import os, serving.api.app as api",
        "from raft.records import Quote",
        "def late():\n    from serving import main\n",
        "class A:\n    def f(self):\n        if True:\n            import raft.quotes.verification\n",
        "import importlib\nimportlib.import_module('serving.main')",
        "__import__('raft')",
    ],
)
def test_a_planted_violation_is_found(planted: str) -> None:
    assert len(violations(planted, "retrieval")) == 1


def test_what_is_allowed_is_not_found() -> None:
    fine = "import rafters\nfrom corpora.records import Chunk\nfrom retrieval import dense\nfrom . import search\nx = 'raft'"
    assert violations(fine, "retrieval") == []
    assert violations("import retrieval", "corpora") == ["line 1: corpora imports retrieval"]
