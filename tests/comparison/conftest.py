"""Other tools, each from an environment of its own that a variable names; without it its tests skip and say which.

    RAFTSMITH_LABEL_STUDIO=/path/to/label-studio  pytest tests/comparison/test_label_studio.py

With RAFTSMITH_RECORD=1 what was found is written to `results`.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "benchmarks"))


@pytest.fixture
def peer() -> Callable[[str], Path]:
    """The program that a variable names, or a skip with the reason."""

    def find(variable: str) -> Path:
        path = Path(os.environ.get(variable, ""))
        if not os.environ.get(variable) or not path.exists():
            pytest.skip(f"set {variable} to run this against the real tool; see tests/comparison/conftest.py")
        return path

    return find


@pytest.fixture
def record() -> Callable[[str, dict[str, Any]], None]:
    """Keeps what was found as `results/NAME.json`, when asked to."""
    from environment import environment

    def write(name: str, value: dict[str, Any]) -> None:
        if os.environ.get("RAFTSMITH_RECORD"):
            target = HERE / "results" / f"{name}.json"
            target.parent.mkdir(exist_ok=True)
            target.write_text(json.dumps({"environment": environment(), **value}, indent=1) + "\n", encoding="utf-8")

    return write


@pytest.fixture
def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def answers() -> Callable[[httpx.Client, str, float], None]:
    """Waits until a GET of the path is answered with 200."""

    def wait(client: httpx.Client, path: str, timeout_s: float) -> None:
        until = time.monotonic() + timeout_s
        while True:
            try:
                if client.get(path).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            assert time.monotonic() < until, f"{path} does not answer"
            time.sleep(1)

    return wait
