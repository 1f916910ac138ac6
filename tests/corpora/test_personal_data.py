"""Personal data: exact places, what must not be flagged, and masking that is consistent and touches nothing else."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.errors import PersonalDataRefused, UnreadableDocument
from corpora.personal_data.masking import (
    KINDS,
    MIN_CONFIDENCE,
    Finding,
    apply_policy,
    counts,
    find_personal_data,
    mask_blocks,
    pseudonym,
)

KEY = b"0123456789abcdef0123456789abcdef"


def found(text: str, min_confidence: float = MIN_CONFIDENCE) -> list[tuple[str, str]]:
    return [(f.kind, text[f.start : f.end]) for f in find_personal_data(text) if f.confidence >= min_confidence]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Write to jane.roe+intake@clinic.example.org, please.", "email", "jane.roe+intake@clinic.example.org"),
        ("Write to jane.roe [at] example [dot] com today", "email", "jane.roe [at] example [dot] com"),
        ("Call (212) 555-0123 after noon.", "phone", "(212) 555-0123"),
        ("Tel: 020 7946 0958.", "phone", "020 7946 0958"),
        ("reached at +353 1 234 5678 daily", "phone", "+353 1 234 5678"),
        ("Mobile: 07700 900123", "phone", "07700 900123"),
        ("DOB: 03/12/1985", "date-of-birth", "03/12/1985"),
        ("date of birth 12 March 1985, male", "date-of-birth", "12 March 1985"),
        ("She was born on March 12, 1985 in Cork.", "date-of-birth", "March 12, 1985"),
        ("geboren am 12.03.1985", "date-of-birth", "12.03.1985"),
        ("MRN: 00123456", "record-number", "00123456"),
        ("Patient ID H-204518 was retrieved", "record-number", "H-204518"),
        ("Medical record no. 77-18-204", "record-number", "77-18-204"),
        ("No. 1:23-cv-04567", "docket-number", "1:23-cv-04567"),
        ("Case No. 2:19-cr-00123-ABC-DEF was", "docket-number", "2:19-cr-00123-ABC-DEF"),
        ("Claim No: KB-2023-001234", "docket-number", "KB-2023-001234"),
        ("SSN 536-22-8726", "national-id", "536-22-8726"),
        ("Social Security number is 536228726.", "national-id", "536228726"),
        ("NHS number: 943 476 5919", "national-id", "943 476 5919"),
        ("NI number AB 12 34 56 C", "national-id", "AB 12 34 56 C"),
        ("the claimant (AB123456C)", "national-id", "AB123456C"),
        ("NIR 2 95 10 99 126 111 93", "national-id", "2 95 10 99 126 111 93"),
        ("Steuer-ID: 36 574 261 809", "national-id", "36 574 261 809"),
        ("Codice fiscale RCCMNL83S18D969H", "national-id", "RCCMNL83S18D969H"),
        ("DNI 54362315-K", "national-id", "54362315-K"),
        ("PPSN 6433435F", "national-id", "6433435F"),
        ("paid with 4111 1111 1111 1111 today", "card", "4111 1111 1111 1111"),
        ("Amex 3782 822463 10005", "card", "3782 822463 10005"),
        ("into DE89 3704 0044 0532 0130 00 at once", "iban", "DE89 3704 0044 0532 0130 00"),
        ("IBAN GB82WEST12345698765432 BIC", "iban", "GB82WEST12345698765432"),
        ("Account number: 31926819", "account", "31926819"),
        (
            "lives at 1600 Oak Street, Apt. 4B, Springfield, IL 62704.",
            "address",
            "1600 Oak Street, Apt. 4B, Springfield, IL 62704",
        ),
        ("of 221B Baker Street, London NW1 6XE", "address", "221B Baker Street, London NW1 6XE"),
        ("wohnhaft Hauptstraße 12a, 10115 Berlin", "address", "Hauptstraße 12a, 10115 Berlin"),
        ("demeurant 12 rue de Rivoli, 75001 Paris", "address", "12 rue de Rivoli, 75001 Paris"),
        ("seen by Dr Jane Okonkwo-Reid today", "name", "Jane Okonkwo-Reid"),
        ("before Mr Justice O'Leary", "name", "O'Leary"),
        ("Patient: ROE, Jane", "name", "ROE, Jane"),
        ("the plaintiff Chidi Anagonye alleges", "name", "Chidi Anagonye"),
        ("/s/ Wei van der Berg", "name", "Wei van der Berg"),
        ("Login from 203.0.113.77 failed", "ip", "203.0.113.77"),
        ("host 2001:db8:85a3::8a2e:370:7334 answered", "ip", "2001:db8:85a3::8a2e:370:7334"),
        (
            "https://clerk:s3cret@files.example.org/a.pdf",
            "url-with-credentials",
            "https://clerk:s3cret@files.example.org/a.pdf",
        ),
    ],
)
def test_exact_places(text: str, kind: str, value: str) -> None:
    assert found(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "See § 337(a) and 42 CFR 482.13.",
        "under 42 U.S.C. 1983 and 29 U.S.C. §§ 621 to 634",
        "[2019] EWCA Civ 123 and [2021] UKSC 5, at [44]",
        "Case C-131/12, Joined Cases C-203/15 and C-698/15",
        "Regulation (EU) 2016/679, Directive 2003/88/EC, Regulation (EC) No 261/2004",
        "Pub. L. No. 104-191 and Pub. L. No. 110-325",
        "a COX-2 inhibitor, SARS-CoV-2, HbA1c of 53 mmol/mol, T4, B12",
        "amoxicillin 500 mg three times daily for 5-7 days; 0.5-1.0 mg/kg; 1,000 ml of 0.9 % saline over 30 min",
        "The Act of 1954 was amended in 1989, 2002-2003 and 2015/16.",
        "within 180 days, or 300 days; $44,000; £5,000,000; 20 or more employees",
        "version 2.10.3, section 4.2.1, ISBN 978-3-16-148410-0, doi 10.1056/NEJMoa1200303",
        "a person born on or after 6 April 1978, or before 1 January 1957",
        "the Lord Chancellor, the Department of Justice and the Justice Secretary; Judge Advocate General",
        "Patient Safety and the Plaintiff's burden; the defendant must prove it. The Patient Portal opens.",
        "blood pressure 140/90, ratio 1:2, at 12:30:45 on 2019-10-11",
        "A table of 1 2 3 4 5 6 7 8 9 10 11 12, then 100 200 300 400.",
    ],
)
def test_nothing_personal(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("943 476 5918", "national-id"),  # checksum of the NHS
        ("4111 1111 1111 1112", "card"),
        ("DE89 3704 0044 0532 0130 01", "iban"),
        ("666-22-8726", "national-id"),
        ("54362315-A", "national-id"),
    ],
)
def test_a_wrong_checksum_without_a_label_is_nothing(text: str, kind: str) -> None:
    assert kind not in dict(found(f"The value {text} was read."))


def test_a_case_name_is_doubtful() -> None:
    text = "As Roe v. Wade held, and Smith v City of Jackson of 2005."
    assert found(text) == []
    assert found(text, 0) == [("case-name", "Roe v. Wade"), ("case-name", "Smith v City of Jackson")]


def test_a_name_introduced_once_is_known_everywhere() -> None:
    text = "Dr Ngozi Okonkwo saw him. Okonkwo advised rest. Later Ngozi Okonkwo called."
    assert [value for _, value in found(text)] == ["Ngozi Okonkwo", "Okonkwo", "Ngozi Okonkwo"]
    assert found("Black patients were seen; black ones; Okonkwo agreed.") == []


def test_typesetting_does_not_hide_anything() -> None:
    assert found("SSN 536\u201122\u20118726") == [("national-id", "536\u201122\u20118726")]
    assert found("NHS number: 943\u00a0476\u00a05919") == [("national-id", "943\u00a0476\u00a05919")]
    assert found("Mr O\u2019Leary") == [("name", "O\u2019Leary")]


def test_masking_is_consistent_and_keyed() -> None:
    text = "Dr Jane Roe (jane@example.org) met Mrs Ann Lee. JANE@EXAMPLE.ORG answered."
    masked = apply_policy(text, find_personal_data(text), "mask", KEY)
    assert re.fullmatch(
        r"Dr \[PERSON-[0-9a-f]{8}\] \((\[EMAIL-[0-9a-f]{8}\])\) met Mrs \[PERSON-[0-9a-f]{8}\]\. (\[EMAIL-[0-9a-f]{8}\])"
        r" answered\.",
        masked,
    )
    emails = re.findall(r"\[EMAIL-\w+\]", masked)
    people = re.findall(r"\[PERSON-\w+\]", masked)
    assert emails[0] == emails[1]
    assert people[0] != people[1]
    assert apply_policy(text, find_personal_data(text), "mask", KEY[::-1]) != masked
    assert "Roe" not in masked


@pytest.mark.parametrize(
    ("kind", "left", "right"),
    [
        ("name", "Jane Roe", "JANE  ROE"),
        ("phone", "+44 20 7946 0958", "020 7946 0958"),
        ("phone", "(212) 555-0123", "+1 212.555.0123 ext. 9"),
        ("national-id", "943 476 5919", "943-476-5919"),
        ("iban", "DE89370400440532013000", "de89 3704 0044 0532 0130 00"),
    ],
)
def test_ways_to_write_a_value_share_a_pseudonym(kind: str, left: str, right: str) -> None:
    assert pseudonym(kind, left, KEY) == pseudonym(kind, right, KEY)
    assert pseudonym(kind, left, KEY) != pseudonym("email", left, KEY)


def test_short_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="16"):
        pseudonym("name", "Jane Roe", b"short")


def test_keep_and_refuse() -> None:
    text = "Mr Roe, SSN 536-22-8726"
    findings = find_personal_data(text)
    assert apply_policy(text, findings, "keep", b"") == text
    with pytest.raises(PersonalDataRefused) as caught:
        apply_policy(text, findings, "refuse", b"")
    assert isinstance(caught.value, UnreadableDocument)
    assert "1 national-id" in str(caught.value)
    assert "536" not in str(caught.value)
    assert "Roe" not in str(caught.value)
    assert apply_policy("No one is named.", [], "refuse", b"") == "No one is named."
    with pytest.raises(ValueError, match="policy"):
        apply_policy(text, findings, "hide", KEY)  # type: ignore[arg-type]


def test_case_names_are_masked_only_when_asked() -> None:
    text = "Roe v. Wade"
    findings = find_personal_data(text)
    assert apply_policy(text, findings, "mask", KEY) == text
    assert apply_policy(text, findings, "mask", KEY, min_confidence=0.0).startswith("[CASE-")


def test_blocks_share_context_and_names() -> None:
    blocks = ["Date of birth", "12 March 1985", "Seen by Dr Ngozi Okonkwo.", "Okonkwo advised rest."]
    masked, found_kinds = mask_blocks(blocks, "mask", KEY)
    assert masked[0] == "Date of birth"
    assert re.fullmatch(r"\[DATE-OF-BIRTH-\w{8}\]", masked[1])
    assert re.fullmatch(r"Seen by Dr \[PERSON-\w{8}\]\.", masked[2])
    assert re.fullmatch(r"\[PERSON-\w{8}\] advised rest\.", masked[3])
    assert found_kinds == {"date-of-birth": 1, "name": 2}
    assert mask_blocks(blocks, "keep", b"")[0] == blocks
    with pytest.raises(PersonalDataRefused):
        mask_blocks(blocks, "refuse", b"")


def test_counts_have_no_contents() -> None:
    assert counts(find_personal_data("a@b.example and c@d.example, MRN 123456")) == {"email": 2, "record-number": 1}
    assert set(counts(find_personal_data("Mr Roe"))) <= set(KINDS)


def test_pseudonyms_are_left_alone() -> None:
    text = "Dr Jane Roe, SSN 536-22-8726, Tel: 020 7946 0958, MRN 00123456, 221B Baker Street, London NW1 6XE"
    masked = apply_policy(text, find_personal_data(text), "mask", KEY)
    assert find_personal_data(masked) == []


PIECES = st.sampled_from(
    [
        "Dr Jane Roe",
        "jane@example.org",
        "536-22-8726",
        "020 7946 0958",
        "Tel:",
        "DOB",
        "12/03/1985",
        "12 March 1985",
        "MRN",
        "00123456",
        "No.",
        "1:23-cv-04567",
        "221B Baker Street",
        "London NW1 6XE",
        "4111 1111 1111 1111",
        "DE89 3704 0044 0532 0130 00",
        "Roe v. Wade",
        "10.20.30.40",
        "Patient:",
        "ROE, Jane",
        "\n",
        "\n\n",
        " ",
        ", ",
        ".",
        "(",
        ")",
        "§ 12",
        "42 U.S.C. 1983",
        "[PERSON-0011aabb]",
        "Springfield, IL 62704",
        "+44",
        "ext. 5",
        "v.",
        "Mr",
        "O\u2019Leary",
        "é",
        "ß",
    ]
)
TEXTS = st.lists(PIECES, max_size=14).map(" ".join) | st.lists(PIECES, max_size=14).map("".join) | st.text(max_size=80)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_findings_never_overlap_and_masking_touches_nothing_else(text: str) -> None:
    findings = find_personal_data(text)
    assert all(isinstance(f, Finding) and f.kind in KINDS and 0 < f.confidence <= 1 for f in findings)
    assert all(0 <= f.start < f.end <= len(text) for f in findings)
    assert all(left.end <= right.start for left, right in pairwise(findings))
    assert all("\n\n" not in text[f.start : f.end] for f in findings)
    masked = apply_policy(text, findings, "mask", KEY, min_confidence=0.0)
    remaining, position = masked, 0
    for finding in findings:
        unmasked = text[position : finding.start]
        assert remaining.startswith(unmasked)
        remaining = remaining[len(unmasked) :]
        word = pseudonym(finding.kind, text[finding.start : finding.end], KEY)
        assert remaining.startswith(word)
        remaining, position = remaining[len(word) :], finding.end
    assert remaining == text[position:]


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS.filter(lambda text: "\n" not in text), max_size=4))
def test_blocks_are_masked_like_their_text(blocks: list[str]) -> None:
    masked, _ = mask_blocks(blocks, "mask", KEY)
    whole = "\n\n".join(blocks)
    assert "\n\n".join(masked) == apply_policy(whole, find_personal_data(whole), "mask", KEY)


@pytest.mark.parametrize(
    "text", ["1 " * 20_000, "a" * 50_000, "A. " * 20_000, "Mr " * 20_000, "1-" * 20_000, "a@" * 20_000, "12:" * 20_000]
)
@pytest.mark.timeout(20)
def test_hostile_texts_take_linear_time(text: str) -> None:
    find_personal_data(text)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("BSN: 111222333", "national-id", "111222333"),
        ("AHV-Nr. 756.9217.0769.85", "national-id", "756.9217.0769.85"),
        ("Seen with 756.9217.0769.85 on the card.", "national-id", "756.9217.0769.85"),
        ("Personnummer 811228-9874", "national-id", "811228-9874"),
        ("Rentenversicherungsnummer 15 070649 C 103", "national-id", "15 070649 C 103"),
        ("Driver License No. 123 456 789", "national-id", "123 456 789"),
        ("DL# S12345678", "national-id", "S12345678"),
        ("Reisepass-Nr. C01X00T47", "national-id", "C01X00T47"),
        ("The car, registration AB12 CDE, was parked.", "vehicle", "AB12 CDE"),
        ("license plate 7ABC123", "vehicle", "7ABC123"),
        ("amtliches Kennzeichen M-AB 1234", "vehicle", "M-AB 1234"),
        ("A Ford (1M8GDM9AXKP042788) was sold.", "vehicle", "1M8GDM9AXKP042788"),
        ("Accession: S24-01877", "record-number", "S24-01877"),
        ("FIN: 88123441", "record-number", "88123441"),
        ("No. 2D21-1234", "docket-number", "2D21-1234"),
        ("C.A. No. 2020-0123-JRS", "docket-number", "2020-0123-JRS"),
        ("EEOC Charge No. 520-2021-01234", "docket-number", "520-2021-01234"),
        ("Az. S 12 KR 345/20", "docket-number", "S 12 KR 345/20"),
        ("Crown Court case T20217123", "docket-number", "T20217123"),
        ("He was born on the twenty-first of July, 1986.", "date-of-birth", "twenty-first of July, 1986"),
        ("Date of Birth / Sex: 04/07/1986 / F", "date-of-birth", "04/07/1986"),
        ("Her mother's number: 212 634 8821.", "phone", "212 634 8821"),
    ],
)
def test_forms_that_were_collected_later(text: str, kind: str, value: str) -> None:
    assert (kind, value) in [(f.kind, text[f.start : f.end]) for f in find_personal_data(text) if f.confidence >= 0.5]


@pytest.mark.parametrize(
    "text",
    [
        "The plates LCP and DCP were used; a plate reader, 96-well plates and Plate 3 follow.",
        "AB12 CDE is the code of the template.",
        "The sum of 12345678901 units, the order 756 9217, and 1M8GDM9AXKP042789 (a wrong check digit).",
        "A fin 2019 report, the accession 2004 to the Union and case 12 of pathology 101.",
        "He was the first of May's guests; the third of June was a holiday.",
    ],
)
def test_what_only_looks_like_them_is_left(text: str) -> None:
    kinds = {"vehicle", "national-id", "record-number", "docket-number", "date-of-birth"}
    assert [text[f.start : f.end] for f in find_personal_data(text) if f.confidence >= 0.5 and f.kind in kinds] == []
