"""Promise S5: nothing in our packages can run code that comes from a file."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("corpora", "retrieval", "raft", "serving")
MODULES = frozenset(["pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"])
CALLS = frozenset(
    ["torch.load", "os.system", "os.popen", "yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "eval", "exec"]
)
# Keywords that may be given only as this literal: a variable could be anything.
KEYWORDS = {"allow_pickle": False, "shell": False, "trust_remote_code": False, "weights_only": True}


def violations(source: str) -> list[str]:
    """Every banned import, call and keyword in `source`, with its line; aliases of imports are followed."""
    tree = ast.parse(source)
    aliases = _aliases(tree)
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [f"line {node.lineno}: import {a.name}" for a in node.names if a.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in MODULES:
                found.append(f"line {node.lineno}: from {node.module} import")
            found += [f"line {node.lineno}: {node.module}.{a.name}" for a in node.names if f"{node.module}.{a.name}" in CALLS]
        elif isinstance(node, ast.Attribute | ast.Name) and _dotted(node, aliases) in CALLS:
            found.append(f"line {node.lineno}: {_dotted(node, aliases)}")
        elif isinstance(node, ast.Call):
            found += [
                f"line {node.lineno}: {keyword.arg}={ast.unparse(keyword.value)}"
                for keyword in node.keywords
                if keyword.arg in KEYWORDS
                and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is KEYWORDS[keyword.arg])
            ]
    return found


def _aliases(tree: ast.AST) -> dict[str, str]:
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    return {alias.asname: alias.name for node in imports for alias in node.names if alias.asname}


def _dotted(node: ast.expr, aliases: dict[str, str]) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, aliases)}.{node.attr}"
    return aliases.get(node.id, node.id) if isinstance(node, ast.Name) else "?"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_banned_construct(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files, f"{package} has no Python files"
    wrong = [f"{path.relative_to(ROOT)} {line}" for path in files for line in violations(path.read_text())]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "planted",
    [
        "import pickle",
        "import cPickle as p",
        "def f():\n    import dill.detect",
        "from joblib import load",
        "from pickle import loads",
        "import torch\nstate = torch.load(path)",
        "import torch as t\nt.load(path)",
        "from torch import load",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "import yaml\nyaml.load(text)",
        "subprocess.run(line, shell=True)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "AutoModel.from_pretrained(name, trust_remote_code=config.trust)",
        "anything(path, weights_only=False)",
        "eval('1')",
        "exec(code)",
        "import os\nos.system('ls')",
        "run = eval",
    ],
)
def test_a_planted_violation_is_found(planted: str) -> None:
    assert violations(planted)


def test_what_is_safe_is_not_found() -> None:
    fine = "model.eval()\nnp.load(p, allow_pickle=False)\njson.load(f)\nyaml.safe_load(t)\nrun(x, shell=False)\nx = 'eval(1)'"
    assert violations(fine) == []
