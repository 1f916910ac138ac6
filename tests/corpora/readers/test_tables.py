"""Tables as documents by row: mappings given, guessed and missing; dialects, encodings, ragged and broken lines."""

import json
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.errors import UnreadableDocument
from corpora.readers.tables import rows
from corpora.readers.tables.documents import FieldMapping, read_rows
from corpora.readers.tables.rows import CSV, JSON, JSONL, TSV, looks_like_csv, looks_like_json, looks_like_jsonl, value_text
from corpora.records import Reading


def lines(*rows: object) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def texts(reading: Reading) -> list[str]:
    return [block.text for block in reading.blocks]


def test_a_mapping_gives_one_reading_a_row() -> None:
    data = b"no;court;held;year\n12;High Court;The notice was void.;2020\n;County Court;The claim fails.;\n"
    first, second = read_rows(data, CSV, FieldMapping(("held",), "court", "no", ("year",)))
    assert (first.title, first.part, texts(first), first.metadata) == (
        "High Court",
        "12",
        ["The notice was void."],
        {"year": "2020"},
    )
    assert (second.title, second.part, second.metadata) == ("County Court", "row 2", {})


def test_several_text_fields_are_headed_by_their_names() -> None:
    (reading,) = read_rows(lines({"q": "Is it?", "a": ["Yes.", "It is."]}), JSONL, FieldMapping(("q", "a")))
    assert [(b.kind, b.text) for b in reading.blocks] == [
        ("heading", "q"),
        ("paragraph", "Is it?"),
        ("heading", "a"),
        ("paragraph", "Yes."),
        ("paragraph", "It is."),
    ]
    assert reading.title == "row 1"


def test_a_mapping_that_names_no_field_lists_those_there_are() -> None:
    with pytest.raises(UnreadableDocument, match="no field 'txt'; the fields there are: 'id', 'text'"):
        read_rows(lines({"id": 1, "text": "x"}), JSONL, FieldMapping(("txt",)))
    with pytest.raises(UnreadableDocument, match="at least one"):
        read_rows(lines({"id": 1}), JSONL, FieldMapping(()))


def test_a_mapping_is_guessed_by_name() -> None:
    long = "Prose that goes on. " * 20
    rows = [
        {"_id": "d1", "title": "T", "text": "Body.", "year": 2020, "tags": ["a", 1], "answer": long},
        {"_id": "d1", "text": "More."},
    ]
    for data, kind in ((lines(*rows), JSONL), (json.dumps(rows).encode(), JSON)):
        first, second = read_rows(data, kind)
        assert (first.title, first.part, first.metadata) == ("T", "d1", {"year": "2020", "tags": '["a",1]'})
        assert texts(first) == ["text", "Body.", "answer", long.strip()]
        assert (second.part, texts(second)) == ("d1 (row 2)", ["text", "More."])


def test_a_row_without_the_guessed_text_is_kept_as_an_item() -> None:
    readings = read_rows(lines({"text": "x"}, {"text": "y"}, {"note": "kept"}), JSONL)
    assert texts(readings[2]) == ["note: kept"]


def test_without_a_telling_name_all_rows_are_one_document() -> None:
    (reading,) = read_rows(b'drug,dose\nA,5 mg\nB,"1,5 mg"\n', CSV)
    assert reading.title is None
    assert [(b.kind, b.text) for b in reading.blocks] == [("item", "drug: A; dose: 5 mg"), ("item", "drug: B; dose: 1,5 mg")]
    (nested,) = read_rows(lines({"drug": "A", "doses": {"min": 1}}), JSONL)
    assert texts(nested) == ['drug: A; doses: {"min":1}']


def test_ragged_rows_lose_nothing() -> None:
    (reading,) = read_rows(b"a,b,b\n1,2,3,extra\n\n4\n,,\n", CSV)
    assert texts(reading) == ["a: 1; b: 2; b (3): 3; column 4: extra", "a: 4"]
    (clash,) = read_rows(b"a,column 3\n1,2,3\n", CSV)
    assert texts(clash) == ["a: 1; column 3: 2; column 3 (3): 3"]


