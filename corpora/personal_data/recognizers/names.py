"""People's names: after a title, a label or a party's role, before a degree, after a common given name.

There is no model behind it. A name that stands alone, with a given name outside the list below, is not found.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from corpora.personal_data.recognizers.finding import Finding
from corpora.personal_data.recognizers.name_words import GIVEN_NAMES, INSTITUTIONS, NO_NAMES

UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĘĚĞĢĪİĶĹĻĽŁŃŅŇŌŐŒŘŚŞŠŢŤŪŮŰŹŻŽ"
LOWER = "a-zß-öø-ÿāăąćčďđēęěğģīıķĺļľłńņňōőœřśşšţťūůűźżž"
NAME_WORD = rf"(?:(?:[{UPPER}]'|Mc|Mac|Fitz|De|Di|La|Le|Van|St\. )?[{UPPER}][{LOWER}]+(?:[-'][{UPPER}]?[{LOWER}]+)*)"
NAME_CAPITALS = rf"(?:[{UPPER}](?:[{UPPER}]|['-](?=[{UPPER}]))+)"
_INITIALS = rf"(?:[{UPPER}]\.(?:[ -]?[{UPPER}]\.){{0,3}}|[{UPPER}](?= [{UPPER}]))"
_PARTICLE = (
    r"(?:van der|van den|van de|van|von der|von|de la|de los|de|del|della|di|da|dos|du|le|la|ter|ten|bin|bint|ibn|al-|al"
    r"|el-|el|zu|ap|y)"
)
_SUFFIX = r"(?:,? (?:Jr\b\.?|Sr\b\.?|III|II|IV)\b)?"


def _person(word: str) -> str:
    """Initials or words, then up to three more words with initials and particles between."""
    return rf"(?:{_INITIALS} ?)?(?:{_PARTICLE} )?{word}(?: (?:{_INITIALS} )?(?:{_PARTICLE} ?)?{word}){{0,3}}{_SUFFIX}"


_PERSON = _person(NAME_WORD)
_ANY_PERSON = rf"(?:{_person(NAME_CAPITALS)}|{_PERSON})"
_LAST_FIRST = rf"(?:{NAME_WORD}|{NAME_CAPITALS})(?:[ -](?:{NAME_WORD}|{NAME_CAPITALS})){{0,2}}, (?:{_ANY_PERSON}|{_INITIALS})"
_TITLE = (
    r"(?:(?:Mr|Mrs|Ms|Mx|Messrs|Dr|Prof|Hon|Rev|Fr|Sgt|Capt|Det|Lt|Col|Sr|Sra|Srta|Sig|Dott|Mme|Mlle)\b\.?|MR\b\.?|MRS\b\.?"
    r"|MS\b\.?|DR\b\.?|Miss|Professor"
    r"|Doctor|Sir|Dame|Lord|Lady|Judge|Justice|Magistrate|Reverend|Father|Rabbi|Imam|Nurse|Sister|Officer|Detective"
    r"|Sergeant|Captain|Herrn?|Frau"
    r"|Monsieur|Madame|Mademoiselle|Señora?|Don|Doña|Signora?|Sig\.ra|Dott\.ssa)"
)
_ROLE = (
    r"(?:plaintiff|defendant|claimant|appellant|appellee|respondent|petitioner|complainant|applicant|co-defendant"
    r"|cross-defendant|witness|decedent|debtor"
    r"|juror|testator|testatrix|executor|executrix|administrator|trustee|guardian|victim|suspect|accused|patient|attorney"
    r"|counsel|solicitor|barrister)"
)
_LABEL = (
    r"(?:patient(?:'s)?(?: name)?|(?:full |legal |first and last |last |family |given |first |sur|maiden |client |employee "
    r"|member |insured |account )?name(?: of (?:the )?"
    r"(?:patient|client|insured|claimant|employee|applicant))?|client|claimant|plaintiff|defendant|appellant|appellee"
    r"|respondent|petitioner|applicant|complainant|witness|debtor"
    r"|decedent|deceased|employee|tenant|landlord|guardian|parent|mother|father|spouse|wife|husband|next of kin|emergency"
    r" contact|contact(?: person)?|insured|policyholder"
    r"|subscriber|beneficiary|(?:attending |referring |treating |primary care |ordering |consulting )?(?:physician|doctor"
    r"|provider|clinician)|surgeon|consultant|anesthetist"
    r"|anaesthetist|radiologist|pathologist|therapist|nurse|gp|pcp|interpreter|solicitor|barrister|attorney|counsel|judge"
    r"|custodian|reporter|prepared by|dictated by|"
    r"transcribed by|signed(?: by)?|electronically signed by|reviewed by|authored by|author|reported by|verified by|seen by"
    r"|examined by|referred by|"
    r"patientin|versicherter|nom|prénom|nombre|nome)"
)
_DEGREE = (
    r"(?:M\.?D|D\.?O|Ph\.?D|Esq|Esquire|J\.?D|LL\.?[BMD]|R\.?N|N\.?P|P\.?A|PA-C|FNP|CRNA|DDS|DMD|DVM|DPT|LCSW|PharmD|QC|KC"
    r"|SC|FRCP|MRCP|FRCS|MBBS|MBChB|MRCGP|FACP|FACC|FACS|CPA"
    r"|MBE|OBE|CBE|USMJ|U\.S\.D\.J|U\.S\.M\.J|J\.S\.C)\b\.?"
)
_PLAIN = str.maketrans(
    "ÁÀÂÃÅÇÉÈÊËÍÌÎÏÑÓÒÔÕÚÙÛÝŁŚŻáàâãåçéèêëíìîïñóòôõúùûýłśżışğč", "AAAAACEEEEIIIINOOOOUUUYLSZaaaaaceeeeiiiinoooouuuylszisgc"
)
_GIVEN_NAME = (
    r"(?:" + "|".join(sorted({name.translate(_PLAIN) for name in GIVEN_NAMES}, key=lambda name: (-len(name), name))) + r")"
)

_ROLE_ALONE, _LABEL_ALONE, _DEED_ALONE = 0.55, 0.6, 0.68
BY_WORDS_ALONE = 0.65
_COMPANY = (
    r"(?: \([\w ]{1,30}\))?,? (?:&|Ltd|Limited|Inc|LLC|LLP|PLC|plc|Corp|Company|Co\b|GmbH|AG\b|Trust|Foundation|Act|Award"
    r"|University|College|Hospital|Street|Road|Avenue|[Cc]riteri|[Ss]yndrome|[Dd]isease|[Ss]core|[Ss]cale|[Tt]est|[Ss]ign"
    r"|[Rr]egister)"
)
# Surnames that say so: O'Brien, McNeil, van den Berg, Kowalska.
_SURNAME = (
    rf"(?:(?:O|D)'[{UPPER}][{LOWER}]+|Ma?c[{UPPER}][{LOWER}]+|(?:van der|van den|van|von der|von|de la|de los|bin|ibn|ter)"
    rf" [{UPPER}][{LOWER}]+|[{UPPER}][{LOWER}]{{2,}}(?:owski|owska|wicz|ovich|enko|shvili|opoulos|sson|sdottir))"
)
# (pattern with the group "value", confidence of several words, confidence of one word; 0 is no finding)
_PATTERNS = (
    (re.compile(rf"(?<![\w-]){_TITLE}\s(?:{_TITLE}\s)?(?P<value>{_ANY_PERSON})(?!\w)"), 0.92, 0.85),
    (
        re.compile(
            rf"(?<![\w-])(?i:{_LABEL})\s?(?:\((?:s|[A-Z][a-z ]+)\))?\s?:\s{{0,4}}(?:{_TITLE}\s)?(?P<value>{_LAST_FIRST}"
            rf"|{_ANY_PERSON})(?!\w)"
        ),
        0.85,
        _LABEL_ALONE,
    ),
    (
        re.compile(
            rf"(?<![\w-])(?i:to|from|cc|re|before|attn|attention)\s?:[ \t]{{0,4}}(?:{_TITLE}\s)?(?P<value>{_LAST_FIRST}"
            rf"|{_ANY_PERSON})(?!\w)"
        ),
        0.75,
        0.0,
    ),
    (re.compile(rf"(?<![\w-])(?i:{_ROLE}) (?:{_TITLE}\s)?(?P<value>{_ANY_PERSON})(?!\w)"), 0.75, _ROLE_ALONE),
    (re.compile(rf"(?<![\w-])(?i:{_ROLE}s?), (?:{_TITLE}\s)?(?P<value>{_ANY_PERSON})(?!\w)"), 0.7, 0.0),
    (re.compile(rf"(?<![\w-])(?P<value>{_ANY_PERSON}),? (?:{_DEGREE})(?!\w)"), 0.85, 0.0),
    (re.compile(rf"/s/\s{{0,3}}(?P<value>{_ANY_PERSON})(?!\w)"), 0.95, 0.9),
    (
        re.compile(
            rf"(?i:\b(?:sincerely|faithfully|truly|regards|wishes|respectfully(?: submitted)?|grüßen))\s?,?\s{{1,6}}"
            rf"(?:{_TITLE}\s)?(?P<value>{_ANY_PERSON})(?!\w)"
        ),
        0.9,
        0.6,
    ),
    (
        re.compile(
            rf"(?i:\b(?:signed|dictated|transcribed|reviewed|examined|referred|prepared|verified|authored|sworn|witnessed) "
            rf"(?:electronically )?by|\bdear|\bmy name is|\bI,)\s(?:{_TITLE}\s)?(?P<value>{_ANY_PERSON})(?!\w)"
        ),
        0.85,
        _DEED_ALONE,
    ),
    (re.compile(rf"(?<![\w-])(?P<value>{_person(NAME_CAPITALS)}),?\s{{1,12}}(?i:{_ROLE})s?\b"), 0.8, 0.0),
    (
        re.compile(rf"(?<![\w-])(?P<value>{_GIVEN_NAME}(?:-{_GIVEN_NAME})?(?: {_INITIALS})? {_PERSON})(?!\w)(?!{_COMPANY})"),
        BY_WORDS_ALONE,
        0.0,
    ),
    (re.compile(rf"(?<![\w-])(?P<value>{NAME_WORD} {_SURNAME})(?!\w)(?!{_COMPANY})"), BY_WORDS_ALONE, 0.0),
)


def find_names(text: str) -> Iterator[Finding]:
    """Names of people in folded `text`, without their titles."""
    bare = text.translate(_PLAIN)
    for pattern, several, single in _PATTERNS:
        for match in pattern.finditer(bare if several == BY_WORDS_ALONE else text):
            start, end = _trimmed(text, *match.span("value"))
            words = len(re.findall(r"\w{2,}", text[start:end]))
            if words > 1 and several:
                yield Finding("name", start, end, several)
            elif words == 1 and single and not _doubtful(text, match.start(), start, end, single):
                yield Finding("name", start, end, single)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of a name, cut before the first word that belongs to no name.

    Empty where that is the first word, or where a word makes an institution of it.
    """
    name_end = start
    for word in re.finditer(r"[\w.'-]+", text[start:end]):
        bare = word[0].strip(".'-")
        if bare in INSTITUTIONS:
            return start, start
        if bare in NO_NAMES or (len(bare) > 1 and bare.isupper() and bare.capitalize() in NO_NAMES):
            return start, name_end
        name_end = start + word.end()
    following = re.match(r" ([\w'-]+)", text[end : end + 25])
    return start, start if following and following[1] in INSTITUTIONS else end


