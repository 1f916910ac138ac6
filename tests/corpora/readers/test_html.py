"""What of a page is its text: content and what lies around it, lists and tables, what is typed in, pressed, raised and hidden."""

from __future__ import annotations

import pytest

from corpora.readers import ReadOptions, read_bytes
from corpora.readers.html import reader as html
from corpora.records import Block


def blocks(body: str) -> list[Block]:
    (reading,) = html.read(f"<!doctype html><html><body>{body}</body></html>".encode())
    return list(reading.blocks)


def kept(body: str) -> list[str]:
    return [block.text for block in blocks(body) if block.kind != "boilerplate"]


def around(body: str) -> list[str]:
    return [block.text for block in blocks(body) if block.kind == "boilerplate"]


ARTICLE = "<p>The tenant pays the rent on the first of the month.</p>"


def test_notes_and_headers_inside_the_main_part_are_content() -> None:
    page = (
        "<header><h1>Law Library</h1><nav>Home</nav></header><main><article><header><h2>§ 5. Rent.</h2></header>"
        f"{ARTICLE}<aside role='note'><h3>Effect of Amendments</h3><p>The 2012 amendment rewrote (a).</p></aside>"
        "<aside>See also the notes.</aside><aside><a href='/x'>More on rent</a></aside>"
        "<footer><p>Enacted 1999.</p></footer></article></main><footer>Imprint</footer>"
    )
    assert kept(page) == [
        "§ 5. Rent.",
        "The tenant pays the rent on the first of the month.",
        "Effect of Amendments",
        "The 2012 amendment rewrote (a).",
        "See also the notes.",
        "Enacted 1999.",
    ]
    assert around(page) == ["Law Library", "Home", "More on rent", "Imprint"]


def test_all_articles_are_content_and_what_is_inside_none_is_not() -> None:
    page = f"<div>Site</div><article>{ARTICLE}</article><article><p>The landlord repairs.</p><article><p>A comment.</p></article></article>"
    assert kept(page) == ["The tenant pays the rent on the first of the month.", "The landlord repairs.", "A comment."]
    assert around(page) == ["Site"]


def test_a_main_part_that_holds_less_than_the_rest_is_not_believed() -> None:
    page = f"<nav>Home Rent Repairs Notices Deposits Courts Fees</nav><main><p>Welcome.</p></main><div>{ARTICLE}</div>"
    assert kept(page) == ["Welcome.", "The tenant pays the rent on the first of the month."]
    assert around(page) == ["Home Rent Repairs Notices Deposits Courts Fees"]


def test_a_page_in_one_form_is_read_and_a_search_box_is_not() -> None:
    page = f"<form action='?'><form>{ARTICLE * 6}</form></form>"
    assert len(kept(page)) == 6
    box = f"{ARTICLE}<form role='search'><label>Search</label><input value='rent'></form><form><label>Name</label></form>"
    assert around(box) == ["Search rent", "Name"]


def test_a_header_that_is_the_title_of_a_document_is_content() -> None:
    assert kept(f"<header><h1>A lease</h1><p>Version of 2024</p></header>{ARTICLE}")[:2] == ["A lease", "Version of 2024"]
    assert around(f"<header><a href='/'>Firm</a></header>{ARTICLE}") == ["Firm"]
    assert around(f"<header><h1>Firm</h1><ul><li><a href='/a'>Areas</a></ul></header>{ARTICLE}") == ["Firm", "Areas"]


def test_hidden_text_is_marked_and_can_be_kept() -> None:
    body = "<p>Seen <span style='display: none'>not</span>here.</p><div hidden>Secret.</div><details><summary>More</summary>Closed.</details>"
    assert kept(body) == ["Seen here.", "More", "Closed."]
    assert "Secret." in around(body)
    page = f"<!doctype html><html><body>{body}</body></html>".encode()
    (reading,) = read_bytes(page, "a.html", ReadOptions(("boilerplate",))).readings
    assert "Secret." in [block.text for block in reading.blocks]


