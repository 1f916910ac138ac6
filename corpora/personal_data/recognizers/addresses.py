"""Street addresses of seven countries, recognised by their form alone.

The United States, the United Kingdom, Ireland, Germany, France, Italy and Spain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpora.personal_data.recognizers.finding import Finding, Rule, any_case, apply_rules

_UPPER = r"A-ZÀ-ÖØ-ÞŒŠŽŁ"
_CAPITAL = rf"(?:[{_UPPER}][\w'-]*|\d{{1,3}}(?:st|nd|rd|th))\.?"
_STREET = (
    r"(?:Street|St\b\.?|Avenue|Ave\b\.?|Road|Rd\b\.?|Boulevard|Blvd\b\.?|Lane|Ln\b\.?|Drive|Dr\b\.?|Terrace|Crescent"
    r"|Cres\b\.?|Mews|Parade|Parkway"
    r"|Pkwy\b\.?|Highway|Hwy\b\.?|Quay|Grove|Turnpike|Esplanade)"
)
_WEAK_STREET = (
    r"(?:Court|Ct\b\.?|Place|Pl\b\.?|Square|Sq\b\.?|Way|Close|Gardens|Gdns|Hill|Row|Walk|Park|Green|Circle|Cir\b\.?|Trail"
    r"|Loop|Rise|View|Vale|Yard|Wharf)"
)
_STATES = (
    r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]"
    r"|PR|Alabama|Alaska|Arizona"
    r"|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky"
    r"|Louisiana|Maine|Maryland"
    r"|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New (?:Hampshire|Jersey|Mexico|York)|"
    r"(?:North|South) (?:Carolina"
    r"|Dakota)|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|Tennessee|Texas|Utah|Vermont|(?:West )?Virginia|Washington"
    r"|Wisconsin|Wyoming)"
)
_POSTCODE = r"(?:GIR ?0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d(?:\d|[A-Z])?|\d[A-HJKPSTUW]) ?\d[ABD-HJLNP-UW-Z]{2})"
_TOWN = rf"[{_UPPER}][\w'.-]*(?: (?:[{_UPPER}][\w'.-]*|upon|on|of|the|le|la|sur|am|an|der|in)){{0,3}}"
_SEP = r"(?:,? ?\n ?|, ?| )"
_UNIT = r"(?:(?:Apt|Apartment|Suite|Ste|Unit|Flat|Room|Rm|Floor|Fl|No|#)\.? ?#? ?[A-Z]?\d{0,5}[A-Z]?\b)"
_NUMBER = r"\d{1,5}(?:[-/]\d{1,5})?[A-Za-z]?"
_ZIP = r"\d{5}(?:-\d{4})?"
_TAIL = (
    rf"(?:{_SEP}{_UNIT})?(?:{_SEP}{_TOWN}){{0,3}}?(?:{_SEP}{_STATES}\.?(?:,? {_ZIP})?\b|{_SEP}{_POSTCODE}\b|{_SEP}{_ZIP}\b"
    rf"|{_SEP}[AC-FHKNPRTV-Y]\d[0-9W] ?[0-9AC-FHKNPRTV-Y]{{4}}\b)"
)
_LOCAL_UNIT = r"(?:(?:Flat|Apartment|Apt|Unit|Suite)\.? ?\w{1,4},? )?"
_GERMAN = (
    rf"[{_UPPER}][\wäöüß.-]*(?: [{_UPPER}][\wäöüß.-]*)?(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse|ring|damm|ufer|chaussee)"
)
_GERMAN_SPLIT = (
    rf"(?:[{_UPPER}][\wäöüß-]*(?:er|n)? (?:Stra(?:ß|ss)e|Str\.|Weg|Platz|Allee|Ring|Damm|Ufer)|(?:Am|An der|Auf der|Im|Zum"
    rf"|Zur) [{_UPPER}][\wäöüß-]+)"
)
_ROMANCE = (
    rf"(?:\d{{1,4}}(?: ?(?:bis|ter|quater))?,? (?:rue|avenue|av\.|boulevard|bd|place|allée|chemin|impasse|quai|cours|route)"
    rf"(?: (?:de la|de l'|du|des|de|d'|la|le|les|l'))?"
    rf" ?[{_UPPER}][\w'é-]*(?: [\w'é-]+){{0,3}}?(?=[,\n]| \d{{5}}|\s?$|\.)"
    rf"|(?:Via|Viale|Piazza|Corso|Calle|C/|Avenida|Avda\.|Plaza|Paseo)(?: (?:de la|de los|del|della|dei|di|de))?"
    rf" [{_UPPER}][\w'-]*(?: [{_UPPER}][\w'-]*){{0,2}},?(?: n\.?º?)? \d{{1,4}})"
)
_EURO_TAIL = rf"(?:{_SEP}(?:[A-Z]{{1,2}}-)?\d{{5}} {_TOWN})"
ADDRESS_RULES = (
    Rule(
        "address",
        0.93,
        re.compile(rf"(?<![\w.$£€§-]){_LOCAL_UNIT}{_NUMBER},? (?:{_CAPITAL} ){{1,4}}?(?:{_STREET}|{_WEAK_STREET}){_TAIL}"),
    ),
    Rule(
        "address",
        0.65,
        re.compile(
            rf"(?<![\w.$£€§-]){_LOCAL_UNIT}{_NUMBER},? (?:{_CAPITAL} ){{1,4}}?{_STREET}(?!\w)(?:{_SEP}{_UNIT})?(?! "
            rf"(?:[{_UPPER}]\w+ )*(?:Act|Reform|Rule|Journal))"
        ),
    ),
    Rule("address", 0.9, any_case(rf"\b(?:P\. ?O\. ?|PO |Post Office )Box \d{{1,6}}(?:{_TAIL})?")),
    Rule("address", 0.85, re.compile(rf"(?<!\w){_TOWN}, {_STATES},? {_ZIP}(?![\w-])")),
    Rule("address", 0.75, re.compile(rf"(?<![\w/-]){_POSTCODE}(?![\w/-])")),
    Rule("address", 0.92, re.compile(rf"(?<!\w)(?:{_GERMAN}|{_GERMAN_SPLIT}) {_NUMBER}{_EURO_TAIL}")),
    Rule("address", 0.7, re.compile(rf"(?<!\w){_GERMAN} \d{{1,4}} ?[a-z]?(?!\w)")),
    Rule("address", 0.85, re.compile(rf"(?<!\w){_ROMANCE}{_EURO_TAIL}?")),
    Rule("address", 0.8, re.compile(rf"(?<!\w)D-\d{{5}} {_TOWN}")),
)


def find_addresses(text: str) -> Iterator[Finding]:
    """Street lines, post-office boxes, postcodes and towns with their ZIP code in folded `text`."""
    return apply_rules(ADDRESS_RULES, text)
