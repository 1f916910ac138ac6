"""The readers of XML: a minimal document of each vocabulary read exactly, hostile files refused, real files read whole."""

import codecs
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from corpora.errors import UnreadableDocument
from corpora.readers.law import akoma_ntoso, dc_law, ecfr, uslm
from corpora.readers.medicine import jats, medquad, pubmed
from corpora.readers.xml import generic as generic_xml
from corpora.readers.xml.elements import iso_date, local
from corpora.readers.xml.vocabularies import MAX_DEPTH, kind_of, parse
from corpora.records import Block, Reading

ROOT = Path(__file__).resolve().parents[3]
REAL = ROOT.parent / "shared" / "data" / "realdocs"
Shown = list[tuple[str, int, str]]
ALPHA, BETA = " ".join(["alpha"] * 80), " ".join(["beta"] * 80)


def shown(reading: Reading) -> Shown:
    return [(block.kind, block.level, block.text) for block in reading.blocks]


def only(readings: list[Reading]) -> Reading:
    assert len(readings) == 1
    return readings[0]


def h(level: int, text: str) -> tuple[str, int, str]:
    return ("heading", level, text)


def p(text: str) -> tuple[str, int, str]:
    return ("paragraph", 0, text)


def i(text: str) -> tuple[str, int, str]:
    return ("item", 0, text)


JATS = """<?xml version="1.0"?>
<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving DTD v1.2//EN" "JATS-archivearticle1.dtd">
<article article-type="research-article" xml:lang="en" xmlns:xlink="http://www.w3.org/1999/xlink"
 xmlns:mml="http://www.w3.org/1998/Math/MathML">
<front><journal-meta><journal-title-group><journal-title>Heart</journal-title></journal-title-group></journal-meta><article-meta>
<article-id pub-id-type="pmid">77</article-id><article-id pub-id-type="pmc">123</article-id>
<article-id pub-id-type="doi">10.1/x</article-id>
<article-categories><subj-group><subject>Cardiology</subject></subj-group></article-categories>
<title-group><article-title>Beta-blockers in <italic>heart failure</italic></article-title></title-group>
<contrib-group><contrib contrib-type="author"><name><surname>Doe</surname><given-names>Jane A</given-names></name></contrib>
<contrib contrib-type="author"><collab>The HF Group</collab></contrib>
<contrib contrib-type="editor"><name><surname>Ed</surname><given-names>It</given-names></name></contrib></contrib-group>
<aff>Somewhere</aff><author-notes><corresp>* jane@example.org</corresp><fn fn-type="conflict"><p>None declared.</p></fn></author-notes>
<related-article ext-link-type="doi">An earlier trial.</related-article>
<pub-date pub-type="collection"><year>2019</year></pub-date><volume>106</volume><fpage>9</fpage><lpage>12</lpage>
<pub-date pub-type="epub"><day>3</day><month>4</month><year>2020</year></pub-date>
<permissions><license xlink:href="https://creativecommons.org/licenses/by/4.0/"><license-p>CC BY</license-p></license></permissions>
<abstract><sec><title>Aim</title><p>To see.</p></sec></abstract><kwd-group><kwd>heart</kwd><kwd>beta</kwd></kwd-group>
<funding-group><award-group><funding-source>NIH</funding-source></award-group><award-group><funding-source>Wellcome</funding-source>
</award-group><funding-statement>NIH paid.</funding-statement></funding-group></article-meta></front>
<body><sec><label>1</label><title>Methods</title><p>We gave 10<sup>-5</sup> mol of CO<sub>2</sub> per m<sup>2</sup><xref
ref-type="fn" rid="f1"><sup>a</sup></xref> daily<sup><xref ref-type="bibr" rid="r1">1</xref></sup>.</p>
<sec><title>Doses</title><p>Doses:<list list-type="order"><list-item><label>(i)</label><p>one</p></list-item>
<list-item><label>(ii)</label><p>two</p></list-item></list>as tolerated.</p>
<table-wrap><label>Table 1</label><caption><title>Doses.</title><p>In mg.</p></caption><table><thead><tr><th>Drug</th><th>Dose</th></tr>
</thead><tbody><tr><td>Bisoprolol<xref ref-type="table-fn" rid="t1">a</xref></td><td>10</td></tr></tbody></table>
<table-wrap-foot><fn id="t1"><label>a</label><p>Daily.</p></fn></table-wrap-foot></table-wrap>
<boxed-text><caption><title>Box 1</title></caption><p>Key point.</p></boxed-text>
<fig><label>Fig 1</label><caption><p>Survival.</p></caption><graphic xlink:href="x"/></fig>
<p>So <inline-formula><mml:math><mml:mi>x</mml:mi><mml:mo>=</mml:mo><mml:msup><mml:mi>y</mml:mi><mml:mn>2</mml:mn></mml:msup>
</mml:math></inline-formula>.</p></sec></sec></body>
<back><ack><p>Thanks.</p></ack><fn-group><fn id="f1"><label>a</label><p>Body surface.</p></fn><fn id="f2"><p>Not referred to.</p></fn>
</fn-group><ref-list><title>Literature</title><ref id="r1"><label>1</label><element-citation><person-group><name>
<surname>Roe</surname><given-names>R</given-names></name></person-group><year>2001</year><article-title>On hearts.</article-title>
<source>BMJ</source><fpage>1</fpage><lpage>9</lpage></element-citation></ref></ref-list></back></article>"""


