"""Sentence boundaries with exact offsets, for the prose of law and medicine. Knows no documents, only text.

A full stop after an abbreviation is told by what follows: "the U.S. Court" goes on, "in the U.S. The court" does not,
since "The" opens sentences and no names. Kiss and Strunk, "Unsupervised multilingual sentence boundary detection",
2006, section 4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# A full stop after one of these (lower case, without the stop) never ends a sentence ...
_NEVER = frozenset("v vs cf e.g i.e viz dr mr mrs ms prof messrs approx ca no.s z.b d.h bzw vgl".split())
# ... after one of these it does not before a number, "§" or "(" ("No. 7", "para. (b)", but "The answer is no. ...") ...
_BEFORE_NUMBER = frozenset(
    (
        "no nos nr abs rn art arts sec secs s ss subsec cl reg regs para paras par pars p pp ch c r rr rs fig figs tab vol app appx "
        "stat pt pts n nn ex exh div tit cap sch id ibid ser jan feb mar apr jun jul aug sep sept oct nov dec"
    ).split()
)
# ... and after one of these, or initials, only before a word that opens sentences.
_BEFORE_OPENER = frozenset(
    (
        "inc ltd corp co llc bros assn dept univ inst natl comm etc al jr sr ph.d st ave blvd hon gen sen rep gov rev capt sgt lt "
        "fed civ crim proc evid pub cong sess reg supp cir dist ann rptr ed eds ser op f.2d f.3d f.4th misc cert arg nom sch transp "
        "sys hosp ins max resp incl excl est tel"
    ).split()
)
# The same, only with a capital: "Ill." is a state, "ill." ends a sentence.
_CAPITALISED = frozenset(
    (
        "Ala Ariz Ark Cal Colo Conn Del Fla Ga Haw Ill Ind Kan Ky La Md Mass Mich Minn Miss Mo Mont Neb Nev Okla Ore Pa Tenn Tex Va Vt "
        "Wash Wis Wyo Bankr Const Stat Ct Soc Sec"
    ).split()
)
# A sentence does not open with one of these, so the stop before it is an abbreviation's: "Bell Atl. Corp.", "Sch.
# Dist.".
_CLOSING = frozenset("inc ltd corp co llc bros assn dist dept supp app appx cir ct reg code".split())
_OPENERS = frozenset(
    (
        "a an the this that these those it its he she they we you his her their our your i in on at by for from with without within if "
        "when where while although though because since as after before during until unless upon under however therefore thus hence "
        "accordingly moreover furthermore but and or so nor yet not there here such some any all each every both many most more other "
        "another one two no to of what who which how why is are was were do does did can could may might must shall should will would "
        "have has had nothing none only even also then now once plaintiff plaintiffs defendant defendants patients"
    ).split()
)
# After one of these a capital is no initial: "Vitamin D.", "Schedule A.", "hepatitis B.".
_LETTERED = frozenset(
    (
        "vitamin hepatitis influenza hemophilia haemophilia protein immunoglobulin factor group type grade class stage phase "
        "schedule exhibit annex appendix attachment part section table figure form plan title subtitle chapter article paragraph "
        "item option category division"
    ).split()
)
_END = re.compile(r"(?:[.!?…]+[\"'”’»)\]]*(?:\[\^?\d+\])*(?=\s)|\n{2,})")
_NEXT = re.compile(
    r"\s+(?:[-–•*·]\s+)?[\"'“‘«]*(?:(\(?(?:[a-z]{1,2}|[ivxl]+|\d{1,3}[A-Za-z]?)\)(?=\s)|(?:[a-z]|[ivx]{2,4})\.(?=\s+\W?[A-Z]))|([(\[]?)[\"'“‘«]*(\w+|§)(\.?))"
)
_INITIALS = re.compile(r"(?:[A-Za-z]{1,3}\.)+[A-Za-z]{1,2}")
_LAST_WORD = re.compile(r"(?:(\w+)\s+)?([\w.]+)\Z")
_NUMBER = r"(?:\d{1,3}[A-Za-z]{0,2}|[A-Za-z]|[ivxlIVXL]+)(?:\.\d{1,3})*"
_OPENING_NUMBER = re.compile(rf"\W*{_NUMBER}[)\]]*\Z")
_ENUMERATOR = re.compile(rf"[:;]\s+(?:(?:and|or)\s+)?{_NUMBER}\Z")
_CASELESS_FROM = 200
"""Characters from which a text without any capital is taken for one that has lost them."""


@dataclass(frozen=True, slots=True)
class _Following:
    """What comes after a full stop: the number of a list, or an opening bracket, a word, and a stop after that word."""

    enumerator: str
    bracket: str
    word: str
    stop: str

    @property
    def is_number(self) -> bool:
        return bool(self.enumerator) or self.word[0].isdigit() or self.word[0] in "§_"

    @property
    def is_opener(self) -> bool:
        return not self.stop and self.word.lower() in _OPENERS

    @property
    def is_upper(self) -> bool:
        return self.word.isupper()

    @property
    def in_bracket(self) -> bool:
        return bool(self.bracket)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of `text`, in order, without surrounding white space.

    Together they hold every visible character.

    A number that opens a paragraph or an item ("12. (1) This Act ...") belongs to the sentence that it numbers.
    """
    spans: list[tuple[int, int]] = []
    lowered = len(text) >= _CASELESS_FROM and text.islower()
    start = 0
    for match in _END.finditer(text):
        if match[0][0] != "\n" and not _ends(text, start, match, lowered):
            continue
        _append_trimmed(spans, text, start, match.end())
        start = match.end()
    _append_trimmed(spans, text, start, len(text))
    return spans


