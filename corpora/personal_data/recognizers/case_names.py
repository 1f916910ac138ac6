"""Names of court cases. Published ones are citations, which a legal collection is about, so the confidence is low."""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpora.personal_data.recognizers.finding import Finding
from corpora.personal_data.recognizers.names import NAME_CAPITALS, NAME_WORD

_VERSUS = re.compile(r"\s(?:v|vs)\.?\s(?=[\w'(\"])")
_JOINING = frozenset("of the and & for in de la le du et on at und y d/b/a a/k/a ex rel. &c.".split())
_ABBREVIATED = re.compile(
    r"(?:Inc|Corp|Co|Ltd|Bros|Cos|Assn|Ass'n|Dept|Dep't|Ins|Mfg|Int'l|Nat'l|Univ|Cnty|Hosp|Ctr|Sys|Servs|Indus|No|St|Dr|Mr"
    r"|Mrs|Ms|Jr|Sr|[A-Z])\.,?$"
)
_LEADING = frozenset(
    "In See Under Cf The After Following Since And But As By Also Compare Per Both When Where While Before".split()
)
_IN_RE = re.compile(
    rf"\b(?:In re|Ex parte|(?:In the )?Matter of|Estate of)(?: (?:the|of|Estate|Matter))* (?P<value>(?:{NAME_WORD}"
    rf"|{NAME_CAPITALS})(?: (?:{NAME_WORD}|{NAME_CAPITALS})){{0,4}})"
)
_PARTY_WORDS = 7


def find_case_names(text: str) -> Iterator[Finding]:
    """Names of cases ("Roe v. Wade", "In re Gault"). Published ones are citations, so the confidence is low."""
    for match in _VERSUS.finditer(text):
        start, end = _left_party(text, match.start()), _right_party(text, match.end())
        if start < match.start() and end > match.end():
            yield Finding("case-name", start, end, 0.3)
    yield from (Finding("case-name", *match.span(), 0.3) for match in _IN_RE.finditer(text))


def _left_party(text: str, stop: int) -> int:
    start = stop
    words = list(re.finditer(r"\S+", text[max(0, stop - 90) : stop]))
    offset = max(0, stop - 90)
    for word in reversed(words[-_PARTY_WORDS:]):
        bare = word[0].lstrip("([\"'")
        ends = word[0][-1:] in ".;:,)" and not _ABBREVIATED.search(word[0])
        if (ends and start < stop) or bare in _LEADING or not (bare[:1].isupper() or bare in _JOINING):
            break
        start = offset + word.end() - len(bare) if bare[:1].isupper() else start
    return start


def _right_party(text: str, begin: int) -> int:
    end = begin
    for word in re.finditer(r"\S+", text[begin : begin + 90]):
        bare = word[0].rstrip(".,;:)]\"'")
        if not (word[0][:1].isupper() or (word[0] in _JOINING and end > begin)):
            break
        if word[0][:1].isupper():
            end = begin + word.start() + len(word[0] if _ABBREVIATED.search(word[0]) else bare)
        if word[0][-1:] in ".,;:)]" and not _ABBREVIATED.search(word[0]):
            break
    return end