def test_jats() -> None:
    reading = only(jats.read(JATS.encode()))
    assert reading.title == "Beta-blockers in heart failure"
    assert shown(reading) == [
        h(1, "Beta-blockers in heart failure"),
        h(2, "Abstract"),
        h(3, "Aim"),
        p("To see."),
        h(2, "Keywords"),
        p("heart; beta"),
        h(2, "1 Methods"),
        p("We gave 10^-5 mol of CO2 per m2 [note: Body surface.] daily[1]."),
        h(3, "Doses"),
        p("Doses:"),
        i("(i) one"),
        i("(ii) two"),
        p("as tolerated."),
        p("Table 1 Doses. In mg."),
        i("Drug | Dose"),
        i("Bisoprolol[a] | 10"),
        p("a Daily."),
        p("Box 1"),
        p("Key point."),
        p("Fig 1 Survival."),
        p("So x=y^2."),
        h(2, "Acknowledgments"),
        p("Thanks."),
        h(2, "Notes"),
        p("Not referred to."),
        h(2, "References"),
        h(3, "Literature"),
        i("1. Roe R, 2001, On hearts, BMJ, 1-9"),
        h(2, "About this article"),
        p("None declared."),
        p("NIH paid."),
        p("Funding: Wellcome"),
        p("* jane@example.org"),
        p("Related: An earlier trial."),
        h(2, "Affiliations"),
        i("Somewhere"),
    ]
    assert reading.metadata == {
        "identifier": "PMC123",
        "pmcid": "PMC123",
        "doi": "10.1/x",
        "pmid": "77",
        "date": "2020-04-03",
        "licence": "https://creativecommons.org/licenses/by/4.0/",
        "author": "Jane A Doe; The HF Group",
        "editor": "It Ed",
        "journal": "Heart",
        "volume": "106",
        "pages": "9-12",
        "type": "research-article",
        "subjects": "Cardiology",
        "language": "en",
    }
    assert reading.part == ""


def test_jats_several_articles_are_parts() -> None:
    article = JATS[JATS.index("<article") :]
    variant = article.replace(">123<", ">124<").replace("Beta-blockers", "Statins")
    first, second = jats.read(f"<pmc-articleset>{article}{variant}</pmc-articleset>".encode())
    assert (first.part, second.part) == ("PMC123", "PMC124")
    assert second.title == "Statins in heart failure"


PUBMED = """<?xml version="1.0"?>
<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" "https://dtd.nlm.nih.gov/pubmed_250101.dtd">
<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID Version="1">111</PMID><Article><Journal><JournalIssue><PubDate><Year>2024</Year>
<Month>Mar</Month></PubDate></JournalIssue><Title>Nature medicine</Title></Journal><ArticleTitle>Editing of <i>PCSK9</i>.</ArticleTitle>
<ELocationID EIdType="doi">10.1038/s</ELocationID><Abstract>
<AbstractText Label="BACKGROUND" NlmCategory="BACKGROUND">It drives disease.</AbstractText>
<AbstractText Label="METHODS">We gave 10<sup>9</sup>.</AbstractText><CopyrightInformation>© 2024 N.</CopyrightInformation></Abstract>
<AuthorList><Author><LastName>Kim</LastName><ForeName>Min</ForeName></Author><Author><CollectiveName>PCSK9 Group</CollectiveName>
</Author></AuthorList><Language>eng</Language><PublicationTypeList><PublicationType>Journal Article</PublicationType>
</PublicationTypeList></Article><CommentsCorrectionsList><CommentsCorrections RefType="RetractionIn"><RefSource>Nat Med. 2025;1:2</RefSource>
</CommentsCorrections></CommentsCorrectionsList><MeshHeadingList><MeshHeading><DescriptorName>Hypercholesterolemia</DescriptorName>
</MeshHeading></MeshHeadingList><KeywordList><Keyword>editing</Keyword></KeywordList></MedlineCitation><PubmedData><ArticleIdList>
<ArticleId IdType="pmc">PMC9</ArticleId></ArticleIdList><ReferenceList><Reference><ArticleIdList><ArticleId IdType="pmc">PMC1</ArticleId>
</ArticleIdList></Reference></ReferenceList></PubmedData></PubmedArticle>
<PubmedArticle><MedlineCitation><PMID>222</PMID><Article><ArticleTitle>A letter.</ArticleTitle><Journal><JournalIssue><PubDate>
<MedlineDate>1998 Nov-Dec</MedlineDate></PubDate></JournalIssue></Journal></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>"""


def test_pubmed() -> None:
    first, second = pubmed.read(PUBMED.encode())
    assert (first.title, first.part) == ("Editing of PCSK9.", "111")
    assert shown(first) == [
        h(1, "Editing of PCSK9."),
        p("Retraction in: Nat Med. 2025;1:2"),
        h(2, "Abstract"),
        h(3, "Background"),
        p("It drives disease."),
        h(3, "Methods"),
        p("We gave 10^9."),
        p("© 2024 N."),
        h(2, "Keywords"),
        p("editing"),
    ]
    assert first.metadata == {
        "identifier": "PMID 111",
        "doi": "10.1038/s",
        "pmcid": "PMC9",
        "date": "2024-03",
        "author": "Min Kim; PCSK9 Group",
        "journal": "Nature medicine",
        "type": "Journal Article",
        "subjects": "Hypercholesterolemia",
        "language": "eng",
    }
    assert (second.title, second.part, second.metadata["date"]) == ("A letter.", "222", "1998")
    assert shown(second) == [h(1, "A letter."), p("A letter.")]


