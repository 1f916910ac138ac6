"""The pages that are written from the code are what the code says, and every example in a command's help is a command line that parses."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from serving.configuration import SECTIONS
from serving.main import raftsmith

ROOT = Path(__file__).resolve().parents[2]


def test_the_pages_are_what_the_code_says() -> None:
    script = ROOT / "tests" / "docs" / "reference_pages.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_page_has_every_verb_and_every_section() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text()
    assert re.findall(r"^## (\S+)$", page, re.M) == sorted(raftsmith.commands)
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert re.findall(r"^## \[(\S+)\]$", page, re.M) == [section.SECTION for section in SECTIONS]


@pytest.mark.parametrize("name", sorted(raftsmith.commands))
def test_the_example_in_a_verbs_help_parses(name: str) -> None:
    command = raftsmith.commands[name]
    example = shlex.split((command.epilog or "").split("raftsmith ", 1)[1])
    assert example[0] == name
    context = click.Context(command, info_name=name, resilient_parsing=True)  # its files are not here
    assert command.parse_args(context, example[1:]) == []