def _ends(text: str, start: int, match: re.Match[str], lowered: bool) -> bool:
    """True when the stop at `match` ends the sentence that began at `start`."""
    following = _NEXT.match(text, match.end())
    if following is None:
        return _opens_otherwise(text, match.end())
    after = _Following(*following.groups(""))
    if after.word[:1].islower() and not lowered:
        return False
    if match[0][0] != ".":
        return True
    if after.stop and after.word.lower() in _CLOSING:
        return False
    return not _abbreviates(text, start, match.start(), after)


def _opens_otherwise(text: str, position: int) -> bool:
    """What follows is no word: a dash goes on with a sentence ("In general. — Each"), and so does a line to fill in."""
    following = text[position : position + 40].lstrip()
    return not following or not (following[0].isalnum() or following[0] in "—–_,;:.")


def _abbreviates(text: str, start: int, stop: int, following: _Following) -> bool:
    """True when the full stop at `stop` belongs to the word before it, or to a number that opens the sentence."""
    opening = stop - start <= 12 and _OPENING_NUMBER.match(text[start:stop])
    if opening or _ENUMERATOR.search(text, max(start, stop - 16), stop):
        return True
    last_word = _LAST_WORD.search(text, max(start, stop - 24), stop)
    if last_word is None:
        return False
    before, word, stem = last_word[1] or "", last_word[2], last_word[2].lower()
    if stem in _BEFORE_NUMBER and (following.is_number or (following.in_bracket and stem != "no")):
        return True
    if len(word) > 1 and word.isalpha() and word.isupper() and not following.is_upper:
        return False  # "CT.", "MS.", "the ED.", "CF.": an acronym, but in a text of capitals
    if stem in _NEVER:
        return True
    if len(word) == 1:
        # "MPS I." and "vitamin D." end, "J." of a name does not.
        lettered = before.lower() in _LETTERED or (2 <= len(before) <= 4 and before.isupper() and not following.is_upper)
        return word.isupper() and not lettered and not following.is_opener
    abbreviation = stem in _BEFORE_OPENER or (word[0].isupper() and word.capitalize() in _CAPITALISED)
    return bool(abbreviation or _INITIALS.fullmatch(word)) and not following.is_opener


def _append_trimmed(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    trimmed_start = start + len(piece) - len(piece.lstrip())
    trimmed_end = end - (len(piece) - len(piece.rstrip()))
    if trimmed_start < trimmed_end:
        spans.append((trimmed_start, trimmed_end))