USLM1 = f"""<?xml version="1.0"?><uscDoc xmlns="http://xml.house.gov/schemas/uslm/1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:dcterms="http://purl.org/dc/terms/" identifier="/us/usc/t17"><meta><dc:title>Title 17</dc:title><dc:type>USCTitle</dc:type>
<docNumber>17</docNumber><dcterms:created>2024-01-11</dcterms:created></meta><main><title><num value="17">Title 17—</num>
<heading>COPYRIGHTS</heading><note><heading>Positive Law</heading><p>This title was enacted.</p></note>
<chapter><num value="1">CHAPTER 1—</num><heading>SUBJECT MATTER AND SCOPE</heading>
<toc><layout><tocItem><column>107.</column><column>Fair use.</column></tocItem></layout></toc>
<section><num value="107">§ 107.</num><heading> Limitations on exclusive rights<ref class="footnoteRef" idref="fn1">1</ref></heading>
<note type="footnote" id="fn1"><num>1</num> So in original.</note><chapeau>The factors shall include—</chapeau>
<paragraph><num value="1">(1)</num><content>the purpose of the use;</content></paragraph>
<paragraph><num value="2">(2)</num><content>the nature of the <i>work</i>.</content></paragraph>
<continuation>That a work is unpublished shall not itself bar a finding.</continuation>
<sourceCredit>(Pub. L. 94–553.)</sourceCredit><notes type="uscNote"><note role="crossHeading"><heading>Editorial Notes</heading></note>
<note topic="amendments"><heading>Amendments</heading><p>1992—Pub. L. 102–492.</p></note></notes></section>
<section><num value="108">§ 108.</num><heading> Libraries</heading><sourceCredit>(Pub. L. 1.)</sourceCredit>
<subsection><num value="a">(a)</num><heading>In General.—</heading><chapeau>{ALPHA}:</chapeau>
<paragraph><num>(1)</num><content>one.</content></paragraph></subsection>
<subsection><num>(b)</num><content>{BETA} <quotedContent><section><num>“Sec. 1.</num><heading>Short.</heading>
<content>It is quoted.”</content></section></quotedContent>.</content></subsection></section></chapter></title></main></uscDoc>"""


def test_uslm_1_the_united_states_code() -> None:
    reading = only(uslm.read(USLM1.encode()))
    assert reading.title == "Title 17—COPYRIGHTS"
    assert shown(reading) == [
        h(1, "Title 17—COPYRIGHTS"),
        h(2, "Positive Law"),
        p("This title was enacted."),
        h(2, "CHAPTER 1—SUBJECT MATTER AND SCOPE"),
        i("107. Fair use."),
        h(3, "§ 107. Limitations on exclusive rights"),
        p("The factors shall include— [note: So in original.]"),
        p("(1) the purpose of the use;"),
        p("(2) the nature of the work."),
        p("That a work is unpublished shall not itself bar a finding."),
        h(4, "Source credit"),
        p("(Pub. L. 94–553.)"),
        h(4, "Notes"),
        h(5, "Editorial Notes"),
        h(6, "Amendments"),
        p("1992—Pub. L. 102–492."),
        h(3, "§ 108. Libraries"),
        h(4, "(a) In General"),
        p(f"(a) {ALPHA}:"),
        p("(1) one."),
        h(4, "(b)"),
        p(f"(b) {BETA}"),
        p("“Sec. 1. Short. It is quoted.”."),
        h(4, "Source credit"),
        p("(Pub. L. 1.)"),
    ]
    assert reading.metadata == {
        "identifier": "/us/usc/t17",
        "date": "2024-01-11",
        "type": "USCTitle",
        "jurisdiction": "United States",
    }


USLM2 = """<?xml version="1.0"?><pLaw xmlns="http://schemas.gpo.gov/xml/uslm" xmlns:dc="http://purl.org/dc/elements/1.1/">
<meta><dc:title>Public Law 115–9: To name a clinic.</dc:title><dc:type>Public Law</dc:type><citableAs>Public Law 115–9</citableAs>
<citableAs>131 Stat. 16</citableAs><dc:rights>public domain</dc:rights></meta>
<preface><page>131 STAT. 16</page><dc:type>Public Law</dc:type><docNumber>115–9</docNumber></preface>
<main><longTitle><docTitle>An Act</docTitle><officialTitle>To name a clinic.</officialTitle>
<sidenote><p>Mar. 13, 2017</p></sidenote></longTitle>
<section><num value="1">SEC. 1. </num><heading>NAME.</heading><subsection><num value="a">  (a) </num>
<heading><inline class="small-caps">Designation</inline>.—</heading><content>The clinic shall <page>131 STAT. 17</page>be so
named.<ref class="footnoteRef" idref="F1">1</ref></content><footnote id="F1"><sup>1</sup><p>So in law.</p></footnote></subsection>
<subsection><num>(b)</num><paragraph><num>(1)</num><content>It is.</content></paragraph></subsection>
<editorialNote role="uscRef">[<ref>38 U.S.C. 1</ref>] </editorialNote></section>
<action><actionDescription>Approved March 13, 2017.</actionDescription></action></main></pLaw>"""


def test_uslm_2_a_public_law() -> None:
    reading = only(uslm.read(USLM2.encode()))
    assert shown(reading) == [
        h(1, "Public Law 115–9: To name a clinic."),
        p("Public Law 115–9"),
        p("An Act To name a clinic. [note: Mar. 13, 2017]"),
        h(2, "SEC. 1. NAME. [38 U.S.C. 1]"),
        p("(a) Designation.—The clinic shall be so named. [note: So in law.]"),
        p("(b)(1) It is."),
        p("Approved March 13, 2017."),
    ]
    assert reading.metadata == {
        "identifier": "Public Law 115–9",
        "date": "2017-03-13",
        "type": "Public Law",
        "licence": "public domain",
        "jurisdiction": "United States",
    }


