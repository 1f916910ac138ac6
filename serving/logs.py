"""Logging to stderr, as text or as JSON, set up once for every command.

No line carries what a document, question or answer says.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import TextIO

LEVELS = ("debug", "info", "warning", "error")
LOGGERS = ("raftsmith", "uvicorn")
"""Ours, and those of the server; other libraries keep their own settings."""
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def configure_logging(level: str = "info", as_json: bool = False) -> None:
    """Send records of `level` and above to stderr. Called again it replaces what it set up before."""
    handler = _StderrHandler()
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level.upper() if name == "raftsmith" else max(logging.WARNING, logging.getLevelName(level.upper())))


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to whatever stderr is when the line is written: a test, or who embeds us, may have replaced it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, value: TextIO) -> None:
        """The stream is not chosen."""


class TextFormatter(logging.Formatter):
    """`2026-11-30T12:00:00Z info raftsmith.serving: message`. A traceback is left out, its exception is named."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        return f"{_time(record)} {record.levelname.lower()} {record.name}: {record.getMessage()}{_failure(record)}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `message`, and the fields that the record was given."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        fields = {key: value for key, value in vars(record).items() if key not in _PLAIN}
        head = {"time": _time(record), "level": record.levelname.lower(), "logger": record.name}
        return json.dumps(
            {**head, "message": f"{record.getMessage()}{_failure(record)}", **fields}, ensure_ascii=False, default=str
        )


def _time(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))


def _failure(record: logging.LogRecord) -> str:
    """The kind of a logged exception: its text and its traceback may hold what a document says."""
    return f" ({record.exc_info[0].__name__})" if record.exc_info and record.exc_info[0] else ""
