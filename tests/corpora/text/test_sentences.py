"""Sentences end where they end: abbreviations, citations, units, numbers and enumerations of law and medicine.

The sentences are our own; their shapes were met in statutes, opinions, contracts, abstracts and patient information.
"""

import random

import pytest

from corpora.text.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    "whole",
    [
        "In Donoghue v. Stevenson a duty of care was found.",
        "See No. 42 of the list.",
        "Give 500 mg. three times a day.",
        "Give 500 mg, i.e. Two tablets, at once.",
        "Some drugs, e.g. Warfarin and Rivaroxaban, need care.",
        "Under Fed. R. Civ. P. 26 the parties confer.",
        "The claim under 42 U.S.C. § 1983 was brought late.",
        "The rule in 29 C.F.R. 541 applies.",
        "See arts. 12 and 13, paras. 4 to 6.",
        "Dr. Smith and Prof. Jones agreed.",
        "J. R. Hartley wrote it.",
        "It was decided in S.D.N.Y. 2011 by one judge.",
    ],
)
def test_abbreviations_do_not_end_a_sentence(whole: str) -> None:
    assert sentences(whole) == [whole]
    assert sentences(f"{whole} The next one follows.") == [whole, "The next one follows."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The dose is 500 mg. The patient may eat.", ["The dose is 500 mg.", "The patient may eat."]),
        ("The answer is no. The tenant stays.", ["The answer is no.", "The tenant stays."]),
        ("It ended. A new one began.", ["It ended.", "A new one began."]),
        ("Is it due? Yes! Pay.", ["Is it due?", "Yes!", "Pay."]),
        ("He said “stop.” Then he left.", ["He said “stop.”", "Then he left."]),
        ("It is so (see above.) The rest follows.", ["It is so (see above.)", "The rest follows."]),
        ("The dose is 2.5 mg daily. § 3 applies.", ["The dose is 2.5 mg daily.", "§ 3 applies."]),
        ("Notice under § 3. The tenant leaves.", ["Notice under § 3.", "The tenant leaves."]),
        ("One\n\nTwo", ["One", "Two"]),
    ],
)
def test_sentences_end_where_they_end(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


# Paragraphs as their sentences, joined by a space.
PARAGRAPHS = [
    [
        "The complaint was dismissed under Fed. R. Civ. P. 12(b)(6).",
        "See Harlan v. Moss, 556 U.S. 662, 678 (2009).",
        "Thus, we review that order de novo.",
        "Id. at 681.",
        "The 9th Cir. 2015 decision is not to the contrary.",
    ],
    [
        "Notice was served on Acme Holdings Inc. on 3 May.",
        "The seller is Bell Atl. Corp. v. its insurer, so to speak.",
        "It was paid to Moss & Co.",
        "The buyer objected.",
    ],
    [
        "The European Communities Regulations 2011 (S.I. No. 352 of 2011) are amended.",
        "Regulation (EC) No. 883/2004, as amended by Regulation (EU) No. 465/2012, applies.",
        "See also section 5, para. (b), and art. 7.",
        "Paragraphs 4 to 6 of Sch. 2 are repealed.",
    ],
    [
        "(a) A tenant may appeal within 30 days.",
        "(b) The Mayor shall, under D.C. Official Code § 42-3505, publish the rate.",
        "(c) In this section, “rate” means: (1) the base rate; (2) the surcharge; and (3) any fee.",
        "(2) Nothing in subsection (a) limits relief.",
    ],
    [
        "1. Any proposal to amend this Agreement is sent to the Board.",
        "2. The Board decides by a majority.",
        "3.1 License Fees.",
        "The fees fall due on signing.",
    ],
    [
        "Amoxicillin 500 mg t.i.d. was given for approx. ten days.",
        "E. coli grew at 37.5 °C in 3 of 20 cultures (vs. 11 of 19 controls, P<.001).",
        "Smith et al. reported 1.8 vs. 2.4 events.",
        "The mean was 2.5 mg/L (95% CI 0.5-6.3).",
        "Ninety patients were seen by Dr. A. B. Moss at 9 a.m. and again at 4 p.m.",
        "None was lost to follow-up.",
    ],
    [
        "Vitamin D.",
        "Experts suggest 20 ng.",
        "Hepatitis B. vaccines are given at birth, i.e. Within 24 hours.",
        "Take it with food, e.g. Bread or milk.",
        "How often?",
        "Twice a day!",
    ],
    [
        "“I saw him,” she said.",
        "“Then he left.”",
        "The court asked: “Why?”",
        "It was told so (see Tr. of Oral Arg. 39).",
        "(Emphasis added.)",
        "The rest . . . stands.",
    ],
    [
        "The exhibits are listed in Schedule A.",
        "Third-party rights are in Exhibit B.",
        "The parties agree: a. The price is fixed; b. The term is one year; and c. Renewal is by notice.",
        "St. George's Hospital is at No. 4, Mount St., in Pa.",
        "It was decided in the U.S.",
        "The appeal failed.",
    ],
    [
        "The mass was confirmed by CT.",
        "Biopsy followed in the ED.",
        "Nurses took blood for 10 min.",
        "Some had MS.",
        "Treatment of CF.",
        "Sweat tests are used in MPS I.",
        "People with hemophilia A.",
        "Factor VIII is low.",
        "CASE NOS. 20-554 AND 20-556, ROMAN, ET AL. V. WOLF, WERE HEARD UNDER FED. R. CIV. P. 12.",
    ],
    [
        "In general. — Each member serves for three years.",
        "Civil Action No. _____ is pending.",
        "The sum is $5,000.50.",
        "§ 3 of 42 U.S.C. was not argued; 29 C.F.R. § 541 was.",
        "Compare 82 Stat. 1204, Pub. L. No. 99-603, and Cal. Civ. Code Ann. § 1714.",
        "Jan. 5 was the date.",
    ],
    [
        "The drug works.[3]",
        "It is not cheap.",
        "The Soc. Sec. Act, ch. 7, pp. 3–5, nn. 2 and 3, is cited.",
        "J. R. Hartley wrote it.",
        "No one else did.",
    ],
]


@pytest.mark.parametrize("paragraph", PARAGRAPHS, ids=lambda paragraph: paragraph[0][:30])
def test_paragraphs_of_law_and_medicine(paragraph: list[str]) -> None:
    assert sentences(" ".join(paragraph)) == paragraph


def test_a_text_that_has_lost_its_capitals_still_has_sentences() -> None:
    clause = (
        "the customer may cancel within 14 days of delivery, e.g. by letter. no fee is due for that, as no. 7 of the list says."
    )
    assert sentences(f"{clause} {clause}") == [*clause.replace("letter. ", "letter.\n").split("\n")] * 2
    assert sentences("give 500 mg. three times") == ["give 500 mg. three times"]


def test_a_text_of_nothing_but_abbreviations_is_one_sentence_however_long() -> None:
    draw = random.Random(0)
    endless = " ".join(draw.choice(("v.", "No. 4", "e.g. x", "word")) for _ in range(20_000))
    assert len(sentences(endless)) == 1
