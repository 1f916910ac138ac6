"""The workspace folder: the paths in it, and how it is made and opened."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora.durable_files import write_atomic
from corpora.errors import WorkspaceError
from corpora.workspace.config import Config, S, Sections, default_toml, read_config

CONFIG = "raftsmith.toml"
DATABASES = ("corpus.db", "annotations.db")
"""The SQLite files of a workspace: the corpus store, and what people annotated."""
_OWN = frozenset(
    (
        CONFIG,
        "segments",
        "cache",
        "datasets",
        "runs",
        "reports",
        "writer.lock",
        "segments.lock",
        "serve.lock",
        "serve.json",
        "personal.key",
        "mappings.json",
    )
)


@dataclass(frozen=True)
class Workspace:
    """An opened workspace: its folder and its configuration."""

    root: Path
    config: Config

    @property
    def database(self) -> Path:
        """The corpus store."""
        return self.root / DATABASES[0]

    @property
    def annotations(self) -> Path:
        """The annotation store."""
        return self.root / DATABASES[1]

    def options(self, section: type[S], **overrides: Any) -> S:
        """The options of one section of `raftsmith.toml`, see `Config.options`."""
        return self.config.options(section, **overrides)

    def owns(self, path: Path) -> bool:
        """True for the files that raftsmith itself keeps in the workspace.

        A workspace may lie in the folder whose documents are added.
        """
        if not path.is_relative_to(self.root):
            return False
        first = path.relative_to(self.root).parts[0]
        return first in _OWN or first.startswith(DATABASES)

    def personal_key(self) -> bytes:
        """The secret that pseudonyms of this workspace are made with; made when it is first needed, mode 0600."""
        path = self.root / "personal.key"
        if not path.exists():
            write_atomic(path, secrets.token_bytes(32))
        return path.read_bytes()

    def dataset(self, name: str) -> Path:
        """The folder of a dataset. Raises WorkspaceError for a name that is no plain name."""
        return self.root / "datasets" / plain_name(name)

    def run(self, name: str) -> Path:
        """The folder of a training run. Raises WorkspaceError for a name that is no plain name."""
        return self.root / "runs" / plain_name(name)

    def report(self, name: str) -> Path:
        """The folder of an evaluation report. Raises WorkspaceError for a name that is no plain name."""
        return self.root / "reports" / plain_name(name)


def plain_name(name: str) -> str:
    """`name`, when it is letters, digits, ".", "_" and "-" and does not begin with a dot. Raises WorkspaceError."""
    if not name or name.startswith(".") or not all(c.isalnum() or c in "._-" for c in name) or len(name) > 100:
        raise WorkspaceError(f"{name!r} is no usable name; accepted: letters, digits, '.', '_' and '-', up to 100 of them")
    return name


def create_workspace(root: Path, sections: Sections = ()) -> Path:
    """Write a `raftsmith.toml` into `root` and give its path; one that exists is left alone (WorkspaceError).

    The file has every choice of `sections` with its default and what it means; what it does not name keeps its default
    too.
    """
    path = root / CONFIG
    if path.exists():
        raise WorkspaceError(f"{path} exists already; edit it, or give another folder")
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomic(path, default_toml(sections).encode())
    return path


def open_workspace(chosen: Path | None = None, sections: Sections = ()) -> Workspace:
    """The workspace at `chosen`, else the nearest folder upwards with a `raftsmith.toml`. Raises WorkspaceError.

    With all `sections` the whole file is checked; without, each section when it is read.
    """
    start = (chosen or Path.cwd()).resolve()
    candidates = [start] if chosen else [start, *start.parents]
    for folder in candidates:
        if (folder / CONFIG).is_file():
            config = read_config(folder / CONFIG)
            if sections:
                config.check(sections)
            return Workspace(folder, config)
    where = f"{start} has no {CONFIG}" if chosen else f"no {CONFIG} in {start} or above it"
    raise WorkspaceError(f"{where}; run `raftsmith init` there, or name a workspace with --workspace")
