"""A folder of hostile files beside good ones: the good ones all arrive, each bad one has a reason, memory stays under 1 GB."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from corpora.chunking.chunker import ChunkOptions
from corpora.ingest.file_discovery import find_files
from corpora.store.corpus_store import CorpusStore
from retrieval.encoders.hashing import HashingEncoder
from retrieval.indexing.add_files import add_files

SAMPLES = Path(__file__).resolve().parents[3] / "corpora" / "samples" / "medical"


def pdf(pages: int, **options: object) -> bytes:
    target = BytesIO()
    canvas = Canvas(target, **options)
    for number in range(pages):
        canvas.drawString(72, 700, f"Page {number} of a long record.")
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def zipped(**members: bytes) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target.getvalue()


def bomb() -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros.txt", "w") as member:
        for _ in range(300):
            member.write(bytes(1 << 20))
    return target.getvalue()


def nested(levels: int) -> bytes:
    data = b"The innermost text."
    for level in range(levels):
        data = zipped(**{f"level-{level}.{'zip' if level else 'txt'}": data})
    return data


def word_bomb() -> bytes:
    filler = b"<w:p><w:r><w:t>" + b"A" * (200 << 20) + b"</w:t></w:r></w:p>"
    return zipped(**{"word/document.xml": b"<w:document>" + filler + b"</w:document>", "[Content_Types].xml": b"<Types/>"})


def escaping() -> bytes:
    target = BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name in ("../../outside.txt", "/etc/absolute.txt"):
            info = tarfile.TarInfo(name)
            info.size = 4
            archive.addfile(info, BytesIO(b"text"))
        link = tarfile.TarInfo("link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return target.getvalue()


LAUGHS = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha">' + b"".join(
    f'<!ENTITY a{n} "{f"&a{n - 1 if n else str()};" * 10}">'.encode() for n in range(10)
)
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "bomb.zip": (bomb, "zeros.txt"),
    "word-bomb.docx": (word_bomb, ""),
    "nested.zip": (lambda: nested(6), ""),
    "escaping.tar.gz": (escaping, "outside"),
    "xxe.xml": (
        lambda: b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><p>&x;</p></a>',
        "entit",
    ),
    "laughs.xml": (lambda: LAUGHS + b"]><a><p>&a9;</p></a>", "entit"),
    "deep.xml": (lambda: b"<?xml version='1.0'?>" + b"<a>" * 200_000 + b"x" + b"</a>" * 200_000, ""),
    "cut.pdf": (lambda: pdf(20)[:3000], "damaged"),
    "locked.pdf": (lambda: pdf(1, encrypt=StandardEncryption("user", "owner", strength=128)), "password"),
    "long.pdf": (lambda: pdf(10_000), "10000 pages"),
    "random.txt": (lambda: bytes(range(256)) * 40, "binary"),
    "nothing.eml": (lambda: b"", "empty"),
}


def added_in_a_process(folder: Path, workspace: Path) -> dict:
    """What a fresh process adds and how much memory it and its readers took; here the peak of other tests would count too."""
    code = (
        "import json, resource, sys\n"
        "from pathlib import Path\n"
        "from corpora.chunking.chunker import ChunkOptions\n"
        "from corpora.store.corpus_store import CorpusStore\n"
        "from retrieval.encoders.hashing import HashingEncoder\n"
        "from corpora.ingest.file_discovery import find_files\n"
        "from retrieval.indexing.add_files import add_files\n"
        "folder, workspace = map(Path, sys.argv[1:])\n"
        "store = CorpusStore(workspace / 'corpus.db')\n"
        "report = add_files(store, workspace, HashingEncoder(), find_files([folder]), 'default', ChunkOptions(40))\n"
        "# A process begins with the peak of the one that started it; VmHWM is its own.\n"
        "own = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "readers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "peak = {'self_gb': int(own.split()[1]) * 1024 / 1e9, 'children_gb': readers * 1024 / 1e9}\n"
        "print(json.dumps({'failed': report.failed, **peak}))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SAMPLES.parents[2])}
    command = [sys.executable, "-c", code, str(folder), str(workspace)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)


def test_good_files_arrive_beside_hostile_ones(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    good = sorted(SAMPLES.glob("*"))[:12]
    for number, path in enumerate(good):
        (folder / f"{number:02}-good{path.suffix}").write_bytes(path.read_bytes())
    for number, (name, (make, _)) in enumerate(HOSTILE.items()):
        (folder / f"{number:02}-{name}").write_bytes(make())
    (folder / "deep.html").write_bytes(b"<html><body>" + b"<div>" * 50_000 + b"Text at the bottom." + b"</div>" * 50_000)
    (folder / "latin.txt").write_bytes("Größe § 5 – naïve".encode("cp1252") * 20)
    (folder / "utf-16.txt").write_bytes("Sechzehn Bit sind auch ein Text.".encode("utf-16"))
    started = time.monotonic()
    report = added_in_a_process(folder, tmp_path / "w")
    assert time.monotonic() - started < 120
    store = CorpusStore(tmp_path / "w" / "corpus.db")
    sources = {Path(document.source.partition("#")[0]).name for document in store.documents()}
    assert {f"{number:02}-good{path.suffix}" for number, path in enumerate(good)} <= sources
    assert {"latin.txt", "utf-16.txt"} <= sources
    reasons = {Path(path.partition("#")[0]).name: f"{path}: {reason}" for path, reason in report["failed"]}
    for number, (name, (_, reason)) in enumerate(HOSTILE.items()):
        assert reason in reasons[f"{number:02}-{name}"], reasons[f"{number:02}-{name}"]
        assert len(reasons[f"{number:02}-{name}"].partition(": ")[2]) > 15
    assert not any("root:" in document.text for document in store.documents())
    assert not any(path.name == "outside.txt" for path in tmp_path.rglob("*"))
    assert report["children_gb"] < 1 and report["self_gb"] < 1, report
    store.close()


@pytest.mark.parametrize("name", ["up/../../etc/passwd.txt", "a\n b.txt", "-rf.txt", "'; DROP TABLE documents; --.txt"])
def test_odd_names_stay_names(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "in"
    path = folder / name.replace("/", "\u2215")
    folder.mkdir()
    path.write_text("An ordinary text.")
    store = CorpusStore(tmp_path / "w" / "corpus.db")
    report = add_files(store, tmp_path / "w", HashingEncoder(), find_files([folder]), "default", ChunkOptions(40))
    assert (report.added, report.failed) == (1, [])
    assert [document.source for document in store.documents()] == [str(path)]
    store.close()