ECFR = """<?xml version="1.0" encoding="UTF-8"?><DLPSTEXTCLASS><HEADER><FILEDESC><TITLESTMT><TITLE>Title 37: Patents</TITLE></TITLESTMT>
<PUBLICATIONSTMT><IDNO TYPE="title">37</IDNO></PUBLICATIONSTMT></FILEDESC></HEADER><TEXT><BODY><ECFRBRWS><AMDDATE>May 1, 2014</AMDDATE>
<DIV1 N="1" TYPE="TITLE"><HEAD>Title 37—Patents</HEAD><DIV5 N="1" TYPE="PART"><HEAD>PART 1—RULES OF PRACTICE</HEAD>
<AUTH><HED>Authority:</HED><PSPACE>35 U.S.C. 2(b)(2).</PSPACE></AUTH><DIV8 N="§ 1.3" TYPE="SECTION"><HEAD>§ 1.3   Business.</HEAD>
<P>(a) <I>Decorum</I> means x<E T="52">i</E> of 10<E T="51">3</E>.</P><P>(1) Courtesy.</P><FP>Flush.</FP>
<EXTRACT><HD1>Form</HD1><P>Sign here.</P></EXTRACT><GPOTABLE><TTITLE>Fees</TTITLE><BOXHD><CHED H="1">Service</CHED><CHED H="1">Fee</CHED>
</BOXHD><ROW><ENT I="01">Filing</ENT><ENT>$10</ENT></ROW><TNOTE>Per page.</TNOTE></GPOTABLE><DIV width="100%"><DIV class="gpotbl_div">
<TABLE><TR><TH>Record</TH><TH>Agency</TH></TR><TR><TD>Files</TD><TD>OPM</TD></TR></TABLE></DIV></DIV>
<NOTE><HED>Note:</HED><P>See part 2.</P></NOTE><CITA TYPE="N">[68 FR 38624, June 30, 2003]</CITA></DIV8></DIV5></DIV1></ECFRBRWS></BODY>
</TEXT></DLPSTEXTCLASS>"""


def test_ecfr() -> None:
    reading = only(ecfr.read(ECFR.encode()))
    assert reading.title == "Title 37: Patents"
    assert shown(reading) == [
        h(1, "Title 37—Patents"),
        h(2, "PART 1—RULES OF PRACTICE"),
        p("Authority: 35 U.S.C. 2(b)(2)."),
        h(3, "§ 1.3 Business."),
        p("(a) Decorum means xi of 10^3."),
        p("(1) Courtesy."),
        p("Flush."),
        h(4, "Form"),
        p("Sign here."),
        p("Fees"),
        i("Service | Fee"),
        i("Filing | $10"),
        p("Per page."),
        i("Record | Agency"),
        i("Files | OPM"),
        p("Note: See part 2."),
        p("[68 FR 38624, June 30, 2003]"),
    ]
    assert reading.metadata == {
        "identifier": "37 CFR",
        "date": "2014-05-01",
        "jurisdiction": "United States",
        "type": "regulation",
    }


def test_ecfr_part_as_the_website_gives_it() -> None:
    meta = "{&quot;citation&quot;:&quot;14 CFR Part 11&quot;}"
    part = f'<DIV5 N="11" TYPE="PART" hierarchy_metadata="{meta}"><HEAD>PART 11—RULES</HEAD><P>Text.</P></DIV5>'
    reading = only(ecfr.read(part.encode()))
    assert (reading.title, reading.metadata["identifier"]) == ("PART 11—RULES", "14 CFR Part 11")
    assert shown(reading) == [h(1, "PART 11—RULES"), p("Text.")]


def test_ecfr_with_what_the_bulk_data_holds() -> None:
    """Footnotes after their paragraph, fractions, accents, leaders, indexes and quoted revisions, as GPO's guide shows them."""
    section = """<DIV8 N="2.6" TYPE="SECTION"><HEAD>2.6 Fees<SU>1</SU>.</HEAD><FTNT><P><SU>1</SU> Since 2019.</P></FTNT>
<P>(a) Paper of 8<FR>1/2</FR> by 11 inches, mean <I>x<AC T="8"/></I>, of an author.<SU>4</SU><FTREF/></P><FTNT><P><SU>4</SU> An <I>author</I>
includes a firm.</P></FTNT><P>(b) An area of 5 m<SU>2</SU>.</P><LDRWK><FL-2>(1) Filing on paper</FL-2><LDRFIG>$375</LDRFIG><FL-2>(2) In
person</FL-2></LDRWK><EXTRACT><FP1-2>Name:</FP1-2><FRP>A. Clerk,</FRP><FP2-3>Registrar.</FP2-3><SCOL2><LI>ounce oz</LI><LI>pound lb</LI>
</SCOL2></EXTRACT><STARS/><EFFDNOT><HED>Effective Date Note:</HED><PSPACE>Revised as follows:</PSPACE><REVTXT><HEAD>2.6 Fees.</HEAD>
<P>(a) None.</P></REVTXT></EFFDNOT></DIV8>"""
    index = """<DIV1 N="37" TYPE="TITLE"><CFRTOC><PTHD>Part</PTHD><CHAPTI><SUBJECT><E T="04">chapter i</E>—Patents</SUBJECT><PG>1</PG>
<SUBJECT><E T="04">chapter ii</E>—Copyright</SUBJECT><PG>201</PG></CHAPTI></CFRTOC><SUBCHIND><HED>INDEX</HED><SUBJECT>Abandonment:</SUBJECT>
<SUBJ1L>By failure</SUBJ1L><PT>1.135</PT></SUBCHIND><SECTNO>§ 830.2</SECTNO><SUBJECT>Agency.</SUBJECT></DIV1>"""
    assert shown(only(ecfr.read(section.encode()))) == [
        h(1, "2.6 Fees [note: Since 2019.]."),
        p("(a) Paper of 8 1/2 by 11 inches, mean x\u0303, of an author. [note: An author includes a firm.]"),
        p("(b) An area of 5 m2."),
        i("(1) Filing on paper | $375"),
        i("(2) In person"),
        p("Name:"),
        p("A. Clerk,"),
        p("Registrar."),
        i("ounce oz"),
        i("pound lb"),
        p("* * *"),
        p("Effective Date Note: Revised as follows:"),
        p("2.6 Fees."),
        p("(a) None."),
    ]
    assert shown(only(ecfr.read(index.encode()))) == [
        p("Part"),
        i("chapter i—Patents | 1"),
        i("chapter ii—Copyright | 201"),
        i("INDEX Abandonment:"),
        i("By failure | 1.135"),
        i("§ 830.2 Agency."),
    ]


