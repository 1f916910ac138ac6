"""Reading in child processes: the same as in this one, and nothing that a file does harms more than itself (promise S8)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from in_process_reading import read_in_process

from corpora.errors import UnreadableDocument
from corpora.ingest import sandbox
from corpora.ingest.sandbox import Limits, Worker, read_files
from corpora.readers import FileReading, ReadOptions

SAMPLES = Path(__file__).resolve().parents[3] / "corpora" / "samples"
OPTIONS = ReadOptions()


def test_children_read_what_this_process_reads_in_order(tmp_path: Path) -> None:
    files = [next(iter(sorted((SAMPLES / "medical").glob(f"*.{ending}")))) for ending in ("pdf", "docx", "html", "md", "txt")]
    bad = tmp_path / "bad.pdf"
    bad.write_bytes(b"%PDF-1.7 nothing")
    files[2:2] = [bad, tmp_path / "absent.txt", tmp_path]
    near, far = list(read_in_process(files, OPTIONS)), list(read_files(files, OPTIONS))
    assert [path for path, _ in far] == [path for path, _ in near] == files
    for (_, in_process), (_, in_child) in zip(near, far, strict=True):
        if isinstance(in_process, UnreadableDocument):
            assert str(in_child) == str(in_process)
        else:
            assert not isinstance(in_child, UnreadableDocument)
            assert in_child.cleaned == in_process.cleaned and in_child.refused == in_process.refused
            assert [vars(reading) for reading in in_child.readings] == [vars(reading) for reading in in_process.readings]
    assert "cannot be opened" in str(far[3][1]) and "cannot be opened" in str(far[4][1])


def test_a_file_name_of_any_bytes(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9 \n.txt")
    path.write_text("A paragraph.")
    ((_, result),) = read_files([path], OPTIONS)
    assert not isinstance(result, UnreadableDocument) and result.readings[0].blocks[0].text == "A paragraph."


@pytest.fixture
def trapped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A module that the child imports and that makes certain texts crash, hang or swallow memory, as a broken parser would."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys, time\n"
        "import corpora.readers\n"
        "real = corpora.readers._READERS['text/plain']\n"
        "held = []\n"
        "def read(data):\n"
        "    if b'CRASH' in data: os.abort()\n"
        "    if b'HANG' in data:\n"
        "        while True: pass\n"
        "    if b'SWALLOW' in data: bytearray(4 << 30)\n"
        "    if b'HOARD' in data: held.append(bytearray(700 << 20))\n"
        "    if b'NEEDY' in data: bytearray(600 << 20)\n"
        "    if b'PRINT' in data: print('noise', flush=True); os.write(1, b'more noise\\n')\n"
        "    return real(data)\n"
        "corpora.readers._READERS['text/plain'] = read\n"
    )
    root = str(Path(sandbox.__file__).resolve().parents[1])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), root]))
    return tmp_path


def test_crash_hang_memory_and_noise_stay_with_their_file(trapped: Path) -> None:
    files = []
    for name in ("good-1", "CRASH", "good-2", "HANG", "SWALLOW", "PRINT", "good-3"):
        files.append(trapped / f"{name}.txt")
        files[-1].write_text(f"This is {name}.")
    started = time.monotonic()
    results = {path.stem: result for path, result in read_files(files, OPTIONS, limits=Limits(timeout_s=4.0))}
    assert time.monotonic() - started < 30
    for name in ("good-1", "good-2", "good-3", "PRINT"):
        result = results[name]
        assert not isinstance(result, UnreadableDocument), f"{name}: {result}"
        assert result.readings[0].blocks[0].text == f"This is {name}."
    assert "signal 6" in str(results["CRASH"])
    assert "not read within 4 s" in str(results["HANG"])
    assert "memory" in str(results["SWALLOW"]) or "more than one document" in str(results["SWALLOW"])


def test_what_a_file_gives_does_not_depend_on_the_files_before_it(trapped: Path) -> None:
    worker = Worker(OPTIONS, Limits())
    for name in ("HOARD", "NEEDY", "good"):
        (trapped / f"{name}.txt").write_text(f"This is {name}.")
        assert worker.read(trapped / f"{name}.txt").readings[0].blocks[0].text == f"This is {name}."
    (trapped / "SWALLOW.txt").write_text("SWALLOW")
    with pytest.raises(UnreadableDocument, match="memory"):
        worker.read(trapped / "SWALLOW.txt")
    worker.stop()


def test_of_the_files_ahead_the_largest_is_read_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = []
    for number, size in enumerate((30, 10, 5, 90, 20, 40)):
        files.append(tmp_path / f"{number}.txt")
        files[-1].write_text("x" * size)
    begun: list[str] = []
    ready = threading.Event()

    class Recorder(Worker):
        def read(self, path: Path) -> FileReading:
            ready.wait(10)
            begun.append(path.stem)
            return FileReading()

    monkeypatch.setattr(sandbox, "Worker", Recorder)
    monkeypatch.setattr(sandbox, "AHEAD", len(files))

    def given() -> Iterator[Path]:
        yield from files
        ready.set()  # the first is on its way by now, whatever its size

    assert [path for path, _ in read_files(given(), OPTIONS, workers=1)] == files
    assert begun[1:] == [name for name in ("3", "5", "0", "4", "1", "2") if name != begun[0]]


def test_files_ahead_are_bounded_by_their_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        (tmp_path / f"{number}.txt").write_text("Some text.")
    monkeypatch.setattr(sandbox, "AHEAD_BYTES", 25)
    requested: list[Path] = []

    def paths() -> Iterator[Path]:
        for path in sorted(tmp_path.iterdir()):
            requested.append(path)
            yield path

    for index, _ in enumerate(read_files(paths(), OPTIONS, workers=2)):
        assert len(requested) <= min(9, index + 3)


def test_a_child_loads_no_parser_before_a_file_needs_it() -> None:
    root = str(Path(sandbox.__file__).resolve().parents[1])
    parsers = {"lxml", "ftfy", "numpy", "pypdfium2", "docx", "markdown_it", "email"}
    code = f"import sys, corpora.ingest.sandbox; print(*sorted({parsers} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": root}
    )
    assert run.stdout.split() == []


def test_a_worker_that_is_stopped_starts_again(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Some text.")
    worker = Worker(OPTIONS, Limits())
    assert worker.read(path).readings
    worker.stop()
    worker.stop()
    assert worker.read(path).readings
    worker.stop()


def test_children_end_when_the_reading_is_given_up(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.txt" for number in range(30)]
    for path in files:
        path.write_text("Some text.")
    reading = read_files(files, OPTIONS)
    next(reading)
    reading.close()
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if children.exists():
        commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children.read_text().split()]
        assert not any(b"corpora.ingest.sandbox" in command for command in commands)
