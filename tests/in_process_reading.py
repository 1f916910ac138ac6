"""Files read without a child process, for tests whose files are known to be harmless: a child costs a second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from corpora.errors import UnreadableDocument
from corpora.ingest.sandbox import read_file
from corpora.readers import FileReading, ReadOptions


def read_in_process(paths: Iterable[Path], options: ReadOptions) -> Iterator[tuple[Path, FileReading | UnreadableDocument]]:
    """As `corpora.ingest.sandbox.read_files`, without its bounds."""
    for path in paths:
        try:
            yield path, read_file(path, options)
        except UnreadableDocument as error:
            yield path, error
