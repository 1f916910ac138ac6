"""A second set of made-up identifiers, in forms that were collected after the recognisers stood, from how courts, hospitals and
authorities write theirs: run once before anything was mended for it, and its first recall is kept beside the later one.

What is published is left out: a neutral citation, an ECLI or the number of a case before the EU's courts names no person.
"""

from __future__ import annotations

import random

from planted_identifiers import FAMILY, GIVEN, MONTHS, Draw, Form, date_parts, digits, iban, nhs, nino, phone_us, ssn
from stdnum import luhn
from stdnum.be import nn
from stdnum.dk import cpr
from stdnum.fi import hetu
from stdnum.iban import calc_check_digits

_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth "
    "seventeenth eighteenth nineteenth twentieth"
).split()


def year(draw: Draw, first: int = 2009, last: int = 2025) -> int:
    return draw.randrange(first, last + 1)


def letters(draw: Draw, count: int) -> str:
    return "".join(draw.choices("ABCDEFGHJKLMNPRSTUVWXYZ", k=count))


def npi(draw: Draw) -> str:
    body = "1" + digits(draw, 8)
    return body + luhn.calc_check_digit("80840" + body)


def dea(draw: Draw) -> str:
    body = digits(draw, 6)
    check = (int(body[0]) + int(body[2]) + int(body[4]) + 2 * (int(body[1]) + int(body[3]) + int(body[5]))) % 10
    return f"{draw.choice('ABFM')}{draw.choice('ABCDFGHJ')}{body}{check}"


def mbi(draw: Draw) -> str:
    a, n = (lambda: draw.choice("ACDEFGHJKMNPQRTUVWXY")), (lambda: draw.choice("0123456789"))
    return f"{draw.choice('123456789')}{a()}{n()}{n()}-{a()}{n()}{n()}-{a()}{a()}{n()}{n()}"


def weighted(draw: Draw, weights: tuple[int, ...], modulus: int, count: int) -> str:
    """Digits with a last one that makes the weighted sum a multiple of the modulus."""
    while True:
        body = digits(draw, count - 1, "123456789")
        for check in "0123456789":
            if sum(int(d) * w for d, w in zip(body + check, weights, strict=True)) % modulus == 0:
                return body + check


def bsn(draw: Draw) -> str:
    return weighted(draw, (9, 8, 7, 6, 5, 4, 3, 2, -1), 11, 9)


def pesel(draw: Draw) -> str:
    while True:
        day, month, born = date_parts(draw)
        if born > 1999:
            continue
        body = f"{born % 100:02d}{month:02d}{day:02d}{digits(draw, 4)}"
        total = sum(int(d) * w for d, w in zip(body, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3), strict=True))
        return body + str(-total % 10)


def ahv(draw: Draw) -> str:
    body = "756" + digits(draw, 9)
    check = -sum(int(d) * (3 if place % 2 else 1) for place, d in enumerate(body)) % 10
    whole = body + str(check)
    return f"{whole[:3]}.{whole[3:7]}.{whole[7:11]}.{whole[11:]}"


def personnummer(draw: Draw) -> str:
    day, month, born = date_parts(draw)
    body = f"{born % 100:02d}{month:02d}{day:02d}{digits(draw, 3)}"
    return f"{body[:6]}-{body[6:]}{luhn.calc_check_digit(body)}"


def danish(draw: Draw) -> str:
    while True:
        day, month, born = date_parts(draw)
        value = f"{day:02d}{month:02d}{born % 100:02d}{digits(draw, 4, '0123')}"
        if cpr.is_valid(value):
            return f"{value[:6]}-{value[6:]}"


def finnish(draw: Draw) -> str:
    while True:
        day, month, born = date_parts(draw)
        body = f"{day:02d}{month:02d}{born % 100:02d}{'-' if born < 2000 else 'A'}{draw.randrange(2, 900):03d}"
        for check in "0123456789ABCDEFHJKLMNPRSTUVWXY":
            if hetu.is_valid(body + check):
                return body + check


def belgian(draw: Draw) -> str:
    while True:
        day, month, born = date_parts(draw)
        body = f"{born % 100:02d}{month:02d}{day:02d}{draw.randrange(1, 998):03d}"
        whole = body + f"{97 - int(('2' if born > 1999 else '') + body) % 97:02d}"
        if nn.is_valid(whole):
            return f"{whole[:2]}.{whole[2:4]}.{whole[4:6]}-{whole[6:9]}.{whole[9:]}"


