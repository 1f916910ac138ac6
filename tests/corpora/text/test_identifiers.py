"""Identifiers of law and medicine: spellings of one thing meet, different things do not, and prose gives nothing."""

import re
import sqlite3
import time
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.text.identifiers import BAR, identifier_terms

SAME = [
    ("§ 337(a)", "section 337(a)", "Sec. 337 (a)", "s. 337(a)", "§337(A)", "Sections 337(a) and 338"),
    ("42 CFR 482.13", "42 C.F.R. § 482.13", "42 cfr 482.13", "42 C.F.R. 482.13(a)"),
    ("21 U.S.C. 355(b)(2)", "21 USC § 355(b)(2)", "21 usc 355(b)(2)", "21 U. S. C. §355(b)(2)"),
    ("s. 12(3)", "s 12(3)", "section 12(3)", "ss. 11 and 12(3)"),
    ("Article 6(1)(f)", "Art. 6(1)(f)", "art 6 (1) (f)"),
    ("Title IX", "title 9"),
    ("phase III", "Phase 3", "phase-3"),
    ("[2019] IESC 4", "(2019) IESC 4"),
    ("550 F.3d 1023", "550 F. 3d 1023"),
    ("S.I. No. 123 of 2014", "SI 123/2014"),
    ("COX-2", "COX\u20112", "COX 2", "Cox–2"),
    ("TNF-α", "TNFα", "TNF-alpha", "tnf-Alpha"),
    ("10 mg/kg", "10mg/kg", "10 mg per kg", "10.0 MG/KG"),
    ("500 µg", "500 mcg", "500 micrograms", "500-mcg"),
    ("21 days", "21-day", "7 to 21 days", "21 d"),
    ("$1,000", "1,000 dollars", "$ 1000.00"),
    ("€2.5 million", "€2,500,000"),
    ("Roe v. Wade", "ROE v WADE", "roe vs wade", "Jane Roe -v- Henry Wade", "Roe versus Wade"),
    ("1:20-cv-01234", "20-CV-01234"),
    ("E11.9", "e11.9"),
]


def most_exact(text: str) -> str:
    return max(identifier_terms(text), key=lambda term: (term.count(BAR), len(term)))


@pytest.mark.parametrize("spellings", SAME, ids=lambda spellings: spellings[0])
def test_spellings_meet_in_their_most_exact_term(spellings: tuple[str, ...]) -> None:
    for variant in spellings[1:]:
        assert most_exact(spellings[0]) in identifier_terms(variant), variant


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("95/46", "9/546"),
        ("42 CFR 482.13", "45 CFR 482.13"),
        ("Roe v. Wade", "Roe v. Bolton"),
        ("10 mg", "10 mcg"),
        ("1.5 mg", "15 mg"),
        ("type 1", "type 2"),
        ("§ 12(3)", "§ 123"),
        ("IL-6", "IL-16"),
    ],
)
def test_different_things_do_not_meet(left: str, right: str) -> None:
    assert most_exact(left) not in identifier_terms(right) and most_exact(right) not in identifier_terms(left)


def test_what_an_identifier_lies_in_is_a_term() -> None:
    assert identifier_terms("§ 337(a)(1)")[:3] == ["sectionǀ337ǀ", "sectionǀ337ǀaǀ", "sectionǀ337ǀaǀ1ǀ"]
    assert {"cfrǀ42ǀ482ǀ", "cfrǀ42ǀ482ǀ13ǀ"} <= set(identifier_terms("42 CFR 482.13"))
    assert "cfrǀ42ǀ482ǀ" in identifier_terms("42 C.F.R. Part 482")
    assert "10ǀmgǀ" in identifier_terms("10 mg/kg") and "il6" in identifier_terms("IL-6/STAT3")


def test_prose_gives_nothing() -> None:
    prose = "The well-known tenant's agent, e.g. one of 12 and 5 to 10 of them, asked and/or answered. The 1990s 12 were so."
    assert identifier_terms(prose) == [] == identifier_terms("")


@given(st.text(max_size=60), st.sampled_from([spelling for row in SAME for spelling in row]), st.text(max_size=60))
def test_a_term_is_one_token_that_no_stemmer_cuts(before: str, identifier: str, after: str) -> None:
    terms = identifier_terms(f"{before} {identifier} {after}")
    assert len(terms) == len(set(terms))
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute('CREATE VIRTUAL TABLE t USING fts5(x, tokenize = "porter unicode61 remove_diacritics 2")')
        database.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, row)")
        for term in terms:
            database.execute("DELETE FROM t")
            database.execute("INSERT INTO t VALUES (?)", (term.encode("utf-8", "replace").decode(),))
            ((token,),) = database.execute("SELECT term FROM v").fetchall()
            assert not term.endswith(BAR) or token.count(BAR) == term.count(BAR)


@pytest.mark.parametrize(
    "piece", ["1A-", "1(a)", "1,000", "A. ", "a-", "1 A. A. ", "A v. B ", "§", "10 mg/", "s. 1, ", "α", "IV"]
)
def test_hostile_text_takes_no_longer_than_prose(piece: str) -> None:
    started = time.perf_counter()
    identifier_terms(piece * (100_000 // len(piece)))
    assert time.perf_counter() - started < 5


@given(
    st.text()
    | st.lists(st.sampled_from(["sectİon", " 5", "mİn", "İ", "ſ", "-2", "α", "K", "\ud800", "٣", "(a)", "/"])).map("".join)
)
def test_any_text_gives_letters_and_digits(text: str) -> None:
    assert all(re.fullmatch(r"\w+", term) for term in identifier_terms(text))
