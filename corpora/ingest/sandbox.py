"""Reading files in child processes with bounded memory and time, so that no document can harm the batch (promise S8).

Requests and replies are lines of JSON. A child gets paths and gives text: it opens no store, and what it cannot read,
or what kills it, is a reason for that one file.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import selectors
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from heapq import heappop, heappush
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, local
from typing import Any

from corpora.errors import UnreadableDocument
from corpora.readers import MAX_BYTES, FileReading, ReadOptions, read_bytes
from corpora.records import Block, Reading

MEMORY_BYTES = 1 << 30
TIMEOUT_S = 120.0
AHEAD = 16
AHEAD_BYTES = 64 * 2**20
"""How many files, and files of how many bytes, are read before they are asked for, for each worker and in all: memory
stays bounded when the indexing is slower."""


@dataclass(frozen=True)
class Limits:
    """What one child may use: address space in bytes, and wall-clock seconds a file."""

    memory_bytes: int = MEMORY_BYTES
    timeout_s: float = TIMEOUT_S


class Worker:
    """One child process, started when first needed and again after it was stopped. For one thread at a time."""

    def __init__(self, options: ReadOptions, limits: Limits) -> None:
        """Nothing is started yet."""
        self._options, self._limits = options, limits
        self._child: _Child | None = None

    def read(self, path: Path) -> FileReading:
        """What `corpora.readers.read_bytes` gives for the file. Raises UnreadableDocument, and nothing else."""
        used = self._child is not None
        reply = self._reply(path)
        if used and reply.get("short_of_memory"):
            # Files before this one may have left too little; what a file gives must not depend on them.
            self.stop()
            reply = self._reply(path)
        if "error" in reply:
            raise UnreadableDocument(reply["error"])
        return _decoded(reply)

    def _reply(self, path: Path) -> dict[str, Any]:
        if self._child is None:
            self._child = _Child(self._options, self._limits)
        try:
            line = self._child.ask({"path": os.fsencode(path).hex()}, self._limits.timeout_s)
        except (BrokenPipeError, EOFError) as error:
            code = self._child.process.wait()
            self.stop()
            end = f"signal {-code}" if code < 0 else f"exit status {code}"
            raise UnreadableDocument(f"reading it ended the reader ({end}): a damaged or hostile file") from error
        except TimeoutError as error:
            self.stop()
            wait = f"{self._limits.timeout_s:.0f} s"
            raise UnreadableDocument(f"not read within {wait}; split it, or raise ingest.timeout_s") from error
        reply: dict[str, Any] = json.loads(line)
        return reply

    def stop(self) -> None:
        """End the child, whatever it is doing."""
        if self._child is not None:
            self._child.end()
            self._child = None


class _Child:
    """The process behind a worker, with its pipes."""

    def __init__(self, options: ReadOptions, limits: Limits) -> None:
        root = str(Path(__file__).resolve().parents[2])
        code = f"import sys; sys.path.insert(0, {root!r}); from corpora.ingest.sandbox import serve; serve()"
        self._folder = TemporaryDirectory(prefix="raftsmith-reader-")
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the parent, which finishes its commit first
            env={**os.environ, "TMPDIR": self._folder.name},  # what a converter leaves there goes with the child
        )
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("a child without pipes")
        self._requests, self._replies = self.process.stdin, self.process.stdout
        self._told: dict[str, Any] | None = {**asdict(options), "memory_bytes": limits.memory_bytes}

    def ask(self, request: dict[str, str], timeout_s: float) -> bytes:
        """The line that answers `request`.

        Raises TimeoutError, and EOFError or BrokenPipeError when the child is gone.
        """
        lines = [self._told, request] if self._told else [request]
        self._told = None
        self._requests.write("".join(json.dumps(line) + "\n" for line in lines).encode())
        self._requests.flush()
        return _line(self._replies.fileno(), time.monotonic() + timeout_s)

    def end(self) -> None:
        """Kill it and the programs that it runs, and free what it held."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self._requests, self._replies):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._folder.cleanup()


