"""The life of documents: files of several, what an update and a removal leave, older stores, and a purge that leaves nothing."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from serving.main import raftsmith


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "w"
    run("init", str(folder))
    config = (folder / "raftsmith.toml").read_text().replace("all-MiniLM-L6-v2", "hashing-64")
    (folder / "raftsmith.toml").write_text(config)
    return folder


def run(*words: str, stdin: str | None = None, code: int = 0) -> Result:
    result = CliRunner().invoke(raftsmith, list(words), input=stdin)
    assert result.exit_code == code or (code == 1 and result.exception), (result.output, result.exception)
    return result


def value(workspace: Path, *words: str, stdin: str | None = None) -> dict:
    return json.loads(run(*words, "--json", "--workspace", str(workspace), stdin=stdin).stdout)


def archive(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w") as target:
        for name, text in members.items():
            target.writestr(f"{name}.txt", text)
    return path


def test_an_archive_is_several_documents_and_follows_its_file(workspace: Path, tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", one="The first lease.", two="The second lease.", empty="")
    report = value(workspace, "add", str(path))
    assert (report["added"], report["documents"]) == (1, 2)
    assert [item["path"] for item in report["failed"]] == [f"{path}#empty.txt"]
    assert value(workspace, "add", str(path))["unchanged"] == 1
    archive(path, two="The second lease.", three="The third lease.")
    report = value(workspace, "add", str(path))
    assert (report["added"], report["failed"]) == (1, [])
    listed = value(workspace, "documents")["documents"]
    assert [entry["source"] for entry in listed] == [f"{path}#three.txt", f"{path}#two.txt"]
    assert value(workspace, "documents", "--failed")["failed"] == []
    shown = value(workspace, "documents", f"{path}#two.txt")
    assert shown["text"] == "The second lease." and shown["chunks"][0]["paragraph"] == 1
    assert value(workspace, "remove", str(path))["removed"] == [str(path)]
    assert value(workspace, "documents")["documents"] == []


def test_sync_follows_a_folder(workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / f"{name}.txt").write_text(f"Text of {name}.")
    (folder / "bad.pdf").write_bytes(b"%PDF-1.7 broken")
    first = value(workspace, "sync", str(folder))
    assert (first["added"], first["removed"], len(first["failed"])) == (3, 0, 1)
    (folder / "a.txt").unlink()
    (folder / "bad.pdf").unlink()
    (folder / "b.txt").write_text("Changed.")
    (folder / "d.txt").write_text("New.")
    second = value(workspace, "sync", str(folder))
    assert (second["added"], second["unchanged"], second["removed"], second["failed"]) == (2, 1, 2, [])
    texts = {hit["text"] for hit in value(workspace, "search", "text", "-k", "9")["hits"]}
    assert texts == {"Changed.", "Text of c.", "New."}
    assert value(workspace, "documents", "--failed")["failed"] == []
    third = value(workspace, "sync", str(folder))
    assert (third["unchanged"], third["snapshot"]) == (3, second["snapshot"])
    elsewhere = tmp_path / "in2"
    elsewhere.mkdir()
    assert value(workspace, "sync", str(elsewhere))["removed"] == 0


def test_a_number_sign_in_a_name_is_no_part(workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "Case #12.txt").write_text("The twelfth case.")
    (folder / "Case #13.txt").write_bytes(b"\0\1")
    archive(folder / "box #1.zip", one="The first letter.", empty="")
    for _ in range(2):
        report = value(workspace, "sync", str(folder))
        assert report["removed"] == 0
        assert len(value(workspace, "documents")["documents"]) == 2
        assert len(value(workspace, "documents", "--failed")["failed"]) == 2
    (folder / "Case #13.txt").write_text("The thirteenth case.")
    assert value(workspace, "add", "--retry")["added"] == 1
    (folder / "box #1.zip").unlink()
    assert value(workspace, "sync", str(folder))["removed"] == 2  # the archive, and its empty member's failure
    assert [Path(entry["source"]).name for entry in value(workspace, "documents")["documents"]] == [
        "Case #12.txt",
        "Case #13.txt",
    ]
    assert value(workspace, "documents", "--failed")["failed"] == []


def test_a_document_is_found_by_the_path_that_a_person_types(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("Some text.")
    value(workspace, "add", str(tmp_path / "a.txt"))
    monkeypatch.chdir(workspace)
    assert value(workspace, "documents", "../a.txt")["text"] == "Some text."
    assert value(workspace, "remove", "../a.txt")["removed"] == [str(tmp_path / "a.txt")]


def test_paths_from_stdin_and_a_retry(workspace: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text("Fine text.")
    bad.write_bytes(b"\0\1\2")
    report = value(workspace, "add", "-", stdin=f"{good}\n\n{bad}\n")
    assert (report["added"], [item["path"] for item in report["failed"]]) == (1, [str(bad)])
    bad.write_text("Mended.")
    assert value(workspace, "add", "--retry")["added"] == 1
    assert value(workspace, "add", "--retry")["added"] == 0
    run("add", "--workspace", str(workspace), code=2)
    run("add", str(good), "--retry", "--workspace", str(workspace), code=2)


def test_rows_of_a_table_are_documents(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text("ref,name,body,year\nA1,Roe,The claim failed.,1999\nA2,Doe,The claim won.,2001\n")
    mapping = ["--map", "text=body", "--map", "title=name", "--map", "id=ref", "--map", "metadata=year"]
    assert value(workspace, "add", str(path), *mapping)["documents"] == 2
    entries = value(workspace, "documents")["documents"]
    assert [(e["source"], e["title"], e["metadata"]["year"]) for e in entries] == [
        (f"{path}#A1", "Roe", "1999"),
        (f"{path}#A2", "Doe", "2001"),
    ]
    run("add", str(path), "--map", "body", "--workspace", str(workspace), code=2)
    run("add", str(path), "--map", "title=name", "--workspace", str(workspace), code=2)
    twice = run("add", str(path), *mapping, "--map", "title=year", "--workspace", str(workspace), code=2)
    assert "--map gives title twice: name and year" in twice.output


def test_an_unknown_name_removes_nothing(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Text.")
    value(workspace, "add", str(path))
    result = run("remove", str(path), "no such", "--workspace", str(workspace), code=1)
    assert "no document is called 'no such'" in str(result.exception)
    assert len(value(workspace, "documents")["documents"]) == 1


def test_a_quote_leads_back_to_its_page(workspace: Path) -> None:
    path = next(iter(sorted((Path(__file__).resolve().parents[3] / "corpora" / "samples" / "legal").glob("*.pdf"))))
    value(workspace, "add", str(path))
    shown = value(workspace, "documents", str(path))
    last = next(chunk for chunk in shown["chunks"] if chunk["page"] == 2)
    quote = shown["text"][last["start"] : last["end"]]
    place = value(workspace, "documents", str(path), "--quote", quote)
    assert (place["start"], place["page"], place["paragraph"]) == (last["start"], 2, last["paragraph"])
    assert place["rectangles"] and {box["page"] for box in place["rectangles"]} == {2}
    result = run("documents", str(path), "--quote", "never said", "--workspace", str(workspace), code=1)
    assert "does not stand in" in str(result.exception)


def test_cleaning_is_a_choice_and_reported(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text("<html><body><nav>Home of Zebras</nav><main><p>The main text.</p></main></body></html>")
    assert value(workspace, "add", str(path))["cleaned"] == {"boilerplate": 1}
    config = (workspace / "raftsmith.toml").read_text()
    (workspace / "raftsmith.toml").write_text(config.replace("skip_steps = []", 'skip_steps = ["boilerplate"]'))
    assert value(workspace, "add", str(path))["added"] == 1
    assert "Zebras" in value(workspace, "documents", str(path))["text"]
    (workspace / "raftsmith.toml").write_text(config.replace("skip_steps = []", 'skip_steps = ["boilerplait"]'))
    result = run("documents", "--workspace", str(workspace), code=1)
    assert "accepted: running-lines, boilerplate" in str(result.exception)


def test_a_near_duplicate_is_listed_and_takes_over_when_its_twin_goes(workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    text = " ".join(f"Clause {n} binds party {n * 7 % 31} to pay {n * 13} pounds." for n in range(120))
    (folder / "a.txt").write_text(text)
    (folder / "b.txt").write_text(text.replace("Clause 60 binds", "CLAUSE 60,  binds"))  # the same but for its form
    (folder / "c.txt").write_text(text.replace(" binds party 2", " binds side 2"))  # a version that differs
    (folder / "d.txt").write_text("Something else altogether is said in this short note of ours.")
    report = value(workspace, "add", str(folder))
    assert (report["added"], report["duplicates"]) == (4, 1)
    entries = {Path(e["source"]).stem: e for e in value(workspace, "documents")["documents"]}
    assert entries["b"]["duplicate_of"] == entries["a"]["document_id"] and entries["b"]["chunks"] == 0
    assert entries["b"]["similarity"] == 1
    assert entries["a"]["cluster"] == entries["b"]["cluster"] == entries["c"]["cluster"] != entries["d"]["cluster"]
    assert entries["c"]["duplicate_of"] is None and entries["c"]["chunks"] > 0
    listed = run("documents", "--workspace", str(workspace)).stdout
    assert f"like {entries['a']['document_id'][:8]}, not indexed again" in listed, listed.splitlines()[1][-60:]
    assert value(workspace, "add", str(folder))["unchanged"] == 4
    value(workspace, "remove", str(folder / "a.txt"))
    (folder / "a.txt").unlink()
    again = value(workspace, "add", "--retry")
    assert (again["added"], again["duplicates"], again["waiting"]) == (1, 0, 0)
    entries = {Path(e["source"]).stem: e for e in value(workspace, "documents")["documents"]}
    assert entries["b"]["chunks"] > 0 and entries["b"]["duplicate_of"] is None
    assert any("CLAUSE 60," in hit["text"] for hit in value(workspace, "search", "Clause 60 binds")["hits"])


def test_personal_data_is_masked_or_refused_where_the_collection_says_so(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("Call Dr. Jane Miller.\n\nHer address is jane.miller@example.org and again jane.miller@example.org.")
    config = (workspace / "raftsmith.toml").read_text()
    (workspace / "raftsmith.toml").write_text(
        config.replace("personal_data_of = {}", 'personal_data_of = { masked = "mask", strict = "refuse" }')
    )
    assert value(workspace, "add", str(path))["personal_data"] == {}
    masked = value(workspace, "add", str(path), "--collection", "masked")
    assert masked["personal_data"]["email"] == 2
    entry = value(workspace, "documents", "--collection", "masked")["documents"][0]
    text = value(workspace, "documents", entry["document_id"])["text"]
    assert "miller@" not in text and "Miller" not in text and text.count("[EMAIL-") == 2
    assert len({word for word in text.split() if word.startswith("[EMAIL-")}) <= 2
    refused = value(workspace, "add", str(path), "--collection", "strict")
    assert refused["added"] == 0 and "personal data in it" in refused["failed"][0]["reason"]
    assert (workspace / "personal.key").stat().st_mode & 0o777 == 0o600


SECRET = "Zaphodbeeblebrox"


def test_a_purge_leaves_no_string_and_flags_what_was_built(workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number}.txt").write_text(f"Clause {number} of the lease.\n\nIt has {number} parts.")
    (folder / "secret.txt").write_text(f"The patient {SECRET} was seen.")
    value(workspace, "add", str(folder))
    value(workspace, "search", SECRET)
    document = value(workspace, "documents", str(folder / "secret.txt"))["document_id"]
    for kind, name, complete, content in (
        ("datasets", "d", "manifest.json", {"files": {"examples.jsonl": "f" * 64}}),
        ("runs", "r", "config.json", {"dataset_digest": "f" * 64}),
        ("runs", "other", "config.json", {"dataset_digest": "0" * 64}),
        ("reports", "p", "results.json", {"about": {"dataset": f"d ({'f' * 16})"}}),
    ):
        (workspace / kind / name).mkdir(parents=True)
        (workspace / kind / name / complete).write_text(json.dumps(content))
    (workspace / "datasets" / "d" / "examples.jsonl").write_text(json.dumps({"document_id": document}))
    (workspace / "reports" / "p" / "rows.jsonl").write_text(SECRET)
    assert holding(workspace, SECRET)
    assert "purge" in run("purge", str(folder / "secret.txt"), "--workspace", str(workspace), stdin="n\n", code=1).output
    report = value(workspace, "purge", str(folder / "secret.txt"), "--yes")
    assert report["documents"] == [document]
    assert (report["datasets"], report["runs"], report["reports"]) == (["d"], ["r"], ["p"])
    assert not holding(workspace, SECRET) and not holding(workspace, SECRET.lower())
    assert len(value(workspace, "documents")["documents"]) == 30
    assert value(workspace, "search", "clause 7 lease")["hits"]
    assert (workspace / "datasets" / "d" / "purged.json").exists() and not (
        workspace / "runs" / "other" / "purged.json"
    ).exists()


def test_a_purge_that_a_reader_hinders_says_so_and_is_finished_later(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "secret.txt"
    path.write_text(f"The patient {SECRET} was seen.")
    value(workspace, "add", str(path))
    reader = sqlite3.connect(workspace / "corpus.db", isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM documents").fetchone() == (1,)
    result = run("purge", str(path), "--yes", "--workspace", str(workspace), code=1)
    assert "`raftsmith purge`, without names" in str(result.exception)
    reader.execute("ROLLBACK")
    reader.close()
    assert value(workspace, "purge")["documents"] == []
    assert not holding(workspace, SECRET) and not holding(workspace, SECRET.lower())


def holding(folder: Path, text: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_versions_are_kept_shown_compared_and_purged(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "lease.txt"
    path.write_text("The rent is 500. It is due monthly.")
    value(workspace, "add", str(path))
    path.write_text(f"The rent is 600. {SECRET}.")
    value(workspace, "add", str(path))
    path.write_text("The rent is 700.")
    value(workspace, "sync", str(tmp_path))
    found = value(workspace, "versions", str(path))["versions"]
    assert [(version["number"], version["kept"], version["ended"] is None) for version in found] == [
        (1, True, False),
        (2, True, False),
        (3, True, True),
    ]
    assert value(workspace, "versions", str(path), "--show", "1")["text"] == "The rent is 500. It is due monthly."
    diff = value(workspace, "versions", str(path), "--diff", "2", "3")["diff"]
    assert f"-The rent is 600. {SECRET}." in diff and "+The rent is 700." in diff
    assert not value(workspace, "search", SECRET, "--mode", "lexical")["hits"]
    value(workspace, "remove", str(path))
    assert value(workspace, "documents")["documents"] == []
    assert [version["ended"] is None for version in value(workspace, "versions", str(path))["versions"]] == [False] * 3
    assert holding(workspace, SECRET)
    value(workspace, "purge", str(path), "--yes")
    assert not holding(workspace, SECRET)
    assert "no document is or was called" in str(run("versions", str(path), "--workspace", str(workspace), code=1).exception)


def test_only_so_many_old_texts_are_kept(workspace: Path, tmp_path: Path) -> None:
    config = workspace / "raftsmith.toml"
    config.write_text(config.read_text().replace("keep_versions = 5", "keep_versions = 1"))
    path = tmp_path / "lease.txt"
    for rent in (500, 600, 700):
        path.write_text(f"The rent is {rent}.")
        value(workspace, "add", str(path))
    assert [version["kept"] for version in value(workspace, "versions", str(path))["versions"]] == [False, True, True]
    result = run("versions", str(path), "--show", "1", "--workspace", str(workspace), code=1)
    assert "raise ingest.keep_versions" in str(result.exception)


def test_an_old_version_flags_what_was_built_on_it(workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "lease.txt"
    path.write_text("The rent is 500.")
    value(workspace, "add", str(path))
    old = value(workspace, "documents", str(path))["document_id"]
    folder = workspace / "datasets" / "d"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"files": {"examples.jsonl": "f" * 64}}))
    (folder / "examples.jsonl").write_text(json.dumps({"document_id": old}))
    path.write_text("The rent is 600.")
    value(workspace, "add", str(path))
    report = value(workspace, "purge", str(path), "--yes")
    assert old in report["documents"] and len(report["documents"]) == 2 and report["datasets"] == ["d"]


def test_rights_and_facts_by_the_command_line(workspace: Path, tmp_path: Path) -> None:
    path, other = tmp_path / "a.txt", tmp_path / "b.txt"
    path.write_text("The rent is 500.")
    other.write_text("The rent of the other is 600.")
    value(workspace, "add", str(path), "--reader", "alice", "--fact", "licence=CC0", "--fact", "date=2024-02-01")
    value(workspace, "add", str(other))
    shown = value(workspace, "documents", str(path))
    assert (shown["readers"], shown["metadata"]) == (["alice"], {"date": "2024-02-01", "licence": "CC0"})

    def found(*words: str) -> list[str]:
        return sorted(Path(hit["source"]).name for hit in value(workspace, "search", "rent", *words)["hits"])

    assert found() == ["a.txt", "b.txt"] and found("--reader", "bob") == ["b.txt"]
    assert found("--where", "licence=CC0") == found("--where", "date>=2024-01-01") == ["a.txt"]
    value(workspace, "rights", str(path), "--reader", "bob", "--reader", "carol")
    assert found("--reader", "bob") == ["a.txt", "b.txt"] and found("--reader", "alice") == ["b.txt"]
    path.write_text("The rent is 700.")
    value(workspace, "sync", str(tmp_path))
    listed = value(workspace, "rights")["documents"]
    assert [(Path(row["source"]).name, row["readers"]) for row in listed] == [("a.txt", ["bob", "carol"]), ("b.txt", [])]
    value(workspace, "rights", str(path), "--everybody")
    assert found("--reader", "x") == ["a.txt", "b.txt"]
    assert value(workspace, "documents", str(path))["metadata"]["licence"] == "CC0"
    assert "not both" in run("rights", "a", "--everybody", "--reader", "b", "--workspace", str(workspace), code=2).output


def test_failed_files_are_read_again_by_documents_retry(workspace: Path, tmp_path: Path) -> None:
    bad, worse = tmp_path / "a.pdf", tmp_path / "b.pdf"
    for path in (bad, worse):
        path.write_bytes(b"%PDF-1.7 broken")
    value(workspace, "add", str(bad), "--collection", "law")
    value(workspace, "add", str(worse))
    assert [row["collection"] for row in value(workspace, "documents", "--failed")["failed"]] == ["law", "default"]
    bad.write_text("The lease, saved anew.")
    assert [row["path"] for row in value(workspace, "documents", "--retry")["failed"]] == [str(worse)]
    assert [entry["source"] for entry in value(workspace, "documents")["documents"]] == [str(bad)]


def test_a_mapping_is_remembered_for_its_file(workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    table = folder / "cases.csv"
    table.write_text("ref,summary\nA1,The first dispute.\nA2,The second dispute.\n")
    (folder / "note.txt").write_text("A note beside it.\n")
    assert value(workspace, "add", str(folder), "--map", "text=summary", "--map", "id=ref")["documents"] == 3
    again = value(workspace, "sync", str(folder))
    assert (again["added"], again["unchanged"]) == (0, 2)
    table.write_text(table.read_text() + "A3,The third dispute.\n")
    assert value(workspace, "sync", str(folder))["added"] == 1
    shown = value(workspace, "documents")
    assert {entry["source"] for entry in shown["documents"]} == {
        f"{table}#A1",
        f"{table}#A2",
        f"{table}#A3",
        str(folder / "note.txt"),
    }
    mapping = {"text": ["summary"], "title": None, "id": "ref", "metadata": []}
    assert shown["mappings"] == [{"file": str(table), "collection": "default", "mapping": mapping}]
    # Another collection reads the file anew, and a mapping that does not fit does not replace the one that does.
    assert value(workspace, "add", str(table), "--collection", "other")["documents"] == 1
    failed = value(workspace, "add", str(table), "--map", "text=absent")["failed"]
    assert "no field 'absent'" in failed[0]["reason"]
    assert value(workspace, "documents")["mappings"] == shown["mappings"]
    assert value(workspace, "add", "--retry")["failed"] == []
    # --map replaces; remove forgets.
    assert value(workspace, "add", str(table), "--map", "text=summary", "--map", "metadata=ref")["added"] == 1
    assert value(workspace, "documents")["mappings"][0]["mapping"]["metadata"] == ["ref"]
    value(workspace, "remove", str(table))
    assert value(workspace, "documents")["mappings"] == [] and not (workspace / "mappings.json").exists()


def test_a_mapping_goes_with_its_file_and_damage_is_named(workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.csv").write_text(f"ref,summary\n{name},The dispute {name}.\n")
    value(workspace, "add", str(folder), "--map", "text=summary")
    (folder / "a.csv").unlink()
    assert value(workspace, "sync", str(folder))["removed"] == 1
    assert [Path(entry["file"]).name for entry in value(workspace, "documents")["mappings"]] == ["b.csv"]
    value(workspace, "purge", str(folder / "b.csv"), "--yes")
    assert not (workspace / "mappings.json").exists()
    (workspace / "mappings.json").write_text('{"format": 1, "collections": {"default": []}}')
    assert "delete it and give --map again" in str(run("add", str(folder), "--workspace", str(workspace), code=1).exception)


def test_patterns_are_expanded(workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "contracts"
    for name in ("a.txt", "deep/b.txt", "deep/c.md", ".hidden/d.txt", "x[1].txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"The text of {name}.\n")
    (folder / "deep" / "link.txt").symlink_to(folder / "a.txt")
    report = value(workspace, "add", str(folder / "**" / "*.txt"))
    names = sorted(Path(entry["source"]).name for entry in value(workspace, "documents")["documents"])
    assert (report["added"], names) == (3, ["a.txt", "b.txt", "x[1].txt"])
    assert value(workspace, "add", str(folder / "x[1].txt"))["unchanged"] == 1  # a file of that name comes first
    assert value(workspace, "add", "-", stdin=f"{folder}/dee?/\n")["added"] == 1
    missing = run("add", str(folder / "*.pdf"), "--workspace", str(workspace), code=1)
    assert "matches nothing" in str(missing.exception) and "accepted" in str(missing.exception)
    assert "is no pattern" in str(run("add", str(folder / "**.txt"), "--workspace", str(workspace), code=1).exception)
