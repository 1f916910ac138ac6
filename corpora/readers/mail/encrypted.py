"""Mail that cannot be opened here: encrypted messages, and the container that only Outlook reads.

Gives reasons.
"""

from __future__ import annotations

_TNEF = b"\x78\x9f\x3e\x22"
_PKCS7 = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07"  # the object identifier 1.2.840.113549.1.7, one byte before its last part


def reason(data: bytes) -> str | None:
    """Why `data` cannot be read and what to do about it; None for anything else."""
    if data.startswith(_TNEF):
        return "winmail.dat, Outlook's own container (TNEF); have it sent as HTML or plain text, or unpack it (`tnef`) and add the files"
    head = data[:64].lstrip()
    if head.startswith(b"-----BEGIN PGP MESSAGE-----"):
        return "a message encrypted with PGP; decrypt it and add the result"
    offset = head.find(_PKCS7) if head.startswith(b"\x30") else -1
    if offset >= 0:
        kind = head[offset + len(_PKCS7) : offset + len(_PKCS7) + 1]
        if kind == b"\x03":
            return "a message encrypted with S/MIME; decrypt it in the mail program and export it again"
        if kind == b"\x02":
            return "a message wrapped in its S/MIME signature; open it in the mail program and export it as EML"
    return None
