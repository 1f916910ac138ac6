"""Made-up identifiers in the forms and wordings of letters, charts and pleadings, for the benchmark of personal data.

Check digits are right, numbers are drawn, names are from short lists of many countries. One author wrote these forms and the
recognisers' patterns, the forms before the recognisers first ran on them.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable

from stdnum import luhn
from stdnum.de import idnr
from stdnum.es import dni
from stdnum.iban import calc_check_digits
from stdnum.ie import vat
from stdnum.it import codicefiscale

GIVEN = (
    "Jane Mary Priyanka Chukwuemeka Dmitri Siobhán Björn Lucía Mehmet Ngozi Aoife "
    "Wei Tomasz Fatima Giulia Anselm Rosalind Desmond Keisha Hiroshi"
).split()
FAMILY = (
    "Roe|Okonkwo|O'Sullivan|Müller|Smith-Jones|van den Berg|García López|MacAllister|Nguyen|Kowalski|Washington|Brown|de "
    "Souza|Lindqvist|Haddad|Featherstonehaugh"
    "|D'Amico|Yılmaz|Ferreira|Blackwood"
).split("|")
TOWNS_UK = ("Leeds", "Kingston upon Hull", "Bath", "Newcastle", "St Albans")
POSTCODES = ("LS1 4AP", "HU3 2JZ", "BA2 6LN", "NE1 7RU", "SW1A 1AA", "EC2R 8AH", "M1 1AE")
TOWNS_US = (
    ("Springfield", "IL", "62704"),
    ("Santa Fe", "NM", "87501"),
    ("St. Paul", "MN", "55102-1411"),
    ("Brooklyn", "NY", "11201"),
    ("Baton Rouge", "LA", "70802"),
)
TOWNS_DE = (("10115", "Berlin"), ("80331", "München"), ("60311", "Frankfurt am Main"))
MONTHS = "January February March April May June July August September October November December".split()
Draw = random.Random
Form = tuple[str, Callable[[Draw], str]]


def digits(draw: Draw, count: int, first: str = string.digits) -> str:
    return draw.choice(first) + "".join(draw.choices(string.digits, k=count - 1))


def email(draw: Draw) -> str:
    given, family = draw.choice(GIVEN).lower(), re.sub(r"\W", "", draw.choice(FAMILY)).lower()
    local = draw.choice(
        (
            f"{given}.{family}",
            f"{given[0]}{family}{digits(draw, 2)}",
            f"{family}_{given}",
            f"{given}+billing",
            f"{given}-{family}",
        )
    )
    hosts = ("example.com", "nhs.net", "mail.hospital-trust.org.uk", "kanzlei-weber.de", "law.example.museum")
    return f"{local}@{draw.choice(hosts)}"


def ssn(draw: Draw) -> tuple[str, str, str]:
    return f"{draw.randrange(1, 666):03d}", f"{draw.randrange(1, 100):02d}", f"{draw.randrange(1, 10000):04d}"


def nhs(draw: Draw) -> str:
    while True:
        body = digits(draw, 9, "4679")
        check = 11 - sum(int(d) * w for d, w in zip(body, range(10, 1, -1), strict=True)) % 11
        if check != 10:
            return body + ("0" if check == 11 else str(check))


def nino(draw: Draw) -> tuple[str, ...]:
    prefix = draw.choice("ABCEHJLMPRSTWXYZ") + draw.choice("ABCEHJKLMPRSWXYZ")
    return (prefix, digits(draw, 2), digits(draw, 2), digits(draw, 2), draw.choice("ABCD"))


def card(draw: Draw) -> str:
    prefix, length = draw.choice((("4", 16), ("51", 16), ("2221", 16), ("6011", 16), ("55", 16)))
    body = prefix + digits(draw, length - 1 - len(prefix))
    return body + luhn.calc_check_digit(body)


def amex(draw: Draw) -> str:
    body = "37" + digits(draw, 12)
    return body + luhn.calc_check_digit(body)


def fours(value: str, separator: str = " ") -> str:
    return separator.join(value[i : i + 4] for i in range(0, len(value), 4))


def iban(draw: Draw) -> str:
    country, body = draw.choice(
        (
            ("DE", lambda: digits(draw, 18)),
            ("GB", lambda: "NWBK" + digits(draw, 14)),
            ("NL", lambda: "ABNA0417164300"),
            ("IE", lambda: "AIBK" + digits(draw, 14)),
            ("AT", lambda: digits(draw, 16)),
        )
    )
    bban = body()
    return f"{country}{calc_check_digits(f'{country}00{bban}')}{bban}"


def nir(draw: Draw) -> str:
    born = f"{draw.choice('12')}{draw.randrange(30, 99)}{draw.randrange(1, 13):02d}"
    body = f"{born}{draw.randrange(10, 96)}{digits(draw, 3)}{digits(draw, 3)}"
    return body + f"{97 - int(body) % 97:02d}"


def steuer_id(draw: Draw) -> str:
    while True:
        body = draw.sample(string.digits, 9)
        body.insert(draw.randrange(10), draw.choice(body))
        for check in string.digits:
            if body[0] != "0" and idnr.is_valid("".join(body) + check):
                return "".join(body) + check


def fiscal_code(draw: Draw) -> str:
    letters = "".join(draw.choices("BCDFGLMNPRST", k=6))
    born = f"{draw.randrange(30, 99)}{draw.choice('ABCDEHLMPRST')}{draw.randrange(1, 29):02d}"
    body = f"{letters}{born}{draw.choice('FHL')}{digits(draw, 3)}"
    return body + codicefiscale.calc_check_digit(body)


def spanish(draw: Draw) -> tuple[str, str]:
    body = digits(draw, 8)
    return body, dni.calc_check_digit(body)


def pps(draw: Draw) -> str:
    body = digits(draw, 7)
    return body + vat.calc_check_digit(body) + draw.choice(("", "T", "W"))


def name(draw: Draw) -> str:
    return f"{draw.choice(GIVEN)} {draw.choice(FAMILY)}"


def date_parts(draw: Draw) -> tuple[int, int, int]:
    return draw.randrange(1, 29), draw.randrange(1, 13), draw.randrange(1921, 2019)


def dates(draw: Draw) -> str:
    day, month, year = date_parts(draw)
    long = MONTHS[month - 1]
    ordinal = f"{day}{'th' if 10 < day < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"
    return draw.choice(
        (
            f"{day:02d}/{month:02d}/{year}",
            f"{month}/{day}/{year}",
            f"{month:02d}-{day:02d}-{year}",
            f"{year}-{month:02d}-{day:02d}",
            f"{day:02d}.{month:02d}.{year}",
            f"{day} {long} {year}",
            f"{long} {day}, {year}",
            f"{ordinal} {long} {year}",
            f"{day:02d}-{long[:3]}-{year}",
            f"{long[:3]}. {day}, {year}",
            f"{day} {long[:3]} {year % 100:02d}",
        )
    )


def phone_us(draw: Draw) -> tuple[str, str, str]:
    return draw.choice(("212", "415", "312", "617", "505")), digits(draw, 3, "23456789"), digits(draw, 4)


def street_us(draw: Draw) -> str:
    streets = ("Oak Street", "N. Michigan Ave.", "Martin Luther King Jr. Blvd", "West 42nd Street", "Elm Dr")
    return f"{draw.randrange(1, 9999)} {draw.choice(streets)}"


def street_uk(draw: Draw) -> str:
    return (
        f"{draw.choice(('12', '221B', '7a', '103'))} "
        f"{draw.choice(('Baker Street', 'Kirkstall Road', 'Queen Victoria Avenue', 'The Crescent', 'Church Lane'))}"
    )


def address_us(draw: Draw) -> str:
    town, state, code = draw.choice(TOWNS_US)
    return f"{street_us(draw)}, {draw.choice(('', 'Apt. 4B, ', 'Suite 200, '))}{town}, {state} {code}"


def address_uk(draw: Draw) -> str:
    return f"{draw.choice(('', 'Flat 3, '))}{street_uk(draw)}, {draw.choice(TOWNS_UK)} {draw.choice(POSTCODES)}"


def address_de(draw: Draw) -> str:
    code, town = draw.choice(TOWNS_DE)
    return (
        f"{draw.choice(('Hauptstraße', 'Goethestr.', 'Lindenallee', 'Am Markt'))} "
        f"{draw.randrange(1, 200)}{draw.choice(('', 'a'))}, {code} {town}"
    )


def record(draw: Draw) -> str:
    return draw.choice(
        (
            digits(draw, 7),
            digits(draw, 8),
            f"H{digits(draw, 6)}",
            f"{digits(draw, 3)}-{digits(draw, 2)}-{digits(draw, 3)}",
            f"RX{digits(draw, 5)}A",
        )
    )


def federal_docket(draw: Draw) -> str:
    division = draw.choice(("cv", "cr", "bk", "mc"))
    return f"{draw.randrange(1, 9)}:{draw.randrange(10, 26)}-{division}-{draw.randrange(1, 99999):05d}"


def address_ip(draw: Draw) -> str:
    return ".".join(str(draw.randrange(1, 255)) for _ in range(4))


# Row → forms (sentence with {}, value). The row's kind is the finding's, up to the first "/". In a value, "|" ends its title.
FORMS: dict[str, tuple[Form, ...]] = {
    "email": (
        ("Please write to {} before the hearing.", email),
        ("E-mail: {}", email),
        ("The notice was copied to <{}>.", email),
        ("She replied ({}), attaching the scan.", email),
        ("Contact {}, who holds the file.", lambda d: email(d).upper()),
    ),
    "phone": (
        ("Call the ward on {}.", lambda d: f"020 7946 0{digits(d, 3)}"),
        ("Tel: {}", lambda d: f"0113 496 0{digits(d, 3)}"),
        ("Mobile {} (evenings only).", lambda d: f"07700 900{digits(d, 3)}"),
        ("Her number is {}.", lambda d: "({}) {}-{}".format(*phone_us(d))),
        ("Fax: {}.", lambda d: "{}-{}-{}".format(*phone_us(d))),
        ("He can be reached at {}.", lambda d: "+1 {} {} {}".format(*phone_us(d))),
        ("Phone {}.", lambda d: "{}.{}.{}".format(*phone_us(d))),
        ("Telefon: {}", lambda d: f"030 {digits(d, 8, '23456789')}"),
        ("Tél. : {}", lambda d: "01 {} {} {} {}".format(*(digits(d, 2, "4") for _ in range(4)))),
        ("The daughter ({}) was told at noon.", lambda d: f"+44 7911 {digits(d, 6)}"),
        ("Dublin office: {}.", lambda d: f"+353 1 {digits(d, 3, '4568')} {digits(d, 4)}"),
        ("Dial {} for the registry.", lambda d: "{}-{}-{} ext. 12".format(*phone_us(d))),
    ),
    "date-of-birth": (
        ("DOB: {}", dates),
        ("Date of birth {}.", dates),
        ("The patient, born on {}, was seen in clinic.", dates),
        ("D.O.B. {}; no known allergies.", dates),
        ("He was born {} in Lyon.", dates),
        ("Birth date: {}", dates),
        ("Identity confirmed ({}, date of birth).", dates),
        ("DOB (dd/mm/yyyy): {}", dates),
        ("Geboren am {}.", lambda d: "{:02d}.{:02d}.{}".format(*date_parts(d))),
    ),
    "record-number": (
        ("MRN: {}", record),
        ("MRN {} was retrieved.", record),
        ("Patient ID {}.", record),
        ("Medical record no. {}", record),
        ("Medical Record Number: {}", record),
        ("Hospital No: {}", record),
        ("(MRN# {})", record),
        ("Chart number {} was reviewed.", record),
        ("Member ID: {}", record),
    ),
    "docket-number": (
        ("No. {}", federal_docket),
        ("Case No. {}", lambda d: f"{federal_docket(d)}-ABC"),
        ("See {}, ECF 12.", federal_docket),
        ("Civil Action No. {}", lambda d: f"{d.randrange(10, 26)}-cv-{digits(d, 4)}"),
        ("Docket No. {}", lambda d: f"{d.randrange(10, 26)}-{digits(d, 4, '123')}"),
        ("Claim No: {}", lambda d: f"KB-20{d.randrange(19, 26)}-00{digits(d, 4)}"),
        ("Index No. {}", lambda d: f"{digits(d, 6, '123')}/20{d.randrange(15, 26)}"),
        ("Aktenzeichen: {}", lambda d: f"{d.randrange(1, 40)} O {d.randrange(10, 400)}/{d.randrange(10, 26)}"),
        ("Case Number {} was transferred.", lambda d: f"CV-20{d.randrange(15, 26)}-{digits(d, 6)}"),
    ),
    "national-id/SSN": (
        ("SSN: {}", lambda d: "-".join(ssn(d))),
        ("Social Security number {}.", lambda d: " ".join(ssn(d))),
        ("His social security no. is {}.", lambda d: "".join(ssn(d))),
        ("The form shows {} in box 3.", lambda d: "-".join(ssn(d))),
        ("Social Security # {}", lambda d: "-".join(ssn(d))),
    ),
    "national-id/NHS": (
        ("NHS number: {}", lambda d: "{}{}{} {}{}{} {}{}{}{}".format(*nhs(d))),
        ("NHS No. {}", nhs),
        ("The discharge letter (NHS {}) was lost.", lambda d: "{}{}{}-{}{}{}-{}{}{}{}".format(*nhs(d))),
        ("NHS no: {}.", lambda d: "{}{}{} {}{}{} {}{}{}{}".format(*nhs(d))),
    ),
    "national-id/NINO": (
        ("NI number {}", lambda d: " ".join(nino(d))),
        ("National Insurance No: {}", lambda d: "".join(nino(d))),
        ("The claimant ({}) was paid weekly.", lambda d: "".join(nino(d))),
        ("Her NINO is {}.", lambda d: " ".join(nino(d))),
    ),
    "national-id/EU": (
        (
            "Numéro de sécurité sociale : {}",
            lambda d: "{} {} {} {} {} {} {}".format(*((v := nir(d))[0], v[1:3], v[3:5], v[5:7], v[7:10], v[10:13], v[13:])),
        ),
        ("NIR {}", nir),
        ("Steuer-ID: {}", lambda d: "{} {} {} {}".format(*((v := steuer_id(d))[:2], v[2:5], v[5:8], v[8:]))),
        ("Steueridentifikationsnummer {}", steuer_id),
        ("Codice fiscale {}", fiscal_code),
        ("DNI {}", lambda d: "".join(spanish(d))),
        ("con DNI {}, vecino de Madrid", lambda d: "{}-{}".format(*spanish(d))),
        ("PPS number {}", pps),
        ("PPSN: {}", pps),
    ),
    "card": (
        ("Paid with {}.", lambda d: fours(card(d))),
        ("Card number {}", card),
        ("Visa {} exp 09/27", lambda d: fours(card(d), "-")),
        ("Amex {} was declined.", lambda d: "{} {} {}".format(*((v := amex(d))[:4], v[4:10], v[10:]))),
        ("The receipt shows {} in full.", amex),
    ),
    "iban": (
        ("IBAN: {}", lambda d: fours(iban(d))),
        ("Pay into {} within 14 days.", iban),
        ("IBAN {}, BIC ABCDEF12.", lambda d: fours(iban(d))),
        ("Konto {}", iban),
    ),
    "account": (
        ("Account number: {}", lambda d: digits(d, 8)),
        ("Account No. {} was frozen.", lambda d: digits(d, 10)),
        ("a/c no. {}", lambda d: digits(d, 8)),
        ("Sort code {}", lambda d: f"{digits(d, 2)}-{digits(d, 2)}-{digits(d, 2)}"),
    ),
    "address": (
        ("She lives at {}.", address_us),
        ("Address: {}", address_uk),
        ("He moved to {} in spring.", address_uk),
        ("wohnhaft {}", address_de),
        ("Serve the papers at {}.", address_us),
        (
            "demeurant {}",
            lambda d: f"{d.randrange(1, 200)} rue de {d.choice(('Rivoli', 'Vaugirard'))}, 7500{d.randrange(1, 9)} Paris",
        ),
        ("The flat at {} is damp.", street_uk),
        ("Send it to {}.", lambda d: f"P.O. Box {digits(d, 4)}"),
    ),
    "name/title": (
        ("{} was seen by the registrar.", lambda d: f"{d.choice(('Mr', 'Mrs.', 'Ms', 'Dr', 'Dr.'))}|{name(d)}"),
        ("The order was made by {}.", lambda d: f"{d.choice(('Judge', 'Mr Justice', 'Hon.'))}|{d.choice(FAMILY)}"),
        ("A letter to {} was returned.", lambda d: f"{d.choice(('Prof.', 'Miss', 'Mr'))}|{d.choice(FAMILY)}"),
    ),
    "name/label": (
        ("Patient: {}", name),
        ("Patient name: {}", name),
        ("Attending physician: {}", name),
        ("Name: {}", lambda d: f"{d.choice(FAMILY).upper()}, {d.choice(GIVEN)}"),
        ("Next of kin: {}", name),
    ),
    "name/role": (
        ("The plaintiff {} seeks damages.", name),
        ("Defendant {} denies this.", name),
        ("The claimant, {}, appeals.", name),
        ("counsel for the appellant {} objected", name),
        ("A statement by witness {} was read.", lambda d: d.choice(FAMILY)),
    ),
    "name/signature": (
        ("/s/ {}", name),
        ("Yours sincerely, {}", name),
        ("Electronically signed by {}.", name),
        ("{}, M.D.", name),
        ("{}, Esq.", name),
    ),
    "name/bare": (
        ("Yesterday {} fell at home.", name),
        ("The car belonged to {}.", name),
    ),
    "ip": (
        ("Login from {} at 03:12.", address_ip),
        ("IP address {}", address_ip),
        ("The request came from {}.", lambda d: f"2001:db8:85a3::8a2e:370:{digits(d, 4)}"),
    ),
    "url-with-credentials": (
        ("Open {} now.", lambda d: f"https://portal.example.com/reset?token={digits(d, 12)}"),
        ("Scans: {}", lambda d: f"https://clerk:s3cret{digits(d, 3)}@files.example.org/scan.pdf"),
        ("ftp: {}", lambda d: f"ftp://anna:p4ss{digits(d, 3)}@10.0.0.7/in"),
    ),
}