def test_uslm_2_the_code_of_federal_regulations() -> None:
    """As GPO's samples have it: notes of the preface, levels without a wrapper, authority and source inside of the content."""
    volume = """<?xml version="1.0" encoding="UTF-8"?><?xml-stylesheet type="text/css" href="uslm.css"?>
<cfrDoc xmlns="http://schemas.gpo.gov/xml/uslm" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xhtml="http://www.w3.org/1999/xhtml"><meta>
<dc:title>Title 99 Widgets</dc:title><docNumber>99</docNumber><dc:type>CFR Title</dc:type></meta><preface><docNumber>Title 99</docNumber>
<subject>Widgets</subject><organizationNote><p>Printing Office</p></organizationNote><explanationNote>
<heading>Explanation</heading><xhtml:table>
<xhtml:tbody><xhtml:tr><xhtml:td>Title 1</xhtml:td><xhtml:td>as of January 1</xhtml:td></xhtml:tr></xhtml:tbody></xhtml:table><content>
<heading>LEGAL STATUS</heading><p>It is <?page num="vi"?>evidence.</p></content></explanationNote></preface><main>
<chapter><num>CHAPTER I—</num>
<heading>BUREAU</heading><part><num>PART 40—</num><heading>MAKERS</heading><section><num value="40.62">§ 40.62</num><heading>Permit.</heading>
<content><p>Every person shall apply under <ref href="/x">§ 40.75</ref>.</p><authority>(72 Stat. 1)</authority><source>[26 FR 8, 1961]
</source></content></section><section><num>§ 40.63</num><heading>Who.</heading><chapeau>Any person who:</chapeau><paragraph><num>(a)</num>
<content> Makes, and</content></paragraph><paragraph><num>(b) </num><heading>Seller.</heading><content> Sells.</content></paragraph>
<source>[64 FR 7]</source></section></part></chapter></main></cfrDoc>"""
    reading = only(uslm.read(volume.encode()))
    assert (reading.title, reading.metadata["type"]) == ("Title 99 Widgets", "CFR Title")
    assert shown(reading) == [
        h(1, "Title 99 Widgets"),
        p("Title 99 Widgets"),
        p("Printing Office"),
        h(2, "Explanation"),
        i("Title 1 | as of January 1"),
        h(3, "LEGAL STATUS"),
        p("It is evidence."),
        h(2, "CHAPTER I—BUREAU"),
        h(3, "PART 40—MAKERS"),
        h(4, "§ 40.62 Permit."),
        p("Every person shall apply under § 40.75."),
        p("(72 Stat. 1)"),
        p("[26 FR 8, 1961]"),
        h(4, "§ 40.63 Who."),
        p("Any person who:"),
        p("(a) Makes, and"),
        p("(b) Seller. Sells."),
        p("[64 FR 7]"),
    ]


AKN = """<akomaNtoso xmlns="http://docs.oasis-open.org/legaldocml/ns/akn/3.0"><act name="act"><meta><identification source="#x">
<FRBRWork><FRBRthis value="/akn/ie/act/2018/7/main"/><FRBRuri value="/akn/ie/act/2018/7"/><FRBRdate date="2018-05-24" name="enactment"/>
<FRBRauthor href="#oireachtas"/><FRBRcountry value="ie"/></FRBRWork><FRBRExpression><FRBRlanguage language="eng"/></FRBRExpression>
</identification><references><TLCOrganization eId="oireachtas" href="/o" showAs="Houses of the Oireachtas"/></references></meta>
<preface><p>Number 7 of 2018: <docTitle>Data Protection Act 2018</docTitle></p></preface>
<body><part eId="part_1"><num>PART 1</num><heading>Preliminary<authorialNote marker="1"><p>As enacted.</p></authorialNote></heading>
<section eId="sec_1"><num>1.</num><heading>Citation</heading><subsection><num>(1)</num><intro><p>This Act<authorialNote
marker="2"><p>Commenced 2018.</p></authorialNote> applies to—</p></intro><paragraph><num>(a)</num><content><p>natural persons, and</p>
</content></paragraph><paragraph><num>(b)</num><content><p>bodies.</p></content></paragraph><wrapUp><p>in the State.</p></wrapUp>
</subsection><subsection><num>(2)</num><content><p>Fees:</p><table><tr><th><p>Fee</p></th><th><p>€</p></th></tr><tr><td><p>A</p></td>
<td><p>5</p></td></tr></table></content></subsection></section></part></body></act></akomaNtoso>"""


def test_akoma_ntoso() -> None:
    reading = only(akoma_ntoso.read(AKN.encode()))
    assert reading.title == "Data Protection Act 2018"
    assert shown(reading) == [
        h(1, "Data Protection Act 2018"),
        p("Number 7 of 2018: Data Protection Act 2018"),
        h(2, "PART 1 Preliminary"),
        h(3, "1. Citation"),
        p("(1) This Act [note: Commenced 2018.] applies to— [note: As enacted.]"),
        p("(a) natural persons, and"),
        p("(b) bodies."),
        p("in the State."),
        p("(2) Fees:"),
        i("Fee | €"),
        i("A | 5"),
    ]
    assert reading.metadata == {
        "identifier": "/akn/ie/act/2018/7",
        "date": "2018-05-24",
        "jurisdiction": "IE",
        "author": "Houses of the Oireachtas",
        "type": "act",
        "language": "eng",
    }