def _doubtful(text: str, begin: int, start: int, end: int, single: float) -> bool:
    """True for a lone word that is an abbreviation ("patient MRI") or begins a sentence ("Name: Give the ...")."""
    if single == _LABEL_ALONE:
        return re.match(r" [a-z]", text[end : end + 2]) is not None
    if single in (_ROLE_ALONE, _DEED_ALONE):
        return text[start:end].isupper() and (end - start <= 5 or text[begin:start].isupper())
    return False


def find_again(text: str, names: Collection[str]) -> Iterator[Finding]:
    """Where names that are known from elsewhere stand in folded `text`: whole, and by their last word alone."""
    confidences: dict[str, float] = {}
    for name in names:
        words = [word for word in re.findall(rf"[{UPPER}{LOWER}'-]+", name) if len(word) > 2]
        if not words:
            continue
        confidences[name] = 0.8
        last = words[0] if "," in name else words[-1]
        # A name that is also a word ("Black") only counts where it cannot be meant as one.
        if last[0].isupper() and not last.isupper() and not re.search(rf"\b{re.escape(last.lower())}\b", text):
            confidences.setdefault(last, 0.6)
    if not confidences:
        return
    either = "|".join(re.escape(name) for name in sorted(confidences, key=lambda name: (-len(name), name)))
    for match in re.finditer(rf"(?<![\w-])(?:{either})(?!\w)", text):
        yield Finding("name", *match.span(), confidences[match[0]])
