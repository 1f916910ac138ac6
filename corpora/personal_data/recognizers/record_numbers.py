"""Recogniser of numbers by which an institution files a person, and of dates of birth.

Medical and insurance records, court dockets.

A neutral citation ("[2019] EWCA Civ 123"), a case of the EU courts ("C-131/12"), a statute and a regulation are no
dockets: they are published, and a legal collection is about them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpora.personal_data.recognizers.finding import JOIN, NUMBER, Finding, Rule, any_case, apply_rules

_MONTHS = (
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sept sep oct nov dec "
    "januar jänner februar märz mai juni juli oktober dezember "
    "janvier février fevrier mars avril juin juillet août aout septembre octobre novembre décembre decembre "
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre "
    "gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre"
).split()
_MONTH = r"(?:" + "|".join(sorted(_MONTHS, key=lambda name: (-len(name), name))) + r")\b\.?"
_DAY_IN_WORDS = (
    r"(?:(?:twenty|thirty)[- ](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|first|second|third|fourth|fifth|sixth"
    r"|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth"
    r"|twentieth|thirtieth)"
)
_YEAR = r"(?:(?:18|19|20)\d{2}|'?\d{2})(?!\d)"
_DATE = (
    r"(?:(?:18|19|20)\d{2}([-/. ])\d{1,2}[-/. ]\d{1,2}(?!\d)"
    r"|\d{1,2}\s?[-/.]\s?\d{1,2}\s?[-/.]\s?" + _YEAR + r"|\d{1,2} \d{1,2} (?:18|19|20)\d{2}(?!\d)"
    r"|\d{1,2}(?:st|nd|rd|th|er|\.|º|°)?(?:\s+day)?(?:\s+of|\s+de)?[\s.,/-]{0,3}"
    + _MONTH
    + r"(?:\s+de|\s+of)?[\s.,/-]{0,3}"
    + _YEAR
    + r"|"
    + _MONTH
    + r"[\s.-]{0,2}\d{1,2}(?:st|nd|rd|th)?[\s.,/-]{1,3}"
    + _YEAR
    + r"|"
    + _DAY_IN_WORDS
    + r"\s+(?:day\s+)?(?:of\s+)?"
    + _MONTH
    + r",?\s+(?:18|19|20)\d{2}(?!\d)|(?:19|20)\d{6}(?!\d)|(?:0\d|1[0-2])[0-3]\d(?:19|20)\d{2}(?!\d))"
)
_BIRTH_LABEL = (
    r"(?:\bD\.?\s?O\.?\s?B\b\.?|\bb(?:irth)?\.?\s?dates?\b|\b(?:date|day|d\.)\s+of\s+birth\b|\bbirthday\b|\bgeburtsdatum\b"
    r"|\bgeb\.(?:\s?datum)?"
    r"|\bdate\s+de\s+naissance\b|\bfecha\s+de\s+nacimiento\b|\bdata\s+di\s+nascita\b)"
)
_BORN = r"\b(?:born|b\.|geboren|n[ée]e?\b|nacid[oa]|nat[oa])"
_ARTICLES = r"[\s:,=.\-]{0,8}(?:(?:is|was|on|the|am|le|el|il|as)\s+){0,3}"
_VALUE = (
    r"(?P<value>(?=[A-Z]{0,5}[ -]?\d)(?:[A-Z]{1,3} \d{3} \d{3,4}|\d{2,4}(?:[ -]\d{2,4}){1,3}"
    r"|[A-Z0-9](?:[A-Z0-9]|[./-](?=[A-Z0-9])){2,19}))(?![\w])"
)
_PATIENT_LABEL = (
    r"\b(?:MRN|M\.R\.N\.|URN|UHID|(?-i:CSN|FIN|HAR)(?=\s?[#:]|\s\d{6})|accession(?=\s?[#:])|(?:pathology|cytology|biopsy)\s+(?:case|specimen)"
    r"|(?:(?:(?:medical|med\.?|health|patient|pt\.?|hospital|hosp\.?|clinical|clin\.?|unit)\s+"
    r"(?:record|rec\.?)|patient(?:'s)?|pt\.?|MR|M\.R\.|hospital|hosp\.?|chart|case\s?notes?|unit|encounter|visit|accession|acc\.?"
    r"|specimen|rx|prescription|lab|requisition|pat\.?|patienten|fall|aufnahme)" + NUMBER + r"))"
)
_MEMBER_LABEL = (
    r"\b(?:(?:member(?:ship)?|subscriber|policy(?:holder)?|insurance|beneficiary|enroll?ee|health\s+plan|medicare|medicaid"
    r"|claim|group|DEA|NPI"
    r"|GMC|NMC|bar|state\s+bar|licen[cs]e|client|customer|employee|inmate|prisoner|alien|student|versicherten|personal)"
    + NUMBER
    + r"|MBI|HICN|NPI|A-number)"
)
_CASE_VALUE = (
    r"(?P<value>(?![CTF]-\d)(?=[^\s]*\d|[A-Z]{1,2}\s\d)(?:(?:[A-Z]{1,2}\s)?\d{1,4}[a-z]?\s[A-Z]{1,4}\s\d{1,5}/\d{2,4}(?:\.[A-Z]{1,3})?"
    r"|(?:[A-Z]{1,4}\s?)?(?:[A-Z0-9]{1,8}[-/:.]){1,5}[A-Z0-9]{1,10}(?:\s?\([A-Z]{1,4}\))?|[A-Z]{0,4}\d{5,12}[A-Z]{0,3}"
    r"|[A-Z]{1,2}\d{2}[A-Z]{1,2}\d{3,6}|\d{2,4}[A-Z]{2,6}\d{3,8}))"
    r"(?!\w)"
)
_CASE_LABEL = (
    r"\b(?:(?:case|civil\s+action|civil|civ\.(?:\s?a\.)?|criminal|crim\.(?:\s?a\.)?|docket|cause|index|action|adversary"
    r"(?:\s+(?:proceeding|case))?"
    r"|adv\.(?:\s+(?:pro(?:c)?|p)\.?)?|appeal|petition|matter|court\s+file|file|bankruptcy(?:\s+case)?|claim|suit|lawsuit"
    r"|complaint|(?:eeoc\s+)?charge|tribunal|c\.\s?a\.|appellate|adv\.\s+pro\.)"
    r"\s?(?:nos?\b\.?|numbers?|#|ref(?:erence)?\b\.?)|aktenzeichen|az\.:?|gesch[äa]ftszeichen|gesch\.-?z\.|gz\.:?|docket|"
    r"(?:n[°º]\s?)?(?:RG|R\.G\.)(?:\s?n[°º])?)"
)
_COURT_DIVISION = r"(?:cv|civ|cr|crim|mc|md|ml|mj|bk|ap|po|sw|ev|cm|gj|mdl|misc|br|cf|ca)"
# What stands before "No. 12-345" when the number is that of a law, a rule or a form.
_PUBLISHED = any_case(
    r"(?:\b(?:l(?:aw)?|regulations?|directive|act|order|release|rule|notice|convention|protocol|form|decision|opinion"
    r"|bulletin|stat|instrument"
    r"|circular|standard|recommendation|table|figure|fig|chapter|part|section|item|resolution|treaty|series|report|paper"
    r"|vol(?:ume)?|issue|h\.?r"
    r"|s|res|assembly|senate|house|bill|statement|guideline|guidance|letter|advisory)\.?|\([A-Z]{2,4}\))\s*$"
)

RULES = (
    Rule(
        "date-of-birth",
        0.97,
        any_case(_BIRTH_LABEL + r"(?:\s?\([^()\n]{1,25}\)|\s?/\s?[a-z ]{2,12})?" + _ARTICLES + r"(?P<value>" + _DATE + r")"),
    ),
    Rule(
        "date-of-birth",
        0.8,
        any_case(_BORN + r"(?:\s+(?:in|at|à|a|en)\s+[^\n.;:]{2,50}?)?" + _ARTICLES + r"(?P<value>" + _DATE + r")"),
    ),
    Rule("date-of-birth", 0.95, any_case(r"(?<![\w/.-])(?P<value>" + _DATE + r")\s?[(,\[-]?\s?(?:" + _BIRTH_LABEL + r")")),
    Rule("record-number", 0.95, any_case(_PATIENT_LABEL + JOIN + _VALUE)),
    Rule("record-number", 0.75, any_case(_MEMBER_LABEL + JOIN + _VALUE)),
    Rule(
        "docket-number",
        0.97,
        any_case(
            r"(?<![\w-])\d{1,2}:\d{2,4}-" + _COURT_DIVISION + r"-\d{2,6}(?:-[A-Z0-9]{1,5}){0,4}(?:\s?\([A-Z]{2,4}\))?(?![\w-])"
        ),
    ),
    Rule(
        "docket-number",
        0.85,
        any_case(r"(?<![\w:-])\d{2,4}[ -]" + _COURT_DIVISION + r"[ -]\d{3,6}(?:-[A-Z]{1,4}){0,3}(?![\w-])"),
    ),
    Rule("docket-number", 0.9, re.compile(r"(?<!\w)[A-Z]{2}-(?:19|20)\d{2}-\d{6}(?!\w)")),
    Rule("docket-number", 0.85, re.compile(r"(?<!\w)CO/\d{1,5}/(?:19|20)\d{2}(?!\d)")),
    # Courts whose numbers tell themselves: Florida's districts of appeal, Los Angeles, the Crown Court of England.
    Rule("docket-number", 0.85, re.compile(r"(?<![\w-])[1-6]D\d{2}-\d{3,5}(?![\w-])")),
    Rule("docket-number", 0.85, re.compile(r"(?<![\w-])\d{2}[A-Z]{2}C[VPR]\d{5}(?!\w)")),
    Rule(
        "docket-number",
        0.85,
        any_case(r"\b(?:crown\s+court|indictment|case)(?:\s+(?:case|no\.?|number))?[\s:#]{1,3}(?P<value>T20\d{6,7})(?!\d)"),
    ),
    Rule("docket-number", 0.9, any_case(_CASE_LABEL + JOIN + _CASE_VALUE)),
)
_BARE = re.compile(r"\bNos?\. ?(?P<value>\d{2}-\d{2,5}(?:\(L\))?)(?![\w-])")


def find_registers(text: str) -> Iterator[Finding]:
    """Record numbers, docket numbers and dates of birth in folded `text`."""
    for finding in apply_rules(RULES, text):
        value = text[finding.start : finding.end]
        if sum(character.isdigit() for character in value) >= 3:
            yield finding
    for match in _BARE.finditer(text):
        if not _PUBLISHED.search(text, max(0, match.start() - 25), match.start()):
            yield Finding("docket-number", *match.span("value"), 0.6)
