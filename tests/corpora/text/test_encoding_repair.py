"""What is not sent through ftfy is what ftfy would give back: for every character, and for mixtures of those it looks at."""

from __future__ import annotations

import ftfy
import pytest
from ftfy.badness import MOJIBAKE_CATEGORIES
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpora.text.encoding_repair import _may_need_mending, mended


def always(text: str) -> str:
    return ftfy.fix_text(text.replace("\x0b", " "), uncurl_quotes=False, normalization="NFC")


def category(ranges: str) -> list[str]:
    """The characters of a category, whose ranges are written as in a character class."""
    characters, position = [], 0
    while position < len(ranges):
        if ranges[position + 1 : position + 2] == "-" and position + 2 < len(ranges):
            characters += map(chr, range(ord(ranges[position]), ord(ranges[position + 2]) + 1))
            position += 3
        else:
            characters.append(ranges[position])
            position += 1
    return characters


SUSPICIOUS = sorted({character for ranges in MOJIBAKE_CATEGORIES.values() for character in category(ranges)})


@pytest.mark.parametrize("around", ["{}", "a{} b", "A{}1", " {}.", "{}\n"])
def test_every_character_that_is_passed_by(around: str) -> None:
    passed = [
        chr(code)
        for code in [*range(0x3000), *range(0x3000, 0xD800, 7), *range(0xF900, 0x11000), *range(0x11000, 0x110000, 1009)]
        if not _may_need_mending(around.format(chr(code)))
    ]
    assert len(passed) > 10_000
    for start in range(0, len(passed), 400):
        # Of several at once each has its neighbours, so a character that ftfy would touch is not hidden by another.
        text = " x ".join(around.format(character) for character in passed[start : start + 400])
        assert always(text) == text, start


@settings(deadline=None, max_examples=600)
@given(
    st.text(st.sampled_from(SUSPICIOUS) | st.sampled_from("aZ1 .&;#<>\n\t\x0b\r\x1b["), max_size=12)
    | st.text(max_size=20)
    | st.text(max_size=12).map(lambda text: text.encode("utf-8", "ignore").decode("cp1252", "ignore"))
    | st.text(max_size=12).map(lambda text: text.encode("utf-8", "ignore").decode("latin-1"))
)
@example("cafÃ© â€“ no")
@example("x\n \u00c3 y")
@example("&lt;b&gt; &amp; &notanentity; &#8217;")
@example("l\u00e9\u2019s e\u0301")
@example("\u201cx\u201d\u2014\u2018y\u2019\u2026")
def test_mended_is_what_ftfy_gives(text: str) -> None:
    assert mended(text) == always(text)


@pytest.mark.parametrize(
    "text",
    [
        "The tenant pays the rent, 50 % of it & more at once; see [1] and {2}.",
        "“No,” she said — ‘not’ the landlord’s … • § 5 and 20 °C, naïve café Käse",
        "a < b > c\n\tand on\fto the next page",
    ],
)
def test_ordinary_text_is_passed_by(text: str) -> None:
    assert not _may_need_mending(text)
    assert mended(text) is text
