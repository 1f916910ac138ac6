"""The rooms of each package form a ladder: a room imports only rooms below it, and the top of its package only what it may.

A room is a folder directly below a package; what lies in it counts as one. A file directly in a package is a room of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LADDERS: dict[str, tuple[str, ...]] = {
    "corpora": (
        "lazy_exports errors records progress durable_files splits text chunking personal_data readers store workspace ingest "
        "questions samples commands"
    ).split(),
    "retrieval": (
        "records model_options model_folders vector_index encoders chunk_vectors search langchain_adapter inspection indexing "
        "evaluation tuning commands"
    ).split(),
    "raft": (
        "records model_selection abstention teachers prompts quotes answering examples training evaluation commands"
    ).split(),
    "serving": (
        "answer_text logs http annotate doctor purge api lifecycle configuration demo commands main"
    ).split(),
}  # fmt: skip
MOST_FILES = 14
"""Of a folder, without its `__init__.py`."""


def room_of(module: str) -> str:
    """The room of a module of ours; "" for a package itself."""
    return module.split(".")[1] if "." in module else ""


def imported_modules(source: str, package: str) -> Iterator[tuple[int, str]]:
    """`(line, module)` of every import of `package`'s own modules in `source`, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == package:
            names = [f"{package}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        yield from ((node.lineno, name) for name in names if name.startswith(f"{package}."))


def climbs(source: str, package: str, room: str) -> list[str]:
    """Every import in a file of `room` that goes to a room above it."""
    ladder = LADDERS[package]
    return [
        f"line {line}: {room} imports {name}"
        for line, name in imported_modules(source, package)
        if ladder.index(room_of(name)) > ladder.index(room)
    ]


@pytest.mark.parametrize("package", LADDERS)
def test_every_room_has_its_place_on_the_ladder(package: str) -> None:
    folder = ROOT / package
    rooms = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    assert rooms - {"__init__"} == set(LADDERS[package])


@pytest.mark.parametrize("package", LADDERS)
def test_no_room_imports_one_above_it(package: str) -> None:
    wrong = []
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT / package).with_suffix("").parts
        if parts[0] != "__init__":
            wrong += [f"{path.relative_to(ROOT)} {line}" for line in climbs(path.read_text(), package, parts[0])]
    assert not wrong, "\n".join(wrong)


def test_a_planted_climb_is_found() -> None:
    assert climbs("def late():\n    from corpora.store import corpus_store\n", "corpora", "text") == [
        "line 2: text imports corpora.store"
    ]
    assert climbs("from corpora import workspace", "corpora", "store") == ["line 1: store imports corpora.workspace"]
    assert climbs("import corpora.text.sentences\nfrom corpora.store.schema import OPEN", "corpora", "store") == []


@pytest.mark.parametrize("package", LADDERS)
def test_a_room_can_be_overlooked(package: str) -> None:
    for folder in {path.parent for path in (ROOT / package).rglob("*.py")}:
        files = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(files) <= MOST_FILES, f"{folder.relative_to(ROOT)} has {len(files)} files"
        opening = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
        assert opening, f"{folder.relative_to(ROOT)} does not say what it is for"


@pytest.mark.parametrize("package", LADDERS)
def test_the_tests_mirror_the_rooms(package: str) -> None:
    """Every folder of tests is a room's name, and shared helpers lie beside the rooms that share them."""
    data = {"stores", "disk", "__pycache__"}
    for folder in (ROOT / "tests" / package).rglob("*"):
        if folder.is_dir() and folder.name not in data:
            assert (ROOT / folder.relative_to(ROOT / "tests")).is_dir(), f"{folder.relative_to(ROOT)} mirrors no room"
