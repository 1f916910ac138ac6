"""The pages that are written from the code: docs/command-line.md and docs/configuration.md.

python tests/docs/reference_pages.py            # write them
python tests/docs/reference_pages.py --check    # exit code 1 when a page is not what the code says
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from corpora.workspace.config import Section, described  # noqa: E402
from serving.configuration import SECTIONS  # noqa: E402
from serving.main import raftsmith  # noqa: E402

GENERATED = "<!-- Written by tests/docs/reference_pages.py from the code. -->"
WIDTH = 110
_BOUNDS = (("ge", "at least {}"), ("gt", "above {}"), ("le", "at most {}"), ("lt", "below {}"))


def command_line() -> str:
    """Every verb as `--help` shows it, in the order of the command line."""
    with click.Context(raftsmith, info_name="raftsmith", max_content_width=WIDTH, terminal_width=WIDTH) as root:
        lines = [
            "# Command line",
            "",
            GENERATED,
            "",
            "Results go to stdout, as one JSON document with `--json`; everything else goes to stderr. Exit codes: 0 done, 1 failed,",
            "2 misused, 130 interrupted; what was interrupted goes on where it was when the same command is given again.",
            "",
        ]
        for name in raftsmith.list_commands(root):
            command = raftsmith.get_command(root, name)
            assert command is not None
            with click.Context(command, parent=root, info_name=name, max_content_width=WIDTH, terminal_width=WIDTH) as context:
                lines += [f"## {name}", "", "```text", command.get_help(context).rstrip(), "```", ""]
    return "\n".join(lines)


def configuration() -> str:
    """A table a section of `raftsmith.toml`: key, default, what is accepted, what it means."""
    lines = [
        "# Configuration",
        "",
        GENERATED,
        "",
        "`raftsmith init` writes `raftsmith.toml` with every key at its default. A flag goes over the file, the file over the default. An",
        "unknown key is an error that names the nearest known one.",
        "",
    ]
    for section in SECTIONS:
        lines += [f"## [{section.SECTION}]", "", (section.__doc__ or "").strip().splitlines()[0], ""]
        lines += ["| key | default | accepted | meaning |", "|---|---|---|---|"]
        lines += [f"| {' | '.join(cells)} |" for cells in _rows(section)]
        lines += [""]
    return "\n".join(lines)


def _rows(section: type[Section]) -> Iterator[tuple[str, str, str, str]]:
    defaults, types = dataclasses.asdict(section()), get_type_hints(section)
    fields = {field.name: field.default for field in dataclasses.fields(section)}
    for key, text in described(section):
        default = json.dumps(defaults[key], ensure_ascii=False)
        yield f"`{key}`", f"`{default}`", _accepted(types[key], fields[key]), text.replace("|", "\\|")


def _accepted(kind: Any, info: Any) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(f"`{json.dumps(value)}`" for value in get_args(kind))
    names = {int: "whole number", float: "number", str: "text", bool: "true or false"}
    name = names.get(kind, "list of texts" if get_origin(kind) is tuple else "table")
    bounds = [
        text.format(f"{value:g}")
        for item in info.metadata
        for key, text in _BOUNDS
        if (value := getattr(item, key, None)) is not None
    ]
    return ", ".join([name, *bounds])


PAGES = {"command-line.md": command_line, "configuration.md": configuration}


def main() -> None:
    """Write the pages, or compare them."""
    stale = []
    for name, page in PAGES.items():
        path, text = ROOT / "docs" / name, re.sub(r"[ \t]+\n", "\n", page())
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(f"docs/{name}")
    if stale:
        sys.exit(f"{', '.join(stale)}: not what the code says; run python tests/docs/reference_pages.py")


if __name__ == "__main__":
    main()
