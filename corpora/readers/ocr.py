"""Text of scanned pages through tesseract, where it is installed. Knows no PDF: a picture in, paragraphs out."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np

from corpora.errors import UnreadableDocument

DPI = 200
TIMEOUT_S = 60.0
MISSING = "install tesseract (Debian: tesseract-ocr), or run OCR first"


def available() -> bool:
    """True when the program `tesseract` is on the path."""
    return shutil.which("tesseract") is not None


def paragraphs(picture: np.ndarray) -> list[str]:
    """The paragraphs on a page; `picture` is grey, uint8 `(height, width)`, at `DPI`. Lines stay divided by line ends.

    Raises UnreadableDocument when tesseract fails or takes too long.
    """
    height, width = picture.shape
    pgm = f"P5 {width} {height} 255\n".encode() + np.ascontiguousarray(picture, dtype=np.uint8).tobytes()
    command = [shutil.which("tesseract") or "tesseract", "stdin", "stdout", "--dpi", str(DPI), "--psm", "3"]
    try:
        done = subprocess.run(command, input=pgm, capture_output=True, timeout=TIMEOUT_S, check=True)  # noqa: S603 - fixed arguments
    except (OSError, subprocess.SubprocessError) as error:
        raise UnreadableDocument(f"tesseract failed on a scanned page ({type(error).__name__}); run OCR on it first") from error
    text = done.stdout.decode("utf-8", "replace").replace("\f", "")
    return [part.strip() for part in text.split("\n\n") if part.strip()]
