"""E-mail as it comes: alternatives, quotes, attachments, bad charsets, hostile names and nesting."""

from email.message import EmailMessage

import pytest

from corpora.errors import UnreadableDocument
from corpora.readers import read_bytes
from corpora.readers.mail.eml import attachments, looks_like, read


def letter(body: str = "Dear Ms Rowe,\n\nThe notice is valid.\n") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Jörg Müller <jm@example.org>"
    message["To"] = "a@example.org, b@example.org"
    message["Subject"] = "Ihre Anfrage – § 573"
    message["Date"] = "Fri, 01 Mar 2024 10:00:00 +0100"
    message["Message-ID"] = "<1@example.org>"
    message.set_content(body)
    return message


def texts(data: bytes) -> list[tuple[str, str]]:
    (reading,) = read(data)
    return [(block.kind, " ".join(block.text.split())) for block in reading.blocks]


def test_headers_become_title_and_metadata() -> None:
    (reading,) = read(letter().as_bytes())
    assert reading.title == "Ihre Anfrage – § 573"
    assert reading.metadata == {
        "date": "2024-03-01T10:00:00+01:00",
        "author": "Jörg Müller <jm@example.org>",
        "to": "a@example.org, b@example.org",
        "identifier": "<1@example.org>",
    }
    assert [block.text for block in reading.blocks] == ["Dear Ms Rowe,", "The notice is valid."]


def test_quoted_lines_are_paragraphs_of_their_own() -> None:
    body = "I agree.\n> Is the notice\n> valid?\n>> Ask him.\n\nYours\n"
    assert texts(letter(body).as_bytes()) == [
        ("paragraph", "I agree."),
        ("paragraph", "Is the notice valid?"),
        ("paragraph", "Ask him."),
        ("paragraph", "Yours"),
    ]


def test_plain_text_is_preferred_and_html_read_where_there_is_none() -> None:
    message = letter("Plain words.\n")
    message.add_alternative("<html><body><p>Rich words.</p></body></html>", subtype="html")
    assert texts(message.as_bytes()) == [("paragraph", "Plain words.")]
    empty = letter("\n")
    empty.add_alternative("<html><body><h2>Heading</h2><p>Rich «words».</p></body></html>", subtype="html")
    assert texts(empty.as_bytes()) == [("heading", "Heading"), ("paragraph", "Rich «words».")]


def test_text_on_both_sides_of_an_attachment_is_kept() -> None:
    message = letter("Before.\n")
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="brief.pdf")
    after = EmailMessage()
    after.set_content("After.\n")
    message.attach(after)
    assert texts(message.as_bytes()) == [("paragraph", "Before."), ("paragraph", "After."), ("item", "Attachment: brief.pdf")]


def test_attachments_come_with_harmless_unique_names() -> None:
    message = letter()
    for name in ("../../x.pdf", "C:\\temp\\x.pdf", "über\x07.txt", "..", "n" * 400 + ".pdf"):
        message.add_attachment(b"data of " + name[:2].encode(), maintype="application", subtype="octet-stream", filename=name)
    attached = attachments(message.as_bytes())
    names = [name for name, _ in attached]
    assert names[:2] == ["x.pdf", "x (2).pdf"]
    assert names[2].startswith("über")
    assert names[3] == "attachment-4"
    assert len(names[4]) <= 120
    assert names[4].endswith(".pdf")
    assert not any(set(name) & set("/\\\0\x07") for name in names)
    assert [data for _, data in attached][:2] == [b"data of ..", b"data of C:"]
    assert ("item", "Attachment: x.pdf") in texts(message.as_bytes())


def test_encoded_attachment_names_are_decoded() -> None:
    data = (
        b"From: a@example.org\r\nTo: b@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"
        b'--B\r\nContent-Type: application/pdf; name="=?utf-8?q?K=C3=BCndigung=2Epdf?="\r\n\r\none\r\n'
        b"--B\r\nContent-Disposition: attachment; filename*=utf-8''K%C3%BCndigung%202.pdf\r\n\r\ntwo\r\n--B--\r\n"
    )
    assert attachments(data) == [("Kündigung.pdf", b"one"), ("Kündigung 2.pdf", b"two")]


def test_a_forwarded_message_is_an_attachment_to_be_read_in_its_turn() -> None:
    message = letter("See below.\n")
    message.add_attachment(letter("The forwarded text.\n"))
    ((name, data),) = attachments(message.as_bytes())
    assert name.endswith(".eml")
    assert looks_like(data)
    assert texts(data) == [("paragraph", "The forwarded text.")]


HEAD = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: s\r\nMIME-Version: 1.0\r\n"