def read_files(
    paths: Iterable[Path], options: ReadOptions, workers: int = 2, limits: Limits | None = None
) -> Iterator[tuple[Path, FileReading | UnreadableDocument]]:
    """`(path, what was read or why it was not)` in the order of `paths`, read ahead by `workers` child processes.

    Of the files that are ahead the largest is read first, so that no long one is left for the end while other workers
    are idle.
    """
    bounds = limits or Limits()
    thread, started, lock = local(), deque[Worker](), Lock()
    ahead: list[tuple[int, int, Path, Future[FileReading | UnreadableDocument]]] = []

    def read_largest() -> None:
        with lock:
            if not ahead:
                return
            _, _, path, result = heappop(ahead)
        if not hasattr(thread, "worker"):
            thread.worker = Worker(options, bounds)
            started.append(thread.worker)
        try:
            result.set_result(thread.worker.read(path))
        except UnreadableDocument as error:
            result.set_result(error)
        except BaseException as error:
            result.set_exception(error)
            raise

    waiting: deque[tuple[Path, int, Future[FileReading | UnreadableDocument]]] = deque()
    waiting_bytes = 0
    with ThreadPoolExecutor(workers) as pool:
        try:
            for number, path in enumerate(paths):
                size, result = _size(path), Future[FileReading | UnreadableDocument]()
                with lock:
                    heappush(ahead, (-size, number, path, result))
                waiting.append((path, size, result))
                waiting_bytes += size
                pool.submit(read_largest)
                while len(waiting) > (workers if waiting_bytes > AHEAD_BYTES else workers * AHEAD):
                    first, size, result = waiting.popleft()
                    waiting_bytes -= size
                    yield first, result.result()
            while waiting:
                first, _, result = waiting.popleft()
                yield first, result.result()
        finally:
            with lock:
                ahead.clear()
            for worker in started:
                worker.stop()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def read_file(path: Path, options: ReadOptions) -> FileReading:
    """What a child reads, in this process. Raises UnreadableDocument."""
    try:
        size = path.stat().st_size
        if size > 8 * MAX_BYTES:
            raise UnreadableDocument(f"{size / 2**20:.0f} MiB; at most {8 * MAX_BYTES // 2**20} MiB a file: split it")
        return read_bytes(path.read_bytes(), path.name, options)
    except OSError as error:
        raise UnreadableDocument(f"cannot be opened: {error.strerror or error}") from error


def _line(descriptor: int, deadline: float) -> bytes:
    """The next line of a pipe. Raises TimeoutError after `deadline` and EOFError at its end."""
    pieces: list[bytes] = []
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            remaining_s = deadline - time.monotonic()
            if remaining_s <= 0 or not selector.select(remaining_s):
                raise TimeoutError
            piece = os.read(descriptor, 1 << 20)
            if not piece:
                raise EOFError
            pieces.append(piece)
            if piece.endswith(b"\n"):
                return b"".join(pieces)


def _decoded(reply: dict[str, Any]) -> FileReading:
    readings = []
    for item in reply["readings"]:
        blocks = [Block(kind, text, level, page, tuple(breaks)) for kind, text, level, page, breaks in item["blocks"]]
        readings.append(Reading(**{**item, "blocks": blocks}))
    return FileReading(
        readings,
        [(part, reason) for part, reason in reply["refused"]],
        Counter(reply["cleaned"]),
        Counter(reply["personal_data"]),
    )


def serve() -> None:
    """The child: bound itself, then answer requests until stdin ends."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the replies
    told = json.loads(sys.stdin.buffer.readline())
    memory = told.pop("memory_bytes")
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    mapping = told.pop("mapping")
    if mapping:
        from corpora.readers.tables.documents import FieldMapping

        mapping = FieldMapping(**mapping)
    options = ReadOptions(**{**told, "skip_steps": tuple(told["skip_steps"])}, mapping=mapping)
    for line in sys.stdin.buffer:
        path = Path(os.fsdecode(bytes.fromhex(json.loads(line)["path"])))
        try:
            file_reading = read_file(path, options)
            reply: dict[str, Any] = {
                "readings": [
                    {
                        **vars(r),
                        "blocks": [(b.kind, b.text, b.level, b.page, b.breaks) for b in r.blocks],
                        "metadata": dict(r.metadata),
                    }
                    for r in file_reading.readings
                ],
                "refused": file_reading.refused,
                "cleaned": file_reading.cleaned,
                "personal_data": file_reading.personal_data,
            }
        except UnreadableDocument as error:
            reply = {"error": str(error), "short_of_memory": isinstance(error.__cause__, MemoryError | ImportError)}
        except (MemoryError, RecursionError) as error:
            reply = {"error": f"it needs more than one document may take ({type(error).__name__}); split it"}
            reply["short_of_memory"] = isinstance(error, MemoryError)
        output.write(json.dumps(reply).encode() + b"\n")
        output.flush()