def test_lists_show_their_numbers() -> None:
    page = (
        "<ol><li>One<ol type='a'><li>Inner</li><li><p>Second</p><p>More</p></li></ol></li><li></li><li><h3>Head</h3></li>"
        "<li value='9'>Nine</li><li>10. Ten</li></ol><ol start='4' type='I'><li>Four</li></ol><ul><li>Bullet</li></ul>"
        "<ol reversed><li>b</li><li>a</li></ol><ol style='list-style: none'><li>bare</li></ol>Loose<ul>text in a list</ul>"
    )
    assert kept(page) == [
        "1. One",
        "a. Inner",
        "b. Second",
        "More",
        "3. Head",
        "9. Nine",
        "10. Ten",
        "IV. Four",
        "Bullet",
        "2. b",
        "1. a",
        "bare",
        "Loose",
        "text in a list",
    ]
    kinds = {block.text: block.kind for block in blocks(page)}
    assert (kinds["b. Second"], kinds["More"], kinds["3. Head"]) == ("item", "paragraph", "heading")


def test_cells_of_data_make_a_row_and_those_of_a_layout_do_not() -> None:
    data = "<table><tr><th>Drug<td><p>10 mg</p><p>daily</p></tr></table>"
    assert kept(data) == ["Drug | 10 mg daily"]
    layout = f"<table><tr><td><h2>Left</h2>{ARTICLE}<td><table><tr><td>a<td>b</table></table>"
    assert kept(layout) == ["Left", "The tenant pays the rent on the first of the month.", "a | b"]
    long = f"<table><tr><td>{ARTICLE * 12}<td>x</table>"
    assert kept(long)[0] == "The tenant pays the rent on the first of the month." and len(kept(long)) == 13


def test_blocks_inside_of_inline_elements_stay_apart() -> None:
    assert kept("<span><div>One</div><div>Two</div></span><font><p>Three</p>four</font>") == ["One", "Two", "Three", "four"]
    assert kept("<dl><dt>Lease<dd>A contract.</dl><custom-box><p>Five</p></custom-box>") == ["Lease", "A contract.", "Five"]


def test_what_is_pressed_typed_and_chosen() -> None:
    assert kept("<h3><button>What is a deposit?</button></h3><p>Press <button>Save</button> to store.</p>") == [
        "What is a deposit?",
        "Press Save to store.",
    ]
    assert around(f"{ARTICLE}<button>Print</button><ul><li><button>Share</button></li></ul>") == ["Print", "Share"]
    form = "<p>Name: <input value='Jane Doe'> <input type='submit' value='Send'><select><option>No<option selected>Yes</select></p>"
    assert kept(form) == ["Name: Jane Doe Yes"]


def test_raised_marks_and_exponents() -> None:
    text = (
        "It ended.<sup><a href='#1'>1</a></sup> 10<sup>5</sup> cells per m<sup>2</sup>, the 3<sup>rd</sup>; "
        "H<sub>2</sub>O<a href='#2'><sup>*</sup></a>"
    )
    assert kept(f"<p>{text}</p>") == ["It ended.[1] 10^5 cells per m2, the 3rd; H2O[*]"]
    formula = "<math><semantics><msup><mi>x</mi><mn>2</mn></msup><annotation encoding='tex'>x^2</annotation></semantics></math>"
    assert kept(f"<p>So {formula} grows.</p>") == ["So x^2 grows."]


def test_nothing_that_is_not_shown_is_text() -> None:
    page = (
        f"{ARTICLE}<script>a()</script><noscript>Turn it on</noscript><template>T</template><iframe>old</iframe><video>no video</video>"
        "<svg><title>Icon</title><text>Label</text></svg><p><img src='x' alt='A court'><a href='https://example.org/very/long'>here</a></p>"
    )
    assert kept(page) == ["The tenant pays the rent on the first of the month.", "Label", "here"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_encodings(encoding: str) -> None:
    meta = "<meta charset='windows-1252'>" if encoding == "cp1252" else ""
    page = f"<html><head>{meta}<title>Kündigung</title></head><body><p>Die “Frist” – drei Monate.</p></body></html>"
    (reading,) = read_bytes(page.encode(encoding), "a.html").readings
    assert (reading.media_type, reading.title) == ("text/html", "Kündigung")
    assert [block.text for block in reading.blocks] == ["Die “Frist” – drei Monate."]


def test_the_title_is_the_heading_of_the_main_part() -> None:
    (reading,) = html.read(
        f"<html><body><header><h1>Site</h1></header><main><h1>Rent</h1>{ARTICLE}</main></body></html>".encode()
    )
    assert reading.title == "Rent"
