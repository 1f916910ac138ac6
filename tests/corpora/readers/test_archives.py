"""Archives, friendly and hostile, built here byte by byte: every refusal is named, none costs much memory or time."""

import gzip
import io
import struct
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import pytest

from corpora.errors import UnreadableDocument
from corpora.readers.containers import archives
from corpora.readers.containers import limits as unpacking
from corpora.readers.containers.archives import Member, Refused, archive_kind, members
from corpora.readers.containers.limits import harmless_name, harmless_path

MIB = 2**20


def make_zip(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def make_tar(files: dict[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zeros_zip(size: int, declared: int | None = None) -> bytes:
    """A zip of one member of `size` zeros whose headers declare `declared` bytes."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    independent = deflate.compress(bytes(MIB)) + deflate.flush(zlib.Z_FULL_FLUSH)  # so it may stand there any number of times
    packed = independent * (size // MIB) + deflate.flush()
    told = size if declared is None else declared
    local = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 8, 0, 33, 0, len(packed), told, 5, 0) + b"z.txt"
    entry = (
        struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 8, 0, 33, 0, len(packed), told, 5, 0, 0, 0, 0, 0, 0) + b"z.txt"
    )
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(local) + len(packed), 0)
    return local + packed + entry + end


def only_refusal(data: bytes) -> Refused:
    (entry,) = members(data)
    assert isinstance(entry, Refused)
    return entry


def bounded(action: Callable[[], object], seconds: float = 20.0, mib: int = 200) -> None:
    tracemalloc.start()
    began = time.monotonic()
    try:
        action()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.monotonic() - began < seconds
    assert peak < mib * MIB


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("zip", make_zip({"a.txt": b"one", "sub/b.txt": b"two"})),
        ("tar", make_tar({"./a.txt": b"one", "sub/b.txt": b"two"})),
        ("tar.gz", make_tar({"a.txt": b"one", "sub//b.txt": b"two"}, "w:gz")),
        ("tar.bz2", make_tar({"a.txt": b"one", "sub/./b.txt": b"two"}, "w:bz2")),
        ("tar.xz", make_tar({"a.txt": b"one", "sub/b.txt": b"two"}, "w:xz")),
    ],
)
def test_every_kind_is_told_and_read(kind: str, data: bytes) -> None:
    assert archive_kind(data) == kind
    assert list(members(data)) == [Member("a.txt", b"one"), Member("sub/b.txt", b"two")]


def test_documents_that_are_zips_and_other_files_are_no_archives() -> None:
    assert archive_kind(make_zip({"[Content_Types].xml": b"<Types/>", "word/document.xml": b""})) is None
    assert archive_kind(make_zip({"mimetype": b"application/epub+zip"}, zipfile.ZIP_STORED)) is None
    assert archive_kind(make_zip({"META-INF/manifest.xml": b"", "content.xml": b""})) is None
    for data in (
        b"",
        b"plain text",
        b"%PDF-1.7",
        bytes(2048),
        gzip.compress(b"no tar in it"),
        b"BZh9 not really",
    ):
        assert archive_kind(data) is None
    with pytest.raises(UnreadableDocument, match="not an archive"):
        list(members(b"plain text"))


def test_hidden_files_and_folders_are_left_out() -> None:
    files = {".DS_Store": b"x", "__MACOSX/a.txt": b"x", "a/.git/config": b"x", "a.txt": b"kept"}
    for data in (make_zip(files), make_tar(files)):
        assert list(members(data)) == [Member("a.txt", b"kept")]
    assert list(members(make_zip({}))) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../../etc/passwd", r'"\.\."'),
        ("a/../../b.txt", r'"\.\."'),
        ("..\\..\\b.txt", r'"\.\."'),
        ("/etc/passwd", "absolute"),
        ("C:\\Windows\\x.txt", "absolute"),
        ("a/" * 600 + "b.txt", "characters"),
    ],
)
def test_names_that_lead_elsewhere_are_refused_and_the_rest_is_read(name: str, reason: str) -> None:
    for data in (make_zip({name: b"x", "good.txt": b"y"}), make_tar({name: b"x", "good.txt": b"y"})):
        refused, good = members(data)
        assert isinstance(refused, Refused)
        assert len(refused.name) <= 200
        with pytest.raises(UnreadableDocument, match=reason):
            raise UnreadableDocument(refused.reason)
        assert good == Member("good.txt", b"y")


def test_a_nul_in_a_name_is_refused() -> None:
    data = make_zip({"a.txtX.exe": b"x"}).replace(b"a.txtX.exe", b"a.txt\0.exe")
    assert "NUL" in only_refusal(data).reason


def test_control_characters_and_overrides_become_harmless() -> None:
    assert [entry.name for entry in members(make_zip({"a\x1b[31m\u202etxt.exe": b""}))] == ["a_[31m_txt.exe"]
    assert harmless_path("./a//b\n.txt") == "a/b_.txt"
    assert harmless_name("../../x\x07.pdf") == "x_.pdf"
    assert harmless_name("..") == ""
    assert harmless_name("C:\\temp\\brief.docx") == "brief.docx"
    long = harmless_name("n" * 500 + ".pdf")
    assert len(long) == unpacking.MAX_NAME_CHARACTERS
    assert long.endswith(".pdf")


def test_unmarked_utf8_names_are_read_as_utf8() -> None:
    data = make_zip({"Verf\xfcgung.txt": b"x"})
    for flags in (b"PK\3\4\x14\0\0\x08", b"PK\1\2\x14\x03\x14\0\0\x08"):
        assert flags in data
        data = data.replace(flags, flags[:-1] + b"\0")
    assert [entry.name for entry in members(data)] == ["Verf\xfcgung.txt"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (tarfile.SYMTYPE, "symbolic link"),
        (tarfile.LNKTYPE, "hard link"),
        (tarfile.CHRTYPE, "device"),
        (tarfile.BLKTYPE, "device"),
        (tarfile.FIFOTYPE, "pipe"),
    ],
)
def test_links_and_devices_in_a_tar_are_refused(kind: bytes, reason: str) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("evil.txt")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    assert reason in only_refusal(buffer.getvalue()).reason


def test_a_link_in_a_zip_is_refused() -> None:
    info = zipfile.ZipInfo("evil.txt")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert "a link" in only_refusal(buffer.getvalue()).reason


def test_encrypted_and_oddly_packed_members_are_refused() -> None:
    data = bytearray(make_zip({"secret.txt": b"x", "open.txt": b"y"}))
    data[6] |= 1  # the local header's flags, then the directory's
    data[data.index(b"PK\1\2") + 8] |= 1
    refused, good = members(bytes(data))
    assert isinstance(refused, Refused)
    assert "password" in refused.reason
    assert good == Member("open.txt", b"y")
    assert "deflate" in only_refusal(make_zip({"a.txt": b"x"}, zipfile.ZIP_LZMA)).reason


@pytest.mark.parametrize(
    ("mib", "declared", "reason"),
    [
        (1024, None, "more than 64 MiB"),
        (1024, 60 * MIB, "damaged"),
        (1024, 10, "damaged"),
        (60, None, "200 times"),
        (60, 64 * MIB, "200 times"),
    ],
)
def test_a_zip_bomb_is_refused_whatever_its_header_says(mib: int, declared: int | None, reason: str) -> None:
    data = zeros_zip(mib * MIB, declared)
    assert len(data) < 2 * MIB
    refusals: list[Refused] = []
    bounded(lambda: refusals.append(only_refusal(data)))
    assert reason in refusals[0].reason


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_tar_bomb_is_refused(mode: str) -> None:
    buffer = io.BytesIO()

    class Zeros(io.RawIOBase):
        def read(self, size: int = -1, /) -> bytes:
            return bytes(size)

    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        info = tarfile.TarInfo("z.txt")
        info.size = 48 * MIB
        archive.addfile(info, Zeros())

    def refused() -> None:
        with pytest.raises(UnreadableDocument, match="200 times"):
            list(members(buffer.getvalue()))

    bounded(refused)


def test_members_over_the_size_are_cut_while_streaming(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_MEMBER_BYTES", 100_000)
    for data in (make_zip({"big.txt": bytes(200_000), "a.txt": b"x"}), make_tar({"big.txt": bytes(200_000), "a.txt": b"x"})):
        big, small = members(data)
        assert isinstance(big, Refused)
        assert big.name == "big.txt"
        assert small == Member("a.txt", b"x")


def test_the_total_ends_the_reading_even_inside_a_nested_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_TOTAL_BYTES", 500_000)
    inner = make_zip({f"{number}.txt": bytes(200_000) for number in range(3)})
    entries = list(members(make_zip({"first.txt": b"x", "inner.zip": inner, "last.txt": b"y"})))
    assert [entry.name for entry in entries] == ["first.txt", "inner.zip/0.txt", "inner.zip/1.txt", ""]
    assert isinstance(entries[-1], Refused)
    assert "split the archive" in entries[-1].reason


def test_too_many_members(monkeypatch: pytest.MonkeyPatch) -> None:
    contents = {f"{number}.txt": b"" for number in range(unpacking.MAX_MEMBERS + 1)}
    with pytest.raises(UnreadableDocument, match="10,000 members"):
        list(members(make_zip(contents)))
    *read, refusal = members(make_tar(contents))
    assert len(read) == unpacking.MAX_MEMBERS
    assert isinstance(refusal, Refused)
    assert refusal.name == ""


def test_overlapping_entries_are_refused_before_any_is_read() -> None:
    data = make_zip({"a.txt": b"text"})
    directory = data.index(b"PK\1\2")
    entry = data[directory : data.index(b"PK\5\6")]
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 2, 2, 2 * len(entry), directory, 0)
    with pytest.raises(UnreadableDocument, match="overlap"):
        list(members(data[:directory] + 2 * entry + end))


def test_nesting_is_opened_two_levels_deep() -> None:
    third = make_zip({"deep.txt": b"x"})
    second = make_tar({"note.txt": b"two", "third.zip": third}, "w:gz")
    entries = list(members(make_zip({"second.tgz": second, "one.txt": b"one"})))
    assert entries[0] == Member("second.tgz/note.txt", b"two")
    assert isinstance(entries[1], Refused)
    assert (entries[1].name, "levels deep" in entries[1].reason) == ("second.tgz/third.zip", True)
    assert entries[2] == Member("one.txt", b"one")
    assert archives.MAX_LEVELS == 2


def test_damage_inside_a_nested_archive_costs_that_archive_only() -> None:
    broken = make_zip({"a.txt": b"x" * 100})[:60]
    refused, good = members(make_zip({"broken.zip": broken, "good.txt": b"y"}))
    assert isinstance(refused, Refused)
    assert (refused.name, "damaged" in refused.reason) == ("broken.zip", True)
    assert good == Member("good.txt", b"y")


def test_a_second_member_of_the_same_name_is_refused() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for data in (b"old", b"new"):
            info = tarfile.TarInfo("a.txt")
            info.size = 3
            archive.addfile(info, io.BytesIO(data))
    first, second = members(buffer.getvalue())
    assert first == Member("a.txt", b"old")
    assert isinstance(second, Refused)


def test_truncated_archives_say_so() -> None:
    text = b"".join(bytes([number % 251]) * 7 for number in range(2000))
    files = {"a.txt": text, "b.txt": text}
    with pytest.raises(UnreadableDocument, match="damaged zip"):
        list(members(make_zip(files)[:-30]))
    *_, last = members(make_tar(files)[: len(text) + 2000])
    assert isinstance(last, Refused)
    assert "cut off" in last.reason
    for mode in ("w:gz", "w:bz2", "w:xz"):
        data = make_tar({"a.txt": text, "b.txt": text[::-1]}, mode)
        with pytest.raises(UnreadableDocument, match="cut off"):
            for entry in members(data[: len(data) // 2]):
                if isinstance(entry, Refused):
                    raise UnreadableDocument(entry.reason)


def test_a_damaged_header_in_a_tar_is_not_its_end() -> None:
    data = bytearray(make_tar({"a.txt": b"x", "b.txt": b"y"}))
    data[1024] ^= 0xFF
    first, refusal = members(bytes(data))
    assert first == Member("a.txt", b"x")
    assert isinstance(refusal, Refused)
    assert refusal.name == ""


def header(name: str, size: int, kind: bytes) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "data",
    [
        header("long", 400 * MIB, tarfile.GNUTYPE_LONGNAME),
        header("pax", 400 * MIB, tarfile.XHDTYPE),
        header("back.txt", -512, tarfile.REGTYPE),
        header("pax", 512, tarfile.XHDTYPE)
        + b"17 size=-1000000\n".ljust(512, b"\0")
        + header("back.txt", 1, tarfile.REGTYPE) * 2,
        (header("pax", 512, tarfile.XHDTYPE) + b"9 path=a\n".ljust(512, b"\0")) * 3000,
    ],
    ids=["long name", "long pax", "negative", "negative by pax", "endless pax"],
)
def test_hostile_tar_headers_end_the_reading(data: bytes) -> None:
    def refused() -> None:
        with pytest.raises(UnreadableDocument):
            for entry in members(data + bytes(1024)):
                if isinstance(entry, Refused):
                    raise UnreadableDocument(entry.reason)

    bounded(refused, seconds=5, mib=20)


def test_a_sparse_file_is_refused() -> None:
    pax = b"".join(b"%d %s\n" % (len(line) + 3, line) for line in (b"GNU.sparse.size=9999999", b"GNU.sparse.map=0,1"))
    data = header("pax", len(pax), tarfile.XHDTYPE) + pax.ljust(512, b"\0") + header("s.txt", 1, tarfile.REGTYPE) + b"x" * 512
    assert "sparse" in only_refusal(data + bytes(1024)).reason


def test_a_damaged_member_of_a_zip_is_named() -> None:
    data = bytearray(make_zip({"a.txt": b"text of the first", "b.txt": b"y"}, zipfile.ZIP_STORED))
    data[data.index(b"text of")] ^= 1
    refused, good = members(bytes(data))
    assert isinstance(refused, Refused)
    assert (refused.name, "damaged" in refused.reason) == ("a.txt", True)
    assert good == Member("b.txt", b"y")


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:xz"])
def test_no_bit_flip_raises_anything_else(mode: str) -> None:
    files = {"a.txt": b"some text " * 20, "sub/b.txt": b"more"}
    data = make_zip(files) if mode == "zip" else make_tar(files, mode)
    for position in range(0, len(data), max(1, len(data) // 150)):
        bent = bytearray(data)
        bent[position] ^= 1 << position % 8
        try:
            for entry in members(bytes(bent)):
                assert isinstance(entry, Member | Refused)
        except UnreadableDocument:
            pass
