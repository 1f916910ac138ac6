"""Promises S10 and S11: nothing in our packages can fetch by URL, but the teacher that a person names."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = frozenset(["requests", "urllib.request", "urllib3", "httpx", "aiohttp", "http.client", "ftplib", "socket", "smtplib"])
ALLOWED = {
    "raft/teachers/openai_endpoint.py": {"httpx"},  # contacts the address that --teacher gives, and nothing else
    "serving/http/server.py": {"socket"},  # listens
}


def imported(source: str) -> set[str]:
    """The modules that can open a connection and that `source` imports, wherever it does so."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        found |= {client for name in names for client in CLIENTS if name == client or name.startswith(f"{client}.")}
    return found


@pytest.mark.parametrize("package", ["corpora", "retrieval", "raft", "serving"])
def test_only_the_named_modules_can_open_a_connection(package: str) -> None:
    for path in sorted((ROOT / package).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        assert imported(path.read_text(encoding="utf-8")) <= ALLOWED.get(name, set()), name


def test_a_planted_client_is_found() -> None:
    assert imported("def f():\n    from urllib import request") == {"urllib.request"}
    assert imported("import requests.adapters") == {"requests"} and imported("import urllib.parse") == set()