def pension(draw: Draw) -> str:
    day, month, born = date_parts(draw)
    return f"{draw.choice(('15', '65', '53'))} {day:02d}{month:02d}{born % 100:02d} {draw.choice('ABCKM')} {digits(draw, 3)}"


def iban_fr(draw: Draw) -> str:
    bban = digits(draw, 10) + digits(draw, 5) + "3M02" + digits(draw, 4)
    whole = f"FR{calc_check_digits(f'FR00{bban}')}{bban}"
    return " ".join(whole[i : i + 4] for i in range(0, len(whole), 4))


def spelt_date(draw: Draw) -> str:
    _, month, born = date_parts(draw)
    return f"{draw.choice(_ORDINALS)} of {MONTHS[month - 1]}, {born}"


def legal_date(draw: Draw) -> str:
    day, month, born = date_parts(draw)
    ending = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending} day of {MONTHS[month - 1]}, {born}"


def dashed_date(draw: Draw) -> str:
    day, month, born = date_parts(draw)
    return f"{MONTHS[month - 1][:3]}-{day:02d}-{born}"


def plain_date(draw: Draw) -> str:
    day, month, born = date_parts(draw)
    return f"{day} {MONTHS[month - 1]} {born}"


def french_date(draw: Draw) -> str:
    day, month, born = date_parts(draw)
    return f"{day} {('mars', 'juillet', 'août')[month % 3]} {born}"


def spaced_nhs(draw: Draw) -> str:
    value = nhs(draw)
    return f"{value[:3]} {value[3:6]} {value[6:]}"


def vin(draw: Draw) -> str:
    signs = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
    values = dict(
        zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
    )
    body = [draw.choice(signs) for _ in range(17)]
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum((values.get(sign) or int(sign)) * weight for sign, weight in zip(body, weights, strict=True) if weight)
    body[8] = "X" if total % 11 == 10 else str(total % 11)
    return "".join(body)


def plate_uk(draw: Draw) -> str:
    return f"{letters(draw, 2)}{draw.randrange(51, 75)} {letters(draw, 3)}"


def licence_uk(draw: Draw) -> str:
    family = draw.choice(("MORGA", "SMITH", "OKONK", "BROWN"))
    born = f"{digits(draw, 1, '56789')}{draw.choice(('01', '57', '12', '61'))}{draw.randrange(1, 29):02d}{digits(draw, 1)}"
    return f"{family}{born}{letters(draw, 2)}9{letters(draw, 2)}"


def full_name(draw: random.Random) -> str:
    return f"{draw.choice(GIVEN)} {draw.choice(FAMILY)}"