def test_akoma_ntoso_notes_that_stand_apart() -> None:
    act = """<akomaNtoso xmlns="http://docs.oasis-open.org/legaldocml/ns/akn/3.0"><act name="act"><meta><identification source="#x"><FRBRWork>
<FRBRuri value="/akn/uk/act/1999/1"/></FRBRWork></identification><notes source="#x"><note eId="c1"><p>Words substituted in 2013.</p></note>
<note eId="c2"><p>Never referred to.</p></note></notes></meta><body><section eId="s1"><num>1<noteRef href="#c1" class="commentary"/></num>
<heading>Scope</heading><content><p>It applies<noteRef href="#c1"/> here<noteRef href="#n9" marker="9"/>.</p></content></section>
<section eId="s2"><num>2</num><content><p>Not there.<authorialNote eId="n9"><p>In England.</p></authorialNote></p></content></section></body>
</act></akomaNtoso>"""
    assert shown(only(akoma_ntoso.read(act.encode()))) == [
        h(2, "1 Scope"),
        p("It applies here [note: In England.]. [note: Words substituted in 2013.]"),
        h(2, "2"),
        p("Not there."),
    ]


def test_akoma_ntoso_judgment_keeps_its_paragraph_numbers() -> None:
    judgment = f"""<akomaNtoso xmlns="http://docs.oasis-open.org/legaldocml/ns/akn/3.0"><judgment><meta><identification><FRBRWork>
<FRBRname value="Fourway v Agency"/><FRBRcountry value="za"/></FRBRWork></identification></meta><header><p class="parties">
<party>FOURWAY LTD</party><eol/><b>and</b> <party>SA AGENCY</party></p></header><judgmentBody><background><blockList><item>
<num>[1]</num><p>The issues:</p><blockList><item><num>(a)</num><p>Whether.</p></item></blockList></item></blockList></background>
<decision><paragraph><num>2.</num><content><p>{ALPHA}</p></content></paragraph></decision></judgmentBody></judgment></akomaNtoso>"""
    assert shown(only(akoma_ntoso.read(judgment.encode()))) == [
        h(1, "Fourway v Agency"),
        p("FOURWAY LTD and SA AGENCY"),
        p("[1] The issues:"),
        p("(a) Whether."),
        p(f"2. {ALPHA}"),
    ]


MEDQUAD = """<?xml version="1.0" encoding="UTF-8"?><Document id="0000001" source="NHLBI" url="http://www.nhlbi.nih.gov/aat">
<Focus>Anemia</Focus><FocusAnnotations><UMLS><CUIs><CUI>C0002871</CUI></CUIs></UMLS><Synonyms><Synonym>Low iron</Synonym></Synonyms>
</FocusAnnotations><QAPairs><QAPair pid="1"><Question qid="1" qtype="information">What is Anemia ?</Question><Answer>It is a condition.

Overview

Key Points
 - Blood is red. - Iron helps.
A line that goes
on here.</Answer></QAPair></QAPairs></Document>"""


def test_medquad() -> None:
    reading = only(medquad.read(MEDQUAD.encode()))
    assert reading.title == "Anemia"
    assert shown(reading) == [
        h(1, "Anemia"),
        p("Also called: Low iron"),
        h(2, "What is Anemia ?"),
        p("It is a condition."),
        p("Overview"),
        p("Key Points"),
        i("Blood is red."),
        i("Iron helps."),
        p("A line that goes on here."),
    ]
    assert reading.metadata == {
        "identifier": "0000001",
        "url": "http://www.nhlbi.nih.gov/aat",
        "publisher": "NHLBI",
        "concepts": "C0002871",
        "type": "questions and answers",
    }


DC_LAW = """<?xml version='1.0' encoding='utf-8'?><section xmlns="https://code.dccouncil.us/schemas/dc-library" containing-doc="D.C. Code">
<num>22-404.01</num><heading>Aggravated assault.</heading><para><num>(a)</num><para><num>(1)</num><text>A person, under
<cite path="x">§ 22-1</cite>:</text><para><num>(A)</num><text>by any means.</text></para><aftertext>shall pay.</aftertext></para></para>
<annotations><annotation type="History">1901.</annotation><annotation type="History">1994.</annotation>
<annotation type="Editor's Notes">See act.</annotation></annotations></section>"""


def test_dc_law() -> None:
    reading = only(dc_law.read(DC_LAW.encode()))
    assert reading.title == "§ 22-404.01. Aggravated assault."
    assert shown(reading) == [
        h(1, "§ 22-404.01. Aggravated assault."),
        p("(a)(1) A person, under § 22-1:"),
        p("(A) by any means."),
        p("shall pay."),
        h(2, "History"),
        p("1901."),
        p("1994."),
        h(2, "Editor's Notes"),
        p("See act."),
    ]
    assert reading.metadata == {
        "identifier": "D.C. Code § 22-404.01",
        "jurisdiction": "District of Columbia",
        "type": "statute",
    }


CCDA = """<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><id root="2.16" extension="T1"/>
<code code="1" displayName="Progress note"/><title>Progress Note</title><effectiveTime value="20050329171504+0500"/><recordTarget>
<patientRole><addr><streetAddressLine>17 Daws Rd.</streetAddressLine><city>Blue Bell</city></addr><patient><name><given>Adam</given>
<family>Everyman</family></name></patient></patientRole></recordTarget><author><assignedAuthor><name>Henry Seven</name></assignedAuthor>
</author><component><structuredBody><component><section><title>MEDICATIONS</title><text><paragraph>Take <content>daily</content>.</paragraph>
<table><thead><tr><th>Drug</th><th>Dose</th></tr></thead><tbody><tr><td>Atenolol</td><td>25 mg</td></tr></tbody></table>
<list><item>One</item><item><content>Two</content> <content>parts</content></item></list></text>
<entry><act><name>Coded</name></act></entry></section></component></structuredBody></component></ClinicalDocument>"""


