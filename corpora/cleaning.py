"""Cleaning of one block: broken encodings, control characters, white space. Every step is named here and nowhere else."""

from __future__ import annotations

import re
from dataclasses import replace

import ftfy

from corpora.records import Block

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u200b\u2060\ufeff\ufffe\uffff]")
_BREAK = re.compile(r"[\x0b\x0c]")  # line and page breaks divide words; ftfy would drop the first and join them
_SPACE = re.compile(r"\s+")


def clean_block(block: Block) -> Block:
    """The block with mojibake mended, control and zero-width characters dropped and runs of white space made one space."""
    text = ftfy.fix_text(_BREAK.sub(" ", block.text), uncurl_quotes=False, normalization="NFC")
    text = _SPACE.sub(" ", _CONTROL.sub("", text.replace("\u00ad", ""))).strip()
    return replace(block, text=text)