FORMS: dict[str, tuple[Form, ...]] = {
    "record-number": (
        ("Medical Record #: {}", lambda d: "-".join(digits(d, 2) for _ in range(4))),
        ("MRN (Epic): {}", lambda d: f"E{digits(d, 7)}"),
        ("Pt MRN {} seen in ED.", lambda d: f"{digits(d, 7)}{letters(d, 1)}"),
        ("FIN: {}", lambda d: digits(d, 8)),
        ("CSN {}", lambda d: digits(d, 10)),
        ("Encounter # {}", lambda d: digits(d, 9)),
        ("Accession: {}", lambda d: f"S{d.randrange(18, 26)}-{digits(d, 5)}"),
        ("Surgical pathology case {} was signed out.", lambda d: f"SP{d.randrange(18, 26)}-{digits(d, 5)}"),
        ("MBI: {}", mbi),
        ("Medicare number {}.", mbi),
        ("NPI: {}", npi),
        ("Provider NPI #{}", npi),
        ("DEA # {}", dea),
        ("DEA number: {}.", dea),
        ("Hospital number {} (adult clinic).", lambda d: f"{letters(d, 1)} {digits(d, 3)} {digits(d, 3)}"),
        ("Subscriber #: {}", lambda d: f"{letters(d, 3)}{digits(d, 9)}"),
        ("Rx number {}", lambda d: f"{digits(d, 7)}"),
        ("Fallnummer: {}", lambda d: digits(d, 9)),
        ("A-Number: {}", lambda d: f"A{digits(d, 3)}-{digits(d, 3)}-{digits(d, 3)}"),
    ),
    "docket-number": (
        (
            "Case {} Document 14 Filed 03/04/22",
            lambda d: f"{d.randrange(1, 9)}:{d.randrange(10, 26)}-cv-{digits(d, 5)}-JAG-MRC",
        ),
        ("Cause No. {}", lambda d: f"DC-{d.randrange(10, 26)}-{digits(d, 5)}"),
        ("Cause No. {} in the 224th District Court", lambda d: f"{year(d)}-CI-{digits(d, 5)}"),
        ("No. {}", lambda d: f"{d.randrange(1, 6)}D{d.randrange(10, 26)}-{digits(d, 4)}"),
        ("Appellate Division Docket No. {}", lambda d: f"{year(d)}-{digits(d, 5)}"),
        ("Case No. {}", lambda d: f"{d.randrange(10, 26)}STCV{digits(d, 5)}"),
        ("Case No. {}", lambda d: f"CGC-{d.randrange(10, 26)}-{digits(d, 6)}"),
        ("Docket No. {}", lambda d: f"ESX-L-{digits(d, 6)}-{d.randrange(10, 26)}"),
        ("C.A. No. {}", lambda d: f"{year(d)}-0{digits(d, 3)}-JRS"),
        ("Adv. Pro. No. {}", lambda d: f"{d.randrange(10, 26)}-0{digits(d, 4)} (SMB)"),
        ("Case No.: {}", lambda d: f"37-{year(d)}-{digits(d, 8, '0')}-CU-BC-CTL"),
        ("USCA Case #{}", lambda d: f"{d.randrange(10, 26)}-{digits(d, 4)}"),
        ("EEOC Charge No. {}", lambda d: f"{digits(d, 3)}-{year(d)}-{digits(d, 5)}"),
        ("Az.: {}", lambda d: f"{d.randrange(1, 30)} C {d.randrange(10, 900)}/{d.randrange(10, 26)}"),
        ("Geschäftszeichen {}", lambda d: f"{d.randrange(1, 20)} Ca {d.randrange(10, 9000)}/{d.randrange(10, 26)}"),
        ("Aktenzeichen: {}", lambda d: f"{digits(d, 3)} Js {digits(d, 4)}/{d.randrange(10, 26)}"),
        ("Az. {}", lambda d: f"S {d.randrange(1, 30)} KR {d.randrange(10, 900)}/{d.randrange(10, 26)}"),
        ("Aktenzeichen {}", lambda d: f"{digits(d, 3)} HKO {d.randrange(10, 99)}/{d.randrange(10, 26)}"),
        ("Claim number: {}", lambda d: f"{letters(d, 1)}{digits(d, 2)}{letters(d, 2)}{digits(d, 3)}"),
        ("Case No. {}, heard at Leeds", lambda d: f"{digits(d, 7)}/{year(d)}"),
        ("Crown Court case {}", lambda d: f"T{year(d)}{digits(d, 4)}"),
        ("Tribunal ref: {}", lambda d: f"BIR/00CN/MNR/{year(d)}/{digits(d, 4)}"),
        ("N° RG : {}", lambda d: f"{d.randrange(10, 26)}/{digits(d, 5)}"),
    ),
    "date-of-birth": (
        ("He was born on the {}.", spelt_date),
        ("She was born the {}.", legal_date),
        ("DOB: {}", lambda d: "{1:02d}-{0:02d}-{2}".format(*(p := date_parts(d))[:2], f"{p[2] % 100:02d}")),
        ("d.o.b {}", lambda d: "{:02d} {:02d} {}".format(*date_parts(d))),
        ("DOB {} (age 41)", dashed_date),
        ("geb. {}", lambda d: "{}.{}.{}".format(*date_parts(d))),
        ("née le {}", french_date),
        ("Date of Birth / Sex: {} / F", lambda d: "{1:02d}/{0:02d}/{2}".format(*date_parts(d))),
        ("Birthdate {}", lambda d: "{}{:02d}{:02d}".format(*reversed(date_parts(d)))),
        ("a 41-year-old man (b. {})", plain_date),
    ),
    "phone": (
        ("T {}", lambda d: f"020 7946 0{digits(d, 3)}"),
        ("Tel {}", lambda d: f"0044 20 7946 0{digits(d, 3)}"),
        ("Telephone: {}", lambda d: f"+44 (0)20 7946 0{digits(d, 3)}"),
        ("M: {}", lambda d: f"07700 900{digits(d, 3)}"),
        ("Ph: {}", lambda d: "({}) {}-{} x204".format(*phone_us(d))),
        ("<tel:{}>", lambda d: "+1{}{}{}".format(*phone_us(d))),
        ("Cell {}", lambda d: "{}{}{}".format(*phone_us(d))),
        ("Toll free {}", lambda d: "1-800-{}-{}".format(*phone_us(d)[1:])),
        ("Tel. {}", lambda d: f"+49 (0) 30 / {digits(d, 8, '23456789')}"),
        ("Telefon {}", lambda d: f"030/{digits(d, 4, '23456789')} {digits(d, 4)}"),
        ("Tél {}", lambda d: f"+33 (0)1 44 {digits(d, 2)} {digits(d, 2)} {digits(d, 2)}"),
        ("Her mother's number: {}.", lambda d: "{} {} {}".format(*phone_us(d))),
    ),
    "national-id/SSN": (
        ("SS No.: {}", lambda d: "-".join(ssn(d))),
        ("Taxpayer ID (SSN): {}", lambda d: "-".join(ssn(d))),
        ("SSN (last four): {}", lambda d: ssn(d)[2]),
        ("Soc. Sec. No. {}", lambda d: "-".join(ssn(d))),
        ("Debtor's SSN: {}", lambda d: f"xxx-xx-{ssn(d)[2]}"),
    ),
    "national-id/UK": (
        ("NHS#{}", nhs),
        ("NHS: {}", spaced_nhs),
        ("N.I. No. {}", lambda d: "".join(nino(d))),
        ("NI: {}", lambda d: " ".join(nino(d))),
        ("nat. ins. {}", lambda d: "".join(nino(d)).lower()),
    ),
    "national-id/more": (
        ("BSN: {}", bsn),
        ("PESEL {}", pesel),
        ("AHV-Nr. {}", ahv),
        ("Personnummer {}", personnummer),
        ("CPR-nr. {}", danish),
        ("henkilötunnus {}", finnish),
        ("Rijksregisternummer {}", belgian),
        ("Rentenversicherungsnummer {}", pension),
    ),
    "national-id/papers": (
        ("Passport No. {}", lambda d: digits(d, 9)),
        ("US passport {}", lambda d: f"C{digits(d, 8)}"),
        ("Reisepass-Nr. {}", lambda d: f"C{digits(d, 2)}X{digits(d, 2)}T{digits(d, 2)}"),
        ("travelled on passport number {}", lambda d: f"{letters(d, 2)}{digits(d, 7)}"),
        ("DL# {}", lambda d: f"S{digits(d, 8)}"),
        ("CA DL: {}", lambda d: f"D{digits(d, 7)}"),
        ("Driver License No. {}", lambda d: " ".join(digits(d, 3) for _ in range(3))),
        ("Driving licence: {}", licence_uk),
        ("Führerschein-Nr. {}", lambda d: f"B{digits(d, 3)}RRE{digits(d, 1)}I{digits(d, 2)}"),
    ),
    "vehicle": (
        ("The car, registration {}, was parked.", plate_uk),
        ("Vehicle reg. {}", lambda d: plate_uk(d).replace(" ", "")),
        ("license plate {}", lambda d: f"{digits(d, 1)}{letters(d, 3)}{digits(d, 3)}"),
        ("bearing NY plates {}", lambda d: f"{letters(d, 3)}-{digits(d, 4)}"),
        ("amtliches Kennzeichen {}", lambda d: f"M-{letters(d, 2)} {digits(d, 4, '123456789')}"),
        ("VIN: {}", vin),
        ("A Ford ({}) was sold.", vin),
    ),
    "iban": (
        ("IBAN: {}", iban_fr),
        ("iban {}", lambda d: iban(d).lower()),
        ("Überweisung auf {} erbeten.", iban),
    ),
    "name/label": (
        ("Pt: {}", full_name),
        ("Patient/Client: {}", full_name),
        ("Prepared by: {}", full_name),
        ("cc: {}", full_name),
        ("RE: {}", full_name),
    ),
    "name/bare": (
        ("On Monday {} signed the lease.", full_name),
        ("According to {}, the brakes failed.", full_name),
        ("The nurse found {} on the floor.", full_name),
        ("{} and her sister live abroad.", full_name),
    ),
}
