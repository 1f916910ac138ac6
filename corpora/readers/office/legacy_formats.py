"""Word 97-2003 and WordPerfect documents, read through a converter that is installed.

Where none is, the reason names them.

LibreOffice keeps headings, notes and tables, and gets a folder of its own that is removed; the smaller programs give
plain text. Each runs as a child of the reader, within the memory and the time that a file may take
(`corpora.ingest.sandbox`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from corpora.errors import UnreadableDocument
from corpora.readers import text
from corpora.readers.docx import reader as docx
from corpora.readers.html import reader as html
from corpora.records import Reading

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
WORDPERFECT = b"\xffWPC"
DOC = "application/msword"
WPD = "application/vnd.wordperfect"
TIMEOUT_S = 100.0
_SAVE_AS = "or save it as DOCX or PDF"
# Names of streams inside an OLE container, which tell the program; they are UTF-16.
_PROGRAMS = (
    ("EncryptedPackage", "an office document that needs a password; save it without one"),
    ("__properties_version1.0", "an Outlook message (MSG); save it as EML"),
    ("Workbook", "a spreadsheet (XLS); save each sheet as CSV"),
    ("PowerPoint Document", "slides (PPT); save them as PDF"),
)
# What a document names elsewhere is not fetched, and no macro runs. The proxy is an address where nothing listens.
_SETTINGS = (
    ("/org.openoffice.Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("/org.openoffice.Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("/org.openoffice.Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("/org.openoffice.Inet/Settings", "ooInetProxyType", "2"),
    ("/org.openoffice.Inet/Settings", "ooInetHTTPProxyName", "127.0.0.1"),
    ("/org.openoffice.Inet/Settings", "ooInetHTTPProxyPort", "9"),
    ("/org.openoffice.Inet/Settings", "ooInetHTTPSProxyName", "127.0.0.1"),
    ("/org.openoffice.Inet/Settings", "ooInetHTTPSProxyPort", "9"),
)


def kind_of(data: bytes) -> str | None:
    """The media type of an old binary document; None for anything else.

    Raises UnreadableDocument for those of other programs.
    """
    if data.startswith(WORDPERFECT):
        return WPD
    if not data.startswith(OLE):
        return None
    if "WordDocument".encode("utf-16-le") in data:
        return DOC
    advice = next((reason for name, reason in _PROGRAMS if name.encode("utf-16-le") in data), None)
    raise UnreadableDocument(advice or "an OLE container of an unknown program; export it as PDF, DOCX or CSV")


def read_doc(data: bytes) -> list[Reading]:
    """A Word 97-2003 document. Raises UnreadableDocument without a converter, or when it fails."""
    if office := shutil.which("soffice"):
        return docx.read(_by_office(office, data, "doc"))
    if program := shutil.which("antiword"):
        return text.read(_output([program, "-m", "UTF-8.txt", "-w", "0", "-"], data))
    if program := shutil.which("catdoc"):
        return text.read(_output([program, "-d", "utf-8", "-w", "-"], data).replace(b"\n", b"\n\n"))  # a line a paragraph
    raise UnreadableDocument(f"a Word 97-2003 document; install LibreOffice (soffice), antiword or catdoc, {_SAVE_AS}")


def read_wordperfect(data: bytes) -> list[Reading]:
    """A WordPerfect document. Raises UnreadableDocument without a converter, or when it fails."""
    if office := shutil.which("soffice"):
        return docx.read(_by_office(office, data, "wpd"))
    if program := shutil.which("wpd2html"):
        # The program wants to seek in its input: a file in memory, not on the disk.
        with os.fdopen(os.memfd_create("wpd"), "wb") as memory_file:
            memory_file.write(data)
            memory_file.flush()
            path = f"/proc/self/fd/{memory_file.fileno()}"
            return html.read(_output([program, path], b"", (memory_file.fileno(),)))
    raise UnreadableDocument(f"a WordPerfect document; install LibreOffice (soffice) or wpd2html (libwpd-tools), {_SAVE_AS}")


def _by_office(program: str, data: bytes, ending: str) -> bytes:
    with TemporaryDirectory(prefix="raftsmith-") as name:
        folder = Path(name)
        source = folder / f"document.{ending}"
        source.write_bytes(data)
        (folder / "profile" / "user").mkdir(parents=True)
        (folder / "profile" / "user" / "registrymodifications.xcu").write_text(_settings(), encoding="utf-8")
        profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
        options = ["--headless", "--norestore", "--nolockcheck", "--convert-to", "docx", "--outdir", str(folder / "out")]
        _output([program, profile, *options, str(source)], b"")
        converted = folder / "out" / "document.docx"
        if not converted.is_file():
            raise UnreadableDocument(f"LibreOffice could not read it; it may need a password, {_SAVE_AS}")
        return converted.read_bytes()


def _settings() -> str:
    items = "".join(
        f'<item oor:path="{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>'
        for path, name, value in _SETTINGS
    )
    return f'<oor:items xmlns:oor="http://openoffice.org/2001/registry">{items}</oor:items>'


def _output(command: Sequence[str], data: bytes, keep: Sequence[int] = ()) -> bytes:
    try:
        process = subprocess.run(  # noqa: S603 - programs found on the path, fixed arguments, no shell
            command, input=data, capture_output=True, timeout=TIMEOUT_S, check=True, pass_fds=keep
        )
    except subprocess.CalledProcessError as error:
        message = " ".join(error.stderr.decode("utf-8", "replace").split())[:120]
        raise UnreadableDocument(
            f"{Path(command[0]).name} could not convert it (exit status {error.returncode}{': ' + message if message else ''}); "
            "save it as DOCX or PDF"
        ) from error
    except (OSError, subprocess.SubprocessError) as error:
        raise UnreadableDocument(
            f"{Path(command[0]).name} could not convert it ({type(error).__name__}), {_SAVE_AS}"
        ) from error
    return process.stdout
