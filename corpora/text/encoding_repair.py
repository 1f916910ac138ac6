"""Text that was decoded wrongly, mended by ftfy where there can be something to mend. Knows no blocks and no documents.

ftfy looks at every text from a dozen sides, and is slow to load; most texts hold nothing that any of them would change.
What is passed by here is what ftfy 6 would give back as it is: its fixers act on the characters and entities named
below, its search for wrong encodings on C1 controls, on four letters that come alone, and on two signs beyond ASCII
that follow each other, one of them more than punctuation (ftfy.badness). A test holds the two against each other, for
every character and for mixtures.
"""

from __future__ import annotations

import re
import unicodedata

_BREAK = "\x0b"  # divides words; ftfy would drop it and join them
_CHARACTERS = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\r\u2028\u2029\u206a-\u206f\ud800-\udfff\ufeff\ufff9-\ufffd"  # controls, line ends
    "\u0132\u0133\u0149\u01c4-\u01cc\u01f1-\u01f3\ufb00-\ufb06\u3000\uff01-\uffef"  # ligatures, letters of other widths
    "\u00c2\u00c3\u0152\u0153]"  # the letters that wrong decoding leaves before a letter or a space
)
_ENTITY = re.compile(r"&#?[0-9A-Za-z]{1,24};")
_PUNCTUATION = "\u00a0\u00b7\u2013\u2014\u2018\u2019\u201c\u201d\u2022\u2026"
_NEIGHBOURS = re.compile(f"[^\x00-\x7f{_PUNCTUATION}][^\x00-\x7f]|[^\x00-\x7f][^\x00-\x7f{_PUNCTUATION}]")


def mended(text: str) -> str:
    """The text as `ftfy.fix_text` gives it, in NFC and with its curled quotes; a vertical tab becomes a space."""
    return _fixed(text) if _may_need_mending(text) else text


def _may_need_mending(text: str) -> bool:
    if _CHARACTERS.search(text) or ("&" in text and _ENTITY.search(text)):
        return True
    return not text.isascii() and (_NEIGHBOURS.search(text) is not None or not unicodedata.is_normalized("NFC", text))


def _fixed(text: str) -> str:
    import ftfy

    fixed: str = ftfy.fix_text(text.replace(_BREAK, " "), uncurl_quotes=False, normalization="NFC")
    return fixed
