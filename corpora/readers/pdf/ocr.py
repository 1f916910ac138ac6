"""Text of scanned pages through tesseract, where it is installed. Knows no PDF: a picture in, paragraphs out."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache

from corpora.errors import UnreadableDocument

DPI = 200
TIMEOUT_S = 60.0
MISSING = "install tesseract (Debian: tesseract-ocr), or run OCR first"


def available() -> bool:
    """True when the program `tesseract` is on the path."""
    return shutil.which("tesseract") is not None


@cache
def installed() -> frozenset[str]:
    """The languages that the installed tesseract reads, "osd" (which tells how a page lies) among them."""
    command = [shutil.which("tesseract") or "tesseract", "--list-langs"]
    try:
        process = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=True)  # noqa: S603 - fixed arguments
    except (OSError, subprocess.SubprocessError):
        return frozenset()
    return frozenset(line.strip() for line in process.stdout.decode("utf-8", "replace").splitlines()[1:] if line.strip())


def paragraphs(picture: bytes, width: int, height: int, languages: str = "eng", dpi: int = DPI) -> list[str]:
    """The paragraphs on a page; `picture` is grey at `dpi`, a byte a dot, row by row. Lines stay divided by line ends.

    `languages` are tesseract's names, divided by "+": "eng+deu". Raises UnreadableDocument when one is not installed,
    and when tesseract fails or takes too long.
    """
    missing = [language for language in languages.split("+") if language not in installed()]
    if missing:
        listed = ", ".join(sorted(installed() - {"osd"})) or "none"
        raise UnreadableDocument(
            f"tesseract has no language {' and '.join(missing)}; installed: {listed}. "
            f"Set ingest.ocr_languages, or install it (Debian: tesseract-ocr-{missing[0]})"
        )
    pgm = f"P5 {width} {height} 255\n".encode() + picture
    command = [shutil.which("tesseract") or "tesseract", "stdin", "stdout", "--dpi", str(dpi), "-l", languages]
    command += ["--psm", "1" if "osd" in installed() else "3"]  # 1 also turns a page that lies on its side
    # With threads of its own it takes five times the processor time a page, most of it waiting for each other in loops.
    alone = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    try:
        process = subprocess.run(command, input=pgm, capture_output=True, timeout=TIMEOUT_S, check=True, env=alone)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise UnreadableDocument(f"tesseract failed on a scanned page ({type(error).__name__}); run OCR on it first") from error
    text = process.stdout.decode("utf-8", "replace").replace("\f", "")
    return [part.strip() for part in text.split("\n\n") if part.strip()]
