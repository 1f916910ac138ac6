"""Word documents with what contracts and reports have in them: notes, revisions, list numbers, frames, forms, odd packages."""

from __future__ import annotations

import io
import zipfile

import docx as python_docx
import pytest

from corpora.errors import UnreadableDocument
from corpora.readers import read_bytes
from corpora.readers.docx import reader as docx
from corpora.readers.docx.numbering import shown
from corpora.records import Block
from corpora.text.sentences import sentence_spans

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_OPEN = (
    f'xmlns:w="{W}" xmlns:r="{R}" xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
)


def word(body: str, main: str = "word/document.xml", **parts: str) -> bytes:
    """A Word package: the body's XML, and other parts by their kind ("footnotes", "numbering", "header")."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("_rels/.rels", relations(officeDocument=main))
        package.writestr(main, f"<w:document {_OPEN}><w:body>{body}</w:body></w:document>")
        package.writestr(f"word/_rels/{main.rpartition('/')[2]}.rels", relations(**{kind: f"{kind}.xml" for kind in parts}))
        root = {"header": "hdr", "footer": "ftr"}
        for kind, inner in parts.items():
            name = root.get(kind, kind)
            package.writestr(f"word/{kind}.xml", f"<w:{name} {_OPEN}>{inner}</w:{name}>")
    return buffer.getvalue()


def relations(**targets: str) -> str:
    inner = "".join(f'<Relationship Id="{kind}" Type="{R}/{kind}" Target="{target}"/>' for kind, target in targets.items())
    return f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{inner}</Relationships>'


def p(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{r(text)}</w:p>"


def r(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def listed(text: str, level: int = 0, number: str = "1") -> str:
    return p(text, f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>')


def blocks(data: bytes) -> list[Block]:
    (reading,) = read_bytes(data, "a.docx").readings
    return list(reading.blocks)


def texts(data: bytes) -> list[str]:
    return [block.text for block in blocks(data)]


SUPERSCRIPT, SUBSCRIPT = "<w:vertAlign w:val='superscript'/>", "<w:vertAlign w:val='subscript'/>"
SYMBOL = "<w:rFonts w:ascii='Symbol'/>"
NOTES = (
    '<w:footnote w:id="-1" w:type="separator"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>'
    '<w:footnote w:id="1"><w:p><w:r><w:footnoteRef/></w:r><w:r><w:t xml:space="preserve"> See clause 4.</w:t></w:r></w:p>'
    "<w:p><w:r><w:t>And its schedule.</w:t></w:r></w:p></w:footnote>"
    '<w:footnote w:id="2"><w:p><w:r><w:t>On the whole part.</w:t></w:r></w:p></w:footnote>'
)


def test_notes_stand_at_their_place_and_comments_nowhere() -> None:
    body = (
        '<w:p><w:commentRangeStart w:id="0"/><w:r><w:t>The rent</w:t></w:r><w:r><w:footnoteReference w:id="1"/></w:r>'
        '<w:commentRangeEnd w:id="0"/><w:r><w:commentReference w:id="0"/></w:r><w:r><w:t xml:space="preserve"> is due</w:t></w:r>'
        '<w:r><w:endnoteReference w:id="1"/></w:r><w:r><w:t>.</w:t></w:r></w:p>'
    )
    endnotes = '<w:endnote w:id="1"><w:p><w:r><w:t>In advance.</w:t></w:r></w:p></w:endnote>'
    comments = '<w:comment w:id="0"><w:p><w:r><w:t>Too high?</w:t></w:r></w:p></w:comment>'
    data = word(body, footnotes=NOTES, endnotes=endnotes, comments=comments)
    assert texts(data) == ["The rent [note: See clause 4. And its schedule.] is due [note: In advance.]."]


def test_a_note_to_a_heading_ends_the_text_below_it() -> None:
    styles = '<w:style w:type="paragraph" w:styleId="H"><w:name w:val="heading 1"/></w:style>'
    heading = '<w:p><w:pPr><w:pStyle w:val="H"/></w:pPr><w:r><w:t>Part One</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r></w:p>'
    assert blocks(word(heading + p("The text."), footnotes=NOTES, styles=styles)) == [
        Block("heading", "Part One", 1),
        Block("paragraph", "The text. [note: On the whole part.]"),
    ]


def test_revisions_are_read_as_accepted() -> None:
    body = (
        f"<w:p>{r('The term is ')}<w:del w:id='1'><w:r><w:delText>two</w:delText></w:r></w:del><w:ins w:id='2'>{r('three')}</w:ins>"
        f"{r(' years.')}</w:p>"
        f"<w:p><w:moveFrom w:id='3'>{r('Moved away.')}</w:moveFrom></w:p><w:p><w:moveTo w:id='4'>{r('Moved here.')}</w:moveTo></w:p>"
        # The end of this paragraph was deleted: it goes on in the next.
        f"<w:p><w:pPr><w:rPr><w:del w:id='5'/></w:rPr></w:pPr>{r('One ')}</w:p><w:p>{r('sentence.')}</w:p>"
        f"<w:tbl><w:tr><w:trPr><w:del w:id='6'/></w:trPr><w:tc>{p('gone')}</w:tc><w:tc>{p('row')}</w:tc></w:tr>"
        f"<w:tr><w:tc>{p('Fee')}</w:tc><w:tc>{p('£9')}</w:tc></w:tr></w:tbl>"
    )
    assert texts(word(body)) == ["The term is three years.", "Moved here.", "One sentence.", "Fee | £9"]


LEVELS = (
    '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="%1."/></w:lvl>'
    '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:isLgl/><w:lvlText w:val="%1.%2"/></w:lvl>'
    '<w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%3)"/></w:lvl>'
    '<w:lvl w:ilvl="3"><w:start w:val="1"/><w:numFmt w:val="bullet"/><w:lvlText w:val="\uf0b7"/></w:lvl>'
)
NUMBERING = (
    f'<w:abstractNum w:abstractNumId="7">{LEVELS}</w:abstractNum>'
    '<w:abstractNum w:abstractNumId="8"><w:numStyleLink w:val="Clauses"/></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
    '<w:num w:numId="2"><w:abstractNumId w:val="7"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>'
    '<w:num w:numId="3"><w:abstractNumId w:val="8"/></w:num>'
)


def test_lists_carry_the_numbers_that_word_prints() -> None:
    body = "".join(
        (
            listed("Term"),
            listed("Length", 1),
            listed("one year,", 2),
            listed("or two.", 2),
            listed("a bullet", 3),
            listed("End", 1),
            listed("on notice.", 2),
            p("Between them."),
            listed("Rent"),
            listed("Amount", 1),
            p("No number.", '<w:numPr><w:numId w:val="0"/></w:numPr>'),
            listed("Schedule", 0, "2"),
            listed("Next", 0, "2"),
        )
    )
    assert [(b.kind, b.text) for b in blocks(word(body, numbering=NUMBERING))] == [
        ("item", "I. Term"),
        ("item", "1.1 Length"),
        ("item", "(a) one year,"),
        ("item", "(b) or two."),
        ("item", "a bullet"),
        ("item", "1.2 End"),
        ("item", "(a) on notice."),
        ("paragraph", "Between them."),
        ("item", "II. Rent"),
        ("item", "2.1 Amount"),
        ("paragraph", "No number."),
        ("item", "I. Schedule"),
        ("item", "II. Next"),
    ]


def test_numbers_come_by_style_too_and_make_section_paths() -> None:
    styles = (
        '<w:style w:type="paragraph" w:default="1" w:styleId="N"><w:name w:val="Normal"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/><w:basedOn w:val="N"/>'
        '<w:pPr><w:numPr><w:numId w:val="3"/></w:numPr><w:outlineLvl w:val="0"/></w:pPr></w:style>'
        '<w:style w:type="paragraph" w:styleId="H2"><w:name w:val="Ueberschrift"/><w:basedOn w:val="H1"/>'
        '<w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>'
        '<w:style w:type="numbering" w:styleId="Clauses"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
    )
    numbering = NUMBERING.replace(
        '<w:start w:val="1"/><w:numFmt w:val="decimal"/>', '<w:pStyle w:val="H2"/><w:numFmt w:val="decimal"/>'
    )
    clause = "The supplier shall deliver the goods to the buyer on the day that the order names, in whole and free of charge."
    body = (
        p("Delivery", '<w:pStyle w:val="H1"/>')
        + p("Time", '<w:pStyle w:val="H2"/>')
        + p("Text.")
        + p(clause, '<w:pStyle w:val="H2"/>')
    )
    assert blocks(word(body, numbering=numbering, styles=styles)) == [
        Block("heading", "I. Delivery", 1),
        Block("heading", "1.0 Time", 2),
        Block("paragraph", "Text."),
        Block("item", f"1.1 {clause}"),  # a clause in the style of a heading is text
    ]


def test_forms_of_numbers() -> None:
    assert [shown(27, "lowerLetter"), shown(2, "upperLetter"), shown(1994, "upperRoman"), shown(4, "lowerRoman")] == [
        "aa",
        "B",
        "MCMXCIV",
        "iv",
    ]
    assert [shown(n, "ordinal") for n in (1, 2, 3, 11, 112, 22)] == ["1st", "2nd", "3rd", "11th", "112th", "22nd"]
    assert [shown(7, "decimalZero"), shown(3, "ordinalText"), shown(5, "none"), shown(5, "chicago")] == ["07", "Third", "", "5"]


def test_short_bold_lines_are_headings_where_no_style_says_so() -> None:
    bold = f"<w:p>{r('Schedule 1: ', '<w:b/>')}{r('Details', '<w:b/>')}</w:p>"
    half = f"<w:p>{r('Definitions.', '<w:b/>')}{r(' A term has its meaning.')}</w:p>"
    assert [(b.kind, b.level) for b in blocks(word(bold + p("Text.") + half))] == [
        ("heading", 2),
        ("paragraph", 0),
        ("paragraph", 0),
    ]
    styles = '<w:style w:type="paragraph" w:styleId="H"><w:name w:val="heading 2"/></w:style>'
    styled = p("Part", '<w:pStyle w:val="H"/>')
    assert [b.kind for b in blocks(word(styled + bold + p("Text."), styles=styles))] == ["heading", "paragraph", "paragraph"]


def test_controls_links_fields_and_signs() -> None:
    body = (
        f"<w:sdt><w:sdtPr><w:alias w:val='Name'/></w:sdtPr><w:sdtContent>{p('In a control.')}</w:sdtContent></w:sdt>"
        f"<w:p>{r('See ')}<w:hyperlink r:id='x'>{r('the act')}</w:hyperlink>{r(', page ')}"
        "<w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText> PAGEREF x </w:instrText></w:r>"
        f"<w:r><w:fldChar w:fldCharType='separate'/></w:r>{r('7')}<w:r><w:fldChar w:fldCharType='end'/></w:r>{r('.')}</w:p>"
        f"<w:p><w:r><w:sym w:font='Symbol' w:char='F0B3'/></w:r>{r(' 5 ')}{r('&#xF06D;', SYMBOL)}"
        f"{r('g, 10')}{r('-', SUPERSCRIPT)}{r('5', SUPERSCRIPT)}"
        f"{r(' mol, CO')}{r('2', SUBSCRIPT)}</w:p>"
        "<w:p><w:r><w:t>treat</w:t><w:softHyphen/><w:t>ment, co</w:t><w:noBreakHyphen/><w:t>owner</w:t><w:tab/><w:t>end</w:t>"
        "<w:br/><w:t>line</w:t></w:r></w:p>"
        f"<w:p>{r('Seen')}{r('hidden order', '<w:vanish/>')}{r(' only.')}</w:p>"
        "<w:p><w:r><w:fldChar w:fldCharType='begin'><w:ffData><w:checkBox><w:default w:val='0'/><w:checked/></w:checkBox></w:ffData>"
        "</w:fldChar></w:r><w:r><w:instrText>FORMCHECKBOX</w:instrText></w:r><w:r><w:fldChar w:fldCharType='end'/></w:r>"
        f"{r(' Agreed')}</w:p>"
        "<w:p><m:oMath><m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup><m:r><m:t>=</m:t></m:r>"
        "<m:f><m:num><m:r><m:t>a+b</m:t></m:r></m:num><m:den><m:r><m:t>c</m:t></m:r></m:den></m:f></m:oMath></w:p>"
    )
    assert texts(word(body)) == [
        "In a control.",
        "See the act, page 7.",
        "≥ 5 μg, 10^-5 mol, CO2",
        "treatment, co-owner end line",
        "Seen only.",
        "☒ Agreed",
        "x^2=(a+b)/c",
    ]


def test_text_boxes_once_and_after_their_paragraph() -> None:
    inside = f"<w:txbxContent>{p('In the box.')}</w:txbxContent>"
    body = (
        f"<w:p>{r('Anchor.')}<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:txbx>{inside}</wps:txbx></w:drawing>"
        f"</mc:Choice><mc:Fallback><w:pict><v:textbox>{inside}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    assert texts(word(body + p("After."))) == ["Anchor.", "In the box.", "After."]


def test_tables_merged_nested_and_as_frames() -> None:
    document = python_docx.Document()
    document.add_paragraph("Before.")
    table = document.add_table(3, 3)
    for row, cells in enumerate((("Dose", "Day", "Note"), ("5 mg", "1", "with food"), ("", "2", "fasting"))):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    table.cell(0, 1).merge(table.cell(0, 2))
    inner = table.cell(2, 2).add_table(1, 2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "inner", "cell"
    frame = document.add_table(1, 1).cell(0, 0)
    frame.text = "A paragraph in a frame."
    frame.add_paragraph("And one more.")
    document.sections[0].header.paragraphs[0].text = "Privileged"
    document.sections[0].footer.paragraphs[0].text = "Page 1"
    saved = io.BytesIO()
    document.save(saved)
    assert [(b.kind, b.text) for b in blocks(saved.getvalue())] == [
        ("paragraph", "Before."),
        ("item", "Dose | Day Note"),
        ("item", "5 mg | 1 | with food"),
        ("item", "2 | fasting inner, cell"),
        ("paragraph", "A paragraph in a frame."),
        ("paragraph", "And one more."),
    ]
    (raw,) = docx.read(saved.getvalue())
    assert [b.text for b in raw.blocks if b.kind == "running"] == ["Privileged", "Page 1"]
    assert raw.blocks[0].kind == raw.blocks[-1].kind == "running"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"wordprocessingml.document.main+xml", b"wordprocessingml.template.main+xml"),
        (
            b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main",
            b"application/vnd.ms-word.macro.main",
        ),
        (
            b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
            b"http://purl.oclc.org/ooxml/officeDocument/relationships",
        ),
        (W.encode(), b"http://purl.oclc.org/ooxml/wordprocessingml/main"),
    ],
)
def test_packages_that_python_docx_refuses_or_misreads(old: bytes, new: bytes) -> None:
    document = python_docx.Document()
    document.add_heading("Term", 2)
    document.add_paragraph("One year.")
    plain, changed = io.BytesIO(), io.BytesIO()
    document.save(plain)
    with zipfile.ZipFile(plain) as package, zipfile.ZipFile(changed, "w") as rewritten:
        for name in package.namelist():
            rewritten.writestr(name, package.read(name).replace(old, new))
    assert blocks(changed.getvalue()) == [Block("heading", "Term", 2), Block("paragraph", "One year.")]
    with pytest.raises((ValueError, KeyError, AttributeError)):
        list(python_docx.Document(changed).paragraphs)


def test_the_main_part_may_have_another_name() -> None:
    assert texts(word(p("Under another name."), main="word/document2.xml")) == ["Under another name."]


def test_damage_and_hostility_are_reasons() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("word/document.xml", '<!DOCTYPE d [<!ENTITY a "b">]><d>&a;</d>')
    with pytest.raises(UnreadableDocument, match=r"word/document\.xml in the Word file: the XML declares entities"):
        docx.read(buffer.getvalue())
    styles = (
        '<w:style w:type="paragraph" w:styleId="A"><w:name w:val="A"/><w:basedOn w:val="B"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="B"><w:name w:val="B"/><w:basedOn w:val="A"/></w:style>'
    )
    assert texts(word(p("A circle of styles.", '<w:pStyle w:val="A"/>'), styles=styles)) == ["A circle of styles."]


def test_a_list_number_is_no_sentence() -> None:
    text = "1. The tenant pays. 2. He leaves."
    assert [text[a:b] for a, b in sentence_spans(text)] == ["1. The tenant pays.", "2. He leaves."]
    assert [len(sentence_spans(t)) for t in ("(iv). The rent.", "3.2. The rent.", "A. The rent.", "He is 42. The rent.")] == [
        1,
        1,
        1,
        2,
    ]
