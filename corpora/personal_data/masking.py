"""Personal data in a text: where it is, and what a policy makes of it.

Knows no store, and keeps nothing of what it finds.

Patterns, checksums and labels find it (`corpora.personal_data.recognizers`); there is no model, so a name in running
text without a title, a role, a label or a common given name is missed. Masking happens before chunking: offsets in the
store are those of the masked text.
"""

from __future__ import annotations

import hmac
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from corpora.errors import PersonalDataRefused
from corpora.personal_data.recognizers import KINDS, RECOGNIZERS, Finding, find_again, folded
from corpora.personal_data.recognizers.names import BY_WORDS_ALONE

__all__ = ["KINDS", "Finding", "Policy", "apply_policy", "counts", "find_personal_data", "mask_blocks", "pseudonym"]

Policy = Literal["keep", "mask", "refuse"]

MIN_CONFIDENCE = 0.5  # case names (0.3) are below: masking them would take the citations out of a legal collection
MIN_KEY_BYTES = 16
_PSEUDONYM_DIGITS = 8
_PSEUDONYM = re.compile(rf"\[[A-Z]+(?:-[A-Z]+)*-[0-9a-f]{{{_PSEUDONYM_DIGITS}}}\]")
_LABELS = {"name": "PERSON", "case-name": "CASE", "url-with-credentials": "URL"}
_SURE_NAME = 0.7  # from here on a name is looked for in the rest of the text as well
_EXTENSION = re.compile(r"(?:ext\.?|extension|x|durchwahl)\s?\d{1,6}$", re.IGNORECASE)
_PHONE_DIGITS = 9  # what "+44 20 7946 0958" and "020 7946 0958" share
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


def find_personal_data(text: str) -> list[Finding]:
    """Findings in reading order that never overlap, never cross a blank line and never touch a pseudonym.

    A name found after a title or a label is found wherever else it stands in the text. A name known by its words alone
    is none inside the name of a case. Where two findings meet, the surer wins, then the longer.
    """
    plain = folded(text)
    findings = [finding for recognize in RECOGNIZERS for finding in recognize(plain)]
    cases = [f for f in findings if f.kind == "case-name"]
    findings = [
        f for f in findings if f.kind != "name" or f.confidence > BY_WORDS_ALONE or not any(_meet(f, case) for case in cases)
    ]
    surely = {plain[f.start : f.end] for f in findings if f.kind == "name" and f.confidence >= _SURE_NAME}
    findings += find_again(plain, surely)
    excluded = [match.span() for match in _PSEUDONYM.finditer(plain)]
    excluded += [match.span() for match in _BLANK_LINE.finditer(plain)]
    return _apart(findings, excluded)


def _meet(left: Finding, right: Finding) -> bool:
    return left.start < right.end and right.start < left.end


def _apart(findings: Iterable[Finding], excluded: Iterable[tuple[int, int]]) -> list[Finding]:
    """The surest of `findings` that overlap neither each other nor the spans `excluded`, in reading order."""
    spans = sorted(excluded)
    chosen: list[Finding] = []
    for finding in sorted(findings, key=lambda f: (-f.confidence, f.start - f.end, f.start, f.kind)):
        index = bisect_right(spans, (finding.start, finding.end))
        before_clear = index == 0 or spans[index - 1][1] <= finding.start
        after_clear = index == len(spans) or spans[index][0] >= finding.end
        if finding.end > finding.start and before_clear and after_clear:
            spans.insert(index, (finding.start, finding.end))
            chosen.append(finding)
    return sorted(chosen, key=lambda f: f.start)


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings there are of each kind, by kind; for a report that shows no contents."""
    return dict(sorted(Counter(finding.kind for finding in findings).items()))


def pseudonym(kind: str, value: str, key: bytes) -> str:
    """ "[PERSON-3f2a9c01]": equal for equal values of a kind under one key, whatever their case and punctuation.

    HMAC-SHA-256 (RFC 2104), so nobody without the key can try values out. 32 bits: among 10,000 values of a kind two
    share a pseudonym with a chance of 1 %. Raises ValueError for a key under 16 bytes.
    """
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"the key has {len(key)} bytes; at least {MIN_KEY_BYTES} random ones are needed")
    digest = hmac.digest(key, f"{kind}\0{_normalised(kind, value)}".encode("utf-8", "surrogatepass"), "sha256").hex()
    return f"[{_LABELS.get(kind, kind.upper())}-{digest[:_PSEUDONYM_DIGITS]}]"


def _normalised(kind: str, value: str) -> str:
    value = folded(value).casefold()
    if kind == "phone":
        return re.sub(r"\D", "", _EXTENSION.sub("", value))[-_PHONE_DIGITS:]
    if kind in ("email", "url-with-credentials", "ip"):
        return value
    if kind in ("name", "case-name", "address"):
        return " ".join(re.findall(r"\w+", value))
    return "".join(re.findall(r"\w", value))


def apply_policy(
    text: str, findings: Sequence[Finding], policy: Policy, key: bytes, *, min_confidence: float = MIN_CONFIDENCE
) -> str:
    """The text with the policy applied to the findings in it.

    "keep" leaves it, "mask" puts pseudonyms for findings, "refuse" raises PersonalDataRefused.

    Only findings of `min_confidence` (0–1) and above count. They must not overlap; everything between them stays as it
    is.
    """
    certain = sorted((f for f in findings if f.confidence >= min_confidence), key=lambda f: f.start)
    if policy == "keep" or not certain:
        return text
    if policy == "refuse":
        kinds = ", ".join(f"{count} {kind}" for kind, count in counts(certain).items())
        raise PersonalDataRefused(f"personal data in it: {kinds}; accepted: documents without, or the policies keep and mask")
    if policy != "mask":
        raise ValueError(f"policy is {policy!r}; accepted: keep, mask, refuse")
    parts: list[str] = []
    position = 0
    for finding in certain:
        parts += [text[position : finding.start], pseudonym(finding.kind, text[finding.start : finding.end], key)]
        position = finding.end
    return "".join((*parts, text[position:]))


def mask_blocks(
    texts: Sequence[str], policy: Policy, key: bytes, *, min_confidence: float = MIN_CONFIDENCE
) -> tuple[list[str], dict[str, int]]:
    """The texts of a document's blocks under the policy, and how many findings of each kind it applied to.

    All blocks are read as one, so that a label in one cell is context for the value in the next and a name introduced
    once is known everywhere. Raises PersonalDataRefused.
    """
    whole = "\n\n".join(texts)
    findings = find_personal_data(whole)
    if policy == "refuse":
        apply_policy(whole, findings, policy, key, min_confidence=min_confidence)
    masked: list[str] = []
    start = 0
    for text in texts:
        end = start + len(text)
        block_findings = [
            Finding(f.kind, f.start - start, f.end - start, f.confidence) for f in findings if start <= f.start and f.end <= end
        ]
        masked.append(apply_policy(text, block_findings, policy, key, min_confidence=min_confidence))
        start = end + 2
    return masked, counts(finding for finding in findings if finding.confidence >= min_confidence)