def test_clinical_document() -> None:
    reading = only(generic_xml.read(CCDA.encode()))
    assert reading.title == "Progress Note"
    assert shown(reading) == [
        h(1, "Progress Note"),
        i("17 Daws Rd., Blue Bell, Adam Everyman"),
        i("Henry Seven"),
        h(2, "MEDICATIONS"),
        p("Take daily."),
        i("Drug | Dose"),
        i("Atenolol | 25 mg"),
        i("One"),
        i("Two parts"),
    ]
    assert reading.metadata == {"identifier": "2.16 T1", "date": "2005-03-29", "author": "Henry Seven", "type": "Progress note"}


OTHER = """<bill><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>S. 1</dc:title><dc:date>2023-01-01</dc:date></metadata>
<legis-body><section><enum>1.</enum><header>Short title</header><text>This is the <quote>Act</quote> of 2023.</text>
<subsection><enum>(a)</enum><text>First.</text></subsection></section><section><enum>2.</enum><header>Money</header>
<fee><name>A</name><amount>5</amount></fee> Loose words.</section></legis-body></bill>"""


def test_any_other_xml_loses_nothing() -> None:
    reading = only(generic_xml.read(OTHER.encode()))
    assert reading.title == "S. 1"
    assert shown(reading) == [
        h(1, "S. 1"),
        p("2023-01-01"),
        h(1, "1. Short title"),
        p("This is the Act of 2023."),
        p("(a) First."),
        h(1, "2. Money"),
        p("A 5 Loose words."),
    ]
    assert reading.metadata == {"date": "2023-01-01"}


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (JATS, "application/jats+xml"),
        ("<pmc-articleset><article>", "application/jats+xml"),
        (PUBMED, "application/pubmed+xml"),
        (USLM1, "application/uslm+xml"),
        (USLM2, "application/uslm+xml"),
        (ECFR, "application/ecfr+xml"),
        ('<DIV8 N="§ 1.1" TYPE="SECTION"><HEAD>', "application/ecfr+xml"),
        (AKN, "application/akn+xml"),
        ('<akn:akomaNtoso xmlns:akn="http://docs.oasis-open.org/legaldocml/ns/akn/3.0">', "application/akn+xml"),
        (MEDQUAD, "application/medquad+xml"),
        (DC_LAW, "application/dc-law+xml"),
        (CCDA, "application/ccda+xml"),
        (OTHER, "application/xml"),
        ('<article xmlns="http://docbook.org/ns/docbook">', "application/xml"),
        ('<?xml version="1.0"?><!-- ' + "long " * 2000, "application/xml"),
        ('<?xml version="1.0"?><!DOCTYPE a [<!ELEMENT a ANY>]><a/>', "application/xml"),
        ('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body/></html>', None),
        ('<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x"><html>', None),
        ("<!DOCTYPE html><html>", None),
        ('<div align="center">\n<img src="x"/>', None),
        ("<article>\n<h1>A page</h1>", None),
        ("<john@example.org> wrote", None),
        ("<Hello> world", None),
        ("<?php echo 1;", None),
        ("# Markdown", None),
        ("", None),
    ],
)
def test_kind(head: str, kind: str | None) -> None:
    assert kind_of(head.encode()[:8192]) == kind
    assert kind_of(codecs.BOM_UTF8 + b"\n" + head.encode()[:8000]) == kind
    if head:
        assert kind_of(head[:4000].encode("utf-16")) == kind


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings(encoding: str) -> None:
    text = '\n<?xml version="1.0" encoding="UTF-8"?><a>§ 5 of the “Act” as amended: a café in plain words</a>'
    data = text.lstrip().encode(encoding)
    assert "".join(parse(data).itertext()) == "§ 5 of the “Act” as amended: a café in plain words"


def test_named_characters_never_vanish() -> None:
    data = b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/none.dtd"><a b="&eacute;">&sect;&nbsp;5 &unknown; &amp; &#167;<![CDATA[&sect;]]></a>'
    root = parse(data)
    assert "".join(root.itertext()) == "§\xa05 &unknown; & §&sect;"
    assert root.get("b") == "é"
    assert "".join(parse(b"<a>&sect;&hellip;</a>").itertext()) == "§…"


LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 12))
HOSTILE: dict[str, tuple[bytes, str]] = {
    "local file": (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "entities of its own"),
    "billion laughs": (b'<!DOCTYPE a [<!ENTITY l0 "lol">' + LAUGHS + b']><a b="&l11;">&l11;</a>', "entities of its own"),
    "laughs in disguise": (
        b'<!DOCTYPE a [<!ENTITY l0 "lol">' + LAUGHS.replace(b"&", b"&#38;") + b"]><a>&l11;</a>",
        "entities",
    ),
    "parameter entity": (b'<!DOCTYPE a [<!ENTITY % e SYSTEM "http://127.0.0.1:9/e.dtd"> %e;]><a/>', "entities of its own"),
    "nested without end": (b"<r>" + b"<a>" * 1_000_000, "nested deeper than 100 levels"),
    "nested": (b"<a>" * (MAX_DEPTH + 1) + b"x" + b"</a>" * (MAX_DEPTH + 1), "nested deeper than 100 levels"),
    "cut off": (b'<?xml version="1.0"?><article><body><p>Hello', "ends in the middle, at line 1"),
    "not closed": (b"<a>\n<b></a>", "not well-formed XML at line 2"),
    "unknown encoding": (b'<?xml version="1.0" encoding="klingon"?><a/>', "Unsupported encoding"),
    "comments without end": (b"<a>&sect;" + b"<!--" * 1_000_000, "not well-formed"),
    "one huge text": (b"<a>" + b"word " * 2_100_000 + b"</a>", "split the file"),
    "half of UTF-16": ("<a>x</a>".encode("utf-16")[:-1], "save it as UTF-8"),
    "nothing": (b'<?xml version="1.0"?>', "not well-formed"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_fast(case: str) -> None:
    data, reason = HOSTILE[case]
    started = time.perf_counter()
    for read in (generic_xml.read, jats.read, uslm.read):
        with pytest.raises(UnreadableDocument, match=re.escape(reason)) as caught:
            read(data)
        assert "root:" not in str(caught.value)
    assert time.perf_counter() - started < 6


def test_nothing_outside_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("PRIVATE")
    dtd = tmp_path / "a.dtd"
    dtd.write_text('<!ENTITY sect "PRIVATE"><!ATTLIST a leak CDATA "PRIVATE">')
    for data in (
        f'<!DOCTYPE a SYSTEM "{dtd.as_uri()}"><a>&sect;</a>',
        f'<!DOCTYPE a SYSTEM "{secret.as_uri()}"><a>x</a>',
        f'<a xmlns:xi="http://www.w3.org/2001/XInclude">x<xi:include href="{secret.as_uri()}" parse="text"/></a>',
        f'<?xml-stylesheet href="{secret.as_uri()}"?><a>x</a>',
    ):
        root = parse(data.encode())
        assert "PRIVATE" not in "".join(root.itertext()) + str(dict(root.attrib))


@pytest.mark.parametrize(
    "read", [akoma_ntoso.read, dc_law.read, ecfr.read, generic_xml.read, jats.read, medquad.read, pubmed.read, uslm.read]
)
@pytest.mark.parametrize("sample", [JATS, PUBMED, USLM1, USLM2, ECFR, AKN, MEDQUAD, DC_LAW, CCDA, OTHER, "<a/>", "<a>x</a>"])
def test_no_reader_fails_on_another_vocabulary(read: Callable[[bytes], list[Reading]], sample: str) -> None:
    for reading in read(sample.encode()):
        assert all(block.text for block in reading.blocks)


def test_deep_documents_stay_within_the_stack() -> None:
    inner = b"<sec><title>t</title>" * 90 + b"<p>deep</p>" + b"</sec>" * 90
    assert "deep" in [block.text for block in only(jats.read(b"<article><body>" + inner + b"</body></article>")).blocks]
    laws = b"<main>" + b"<section><num>1</num>" * 48 + b"<paragraph><content>" * 24 + b"deep" + b"</content></paragraph>" * 24
    law = b'<bill xmlns="http://schemas.gpo.gov/xml/uslm">' + laws + b"</section>" * 48 + b"</main></bill>"
    assert any("deep" in block.text for block in only(uslm.read(law)).blocks)
    variant = b"<r>" + b"<x>" * 98 + b"deep" + b"</x>" * 98 + b"</r>"
    assert [block.text for block in only(generic_xml.read(variant)).blocks] == ["deep"]


@pytest.mark.parametrize(
    ("date", "iso"),
    [
        (("2012", "8", "3"), "2012-08-03"),
        (("2012", "Aug", ""), "2012-08"),
        (("2012", "Winter"), "2012"),
        (("2012", "13", "1"), "2012"),
        (("2012", "2", "99"), "2012-02"),
        (("", "2", "1"), ""),
    ],
)
def test_dates(date: tuple[str, ...], iso: str) -> None:
    assert iso_date(*date) == iso


# What of each vocabulary is a statement about the document, or a mark of the printer, and no text of it.
WITHOUT: dict[str, tuple[Any, set[str]]] = {
    "xml_jats": (
        jats,
        {"journal-meta", "article-id", "article-categories", "contrib-group", "aff", "corresp", "pub-date", "history"}
        | {"volume", "issue", "elocation-id", "permissions", "related-article", "counts", "alt-title", "object-id", "self-uri"},
    ),
    "xml_uslm": (uslm, {"meta", "page", "slugLine", "distributionCode", "endMarker"}),
    "xml_dclaw": (dc_law, set()),
    "xml_medquad": (medquad, {"CUIs", "SemanticTypes", "SemanticGroup"}),
    "xml_ccda": (generic_xml, {"entry"}),
}
KINDS = {"xml_dclaw": "application/dc-law+xml"} | {
    name: f"application/{name[4:]}+xml" for name in WITHOUT if name != "xml_dclaw"
}


def texts(element: Any, without: set[str]) -> Iterator[str]:
    if local(element) not in without:
        yield element.text or ""
        for part in element:
            yield from texts(part, without)
            yield part.tail or ""


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"[^\W\d_]+|\d+", text.replace("\u00ad", "")))


@pytest.mark.parametrize("folder", WITHOUT)
def test_real_files_are_read_whole(folder: str) -> None:
    files = sorted((REAL / folder).glob("*")) if (REAL / folder).is_dir() else []
    if not files:
        pytest.skip(f"no real files in {REAL / folder}")
    reader, without = WITHOUT[folder]
    for path in files:
        data = path.read_bytes()
        assert kind_of(data[:8192]) == KINDS[folder], path.name
        reading = only(reader.read(data))
        assert reading.title, path.name
        assert reading.blocks[0] == Block("heading", reading.title, 1), path.name
        assert all(block.text.strip() and "\n" not in block.text for block in reading.blocks), path.name
        expected = words(" ".join(texts(parse(data), without)))
        missing = expected - words(" ".join(block.text for block in reading.blocks))
        share = 1 - missing.total() / expected.total()
        assert share >= 0.97, f"{path.name}: {share:.3f} of the words; missing {missing.most_common(20)}"
