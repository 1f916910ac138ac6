"""Text of scanned pages through tesseract, where it is installed. Knows no PDF: a picture in, paragraphs out."""

from __future__ import annotations

import os
import shutil
import subprocess

from corpora.errors import UnreadableDocument

DPI = 200
TIMEOUT_S = 60.0
MISSING = "install tesseract (Debian: tesseract-ocr), or run OCR first"


def available() -> bool:
    """True when the program `tesseract` is on the path."""
    return shutil.which("tesseract") is not None


def paragraphs(picture: bytes, width: int, height: int) -> list[str]:
    """The paragraphs on a page; `picture` is grey at `DPI`, a byte a dot, row by row. Lines stay divided by line ends.

    Raises UnreadableDocument when tesseract fails or takes too long.
    """
    pgm = f"P5 {width} {height} 255\n".encode() + picture
    command = [shutil.which("tesseract") or "tesseract", "stdin", "stdout", "--dpi", str(DPI), "--psm", "3"]
    try:
        # With threads of its own it takes five times the processor time a page, most of it waiting for each other in loops.
        done = subprocess.run(  # noqa: S603 - fixed arguments
            command, input=pgm, capture_output=True, timeout=TIMEOUT_S, check=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"}
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UnreadableDocument(f"tesseract failed on a scanned page ({type(error).__name__}); run OCR on it first") from error
    text = done.stdout.decode("utf-8", "replace").replace("\f", "")
    return [part.strip() for part in text.split("\n\n") if part.strip()]
