"""Output of the commands of all packages.

Results go to stdout, everything else to stderr, and errors have their exit codes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from corpora.workspace.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])


def say(line: str) -> None:
    """One line for a person, on stderr."""
    click.echo(line, err=True)


def emit(value: Any, as_json: bool, text: str) -> None:
    """The result on stdout: one JSON document, or `text`."""
    click.echo(json.dumps(value, ensure_ascii=False) if as_json else text)


def with_example(example: str) -> dict[str, Any]:
    """The epilog that ends a command's help in an example that runs."""
    return {"epilog": f"\b\nExample:\n  {example}"}


def workspace_options(function: F) -> F:
    """The options `--workspace` and `--json`, which every verb has."""
    function = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")(function)
    return click.option(
        "--workspace",
        "workspace_folder",
        type=click.Path(path_type=Path, file_okay=False),
        help="Workspace folder; default: the nearest folder upwards with a raftsmith.toml.",
    )(function)


def reader_option(default: str) -> Callable[[F], F]:
    """The option `--reader`; `default` says what is seen without it."""
    text = f"Search as this person or group, see `raftsmith rights`; may be repeated. Default: {default}."
    return click.option("--reader", "readers", multiple=True, metavar="NAME", help=text)


def opened(workspace_folder: Path | None) -> Workspace:
    """The workspace that `--workspace` names or the current folder lies in, all of its configuration checked."""
    from corpora.workspace.workspace import open_workspace  # pydantic is slow to import, and --help must not wait for it

    sections = click.get_current_context().find_root().obj  # set by the one command line, which sees all packages
    return open_workspace(workspace_folder, sections() if sections else ())


class Progress:
    """A progress counter on stderr.

    One line that rewrites itself on a terminal, a line every ten seconds elsewhere.
    """

    def __init__(self, things: str) -> None:
        """`things` is what is counted, e.g. "files"."""
        self._things = things
        self._started = self._shown_at = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done, with rate and time left."""
        now = time.monotonic()
        last = done >= total
        if not last and now - self._shown_at < (0.2 if self._terminal else 10.0):
            return
        if last and now - self._started < 0.5:
            return
        self._shown_at = now
        rate = done / max(now - self._started, 1e-6)
        left = (total - done) / rate if rate else 0.0
        line = f"{done}/{total} {self._things}  {rate:.1f}/s  {left:.0f} s left"
        click.echo(f"\r{line}\x1b[K" if self._terminal else line, err=True, nl=last or not self._terminal)