@pytest.mark.parametrize(
    ("header", "body", "expected"),
    [
        (b"Content-Type: text/plain; charset=no-such-charset", "Größe".encode(), "Größe"),
        (b"Content-Type: text/plain; charset=us-ascii", "Größe".encode(), "Größe"),
        (b"Content-Type: text/plain; charset=utf-8", b"Gr\xf6\xdfe of a longer sentence in Latin-1", "Größe of a longer"),
        (b"Content-Type: text/plain; charset=rot13", b"Words", "Words"),
        (b"Content-Type: text/plain; charset=punycode", b"Words", "Words"),
        (b'Content-Type: text/plain; charset="bad\x00\xff"', b"Words", "Words"),
        (b"Content-Transfer-Encoding: x-unknown\r\nContent-Type: text/plain", b"Words", "Words"),
        (b"Content-Transfer-Encoding: base64\r\nContent-Type: text/plain", b"V29yZHM", "Words"),
        (b"Content-Type: multipart/mixed; boundary=never", b"Words", "Words"),
        (b"Content-Type: ;;;", b"Words", "Words"),
    ],
)
def test_bad_charsets_and_encodings_do_not_lose_the_text(header: bytes, body: bytes, expected: str) -> None:
    ((_, text),) = texts(HEAD + header + b"\r\n\r\n" + body + b"\r\n")
    assert text.startswith(expected)


@pytest.mark.parametrize(
    "header",
    [
        b"Date: yesterday",
        b"Date: Fri, 99 Foo 20244 99:99:99 +9999",
        b'From: "unclosed <a@',
        b"From: =?utf-8?b?////?= <@>",
        b"To: " + b"a@example.org, " * 20_000,
        b"Content-Disposition: attachment; filename*=",
        b"Message-ID: <",
        b"Subject: \xff\xfe\x00",
    ],
)
def test_a_bad_header_costs_that_fact_only(header: bytes) -> None:
    (reading,) = read(
        b"From: a@example.org\r\nTo: b@example.org\r\n".replace(header[:5], b"X-Was") + header + b"\r\n\r\nWords.\r\n"
    )
    assert reading.metadata.get("date", "") == ""
    assert all(len(value) <= 20_000 and value.isprintable() for value in reading.metadata.values())


def test_hostile_nesting_and_part_counts_are_refused() -> None:
    deep = HEAD + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(3000))
    with pytest.raises(UnreadableDocument):
        read(deep + b"\r\nx")
    shallow = HEAD + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(60))
    with pytest.raises(UnreadableDocument, match="nested"):
        read(shallow + b"\r\nx")
    with pytest.raises(UnreadableDocument, match="boundaries"):
        read(HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 60_000)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (HEAD + b"\r\nbody", True),
        (b"From a@example.org Fri Mar  1 10:00:00 2024\nReceived: from x\n\tby y\nDate: z\n\nbody", True),
        (b"\xef\xbb\xbf\r\n" + HEAD + b"X-Long: " + b"y" * 100, True),
        (b"Subject: only one\n\nbody", False),
        (b"Dear all,\nFrom: me\nTo: you\n\nbody", False),
        (b"---\nfrom: x\nto: y\n---\n\n# Title", False),
        (b"", False),
        (b"%PDF-1.7\nFrom: x\nTo: y\n", False),
    ],
)
def test_detection_by_header_lines(head: bytes, expected: bool) -> None:
    assert looks_like(head) is expected


def test_a_thread_of_html_only_mails_and_nested_messages() -> None:
    inner = letter("The innermost text.\n")
    middle = EmailMessage()
    middle["From"], middle["To"], middle["Subject"] = "b@example.org", "a@example.org", "Fwd: one"
    middle.set_content(
        "<div>Please read.</div><blockquote>On Monday A. wrote:<p>When is it due?</p></blockquote>", subtype="html"
    )
    middle.add_attachment(inner)
    outer = letter("See the forwarded mail.\n")
    outer.add_attachment(middle)
    outer.add_attachment(b"\x78\x9f\x3e\x22" + bytes(80), maintype="application", subtype="ms-tnef", filename="winmail.dat")
    file_reading = read_bytes(outer.as_bytes(), "a.eml")
    assert [[block.text for block in reading.blocks][:3] for reading in file_reading.readings] == [
        ["See the forwarded mail.", "Attachment: attachment-1.eml", "Attachment: winmail.dat"],
        ["Please read.", "On Monday A. wrote:", "When is it due?"],
        ["The innermost text."],
    ]
    ((part, reason),) = file_reading.refused
    assert part == "winmail.dat" and "Outlook's own container" in reason