def test_a_first_line_of_numbers_only_is_data() -> None:
    (reading,) = read_rows(b"1,2\n3,4\n", CSV)
    assert texts(reading) == ["column 1: 1; column 2: 2", "column 1: 3; column 2: 4"]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("Stoff;Größe\nA;1\n".encode("utf-8-sig"), CSV),
        ("Stoff;Größe\nA;1\n".encode("utf-16"), CSV),
        ("Stoff;Größe\r\nA;1\r\n".encode("cp1252"), CSV),
        ("Stoff\tGröße\nA\t1\n".encode(), CSV),
        ("Stoff\tGröße\nA\t1\n".encode(), TSV),
        ("Stoff|Größe\rA|1\r".encode(), CSV),
        ('"Stoff","Größe"\n"A","1"\n'.encode(), CSV),
    ],
)
def test_dialects_and_encodings(data: bytes, kind: str) -> None:
    (reading,) = read_rows(data, kind)
    assert texts(reading) == ["Stoff: A; Größe: 1"]


def test_fields_may_hold_lines_and_be_long() -> None:
    long = "A sentence. " * 20_000
    data = f'id,text\n1,"One.\n\nTwo ""quoted"", with comma."\n2,{long}\n'.encode()
    first, second = read_rows(data, CSV)
    assert texts(first) == ["One.", 'Two "quoted", with comma.']
    assert len(texts(second)[0]) > 131_072


def test_broken_lines_are_named_by_number() -> None:
    with pytest.raises(UnreadableDocument, match="line 3 is not JSON"):
        read_rows(b'{"text": "a"}\n\n{"text": "b"\n', JSONL)
    with pytest.raises(UnreadableDocument, match="line 2 is a list"):
        read_rows(b'{"text": "a"}\n[1]\n', JSONL)
    with pytest.raises(UnreadableDocument, match="entry 2 is a str"):
        read_rows(b'[{"text": "a"}, "b"]', JSON)
    with pytest.raises(UnreadableDocument, match="line 1 is not JSON"):
        read_rows(b'{"text": ' + b"[" * 200_000, JSONL)
    for data, kind in ((b"a,b\n", CSV), (b"\n\n", JSONL), (b"[]", JSON)):
        with pytest.raises(UnreadableDocument, match="without rows"):
            read_rows(data, kind)
    with pytest.raises(ValueError, match="text/html"):
        read_rows(b"", "text/html")


def test_line_separators_and_surrogates_inside_strings() -> None:
    data = '{"text": "one\u2028two", "id": "x"}\n'.encode()
    assert len(read_rows(data, JSONL)) == 1
    (reading,) = read_rows(b'{"text": "a\\ud800b", "id": "..\\u0000/x"}', JSONL)
    assert reading.part == ".._/x"
    assert value_text("\ud800") == "?"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b'{"text": "a"}\n{"te', True),
        (b'\n{"text": "' + b"a" * 5000, True),
        (b'{"text": "a"}', True),
        (b'{\n  "text": "a"\n}', False),
        (b"{not json}\n", False),
        (b'{"a": b}\n', False),
        (b'[{"a": 1}]', False),
        (b"plain", False),
    ],
)
def test_json_lines_are_detected(head: bytes, expected: bool) -> None:
    assert looks_like_jsonl(head) is expected


def test_json_lists_are_detected() -> None:
    assert looks_like_json(b'\xef\xbb\xbf[\n  {\n "a": 1')
    assert not looks_like_json(b"[1, 2]")
    assert not looks_like_json(b"[see {note}]")


@pytest.mark.parametrize(
    ("head", "name", "expected"),
    [
        (b"a,b\n1,2\n", "x.CSV", True),
        (b"a\tb\n1\t2\n", "x.tsv", True),
        (b"a,b\0", "x.csv", False),
        (b"", "x.csv", False),
        (b"a,b,c\n" * 6, "data", True),
        (b"a,b,c\n" * 5 + b"cut", "data", True),
        (b"a,b,c\n" * 3, "data", False),
        (b"Prose, with commas.\nAnd, again, more.\nThen none.\nx\ny\n", "x.txt", False),
    ],
)
def test_tables_are_detected(head: bytes, name: str, expected: bool) -> None:
    assert looks_like_csv(head, name) is expected


SHORT_ROWS = st.text('a,;|\t"\r ', max_size=9)


@settings(deadline=None, max_examples=500)
@given(
    st.lists(SHORT_ROWS, max_size=8).map(lambda table_lines: "\n".join([*table_lines, ""]))
    | st.builds(lambda row, count: f"{row}\n" * count, SHORT_ROWS, st.integers(4, 7))
)
def test_prose_is_told_from_tables_as_without_the_short_cut(head: str) -> None:
    with patch.object(rows, "_may_be_rows", lambda lines: True):
        expected = looks_like_csv(head.encode(), "a.txt")
    assert looks_like_csv(head.encode(), "a.txt") is expected
