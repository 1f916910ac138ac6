"""Write the sample collections in the formats users have, from the sources beside this file.

    python corpora/samples/build.py            # rewrites corpora/samples/medical and corpora/samples/legal

Each source is Markdown with a header of title, topic, jurisdiction and sources. The formats take turns by name:
Markdown, HTML with a page around it, wrapped text (every other one in Windows-1252), DOCX, and PDF with running header
and footer. The same sources give the same bytes.
"""

from __future__ import annotations

import html
import re
import shutil
import sys
import textwrap
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

HERE = Path(__file__).resolve().parent
COLLECTIONS = ("medical", "legal")
FORMATS = ("md", "html", "txt", "docx", "pdf")
WHEN = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Source:
    """One source: `blocks` are (kind, text), kind being "h1", "h2", "p" or "li"; the list of sources closes them."""

    name: str
    title: str
    topic: str
    jurisdiction: str
    sources: tuple[str, ...]
    blocks: tuple[tuple[str, str], ...]


def read_source(path: Path) -> Source:
    """Parse a source file. Raises ValueError, naming it, when its header is incomplete."""
    match = re.fullmatch(r"---\n(.*?)\n---\n(.*)", path.read_text(encoding="utf-8"), re.S)
    if match is None:
        raise ValueError(f"{path}: no header")
    header: dict[str, str] = {}
    sources: list[str] = []
    for line in match[1].splitlines():
        if line.startswith("  - "):
            sources.append(line[4:].strip())
        else:
            key, _, value = line.partition(":")
            header[key.strip()] = value.strip()
    if not (header.get("title") and header.get("topic") and header.get("jurisdiction") and len(sources) >= 2):
        raise ValueError(f"{path}: the header needs title, topic, jurisdiction and at least two sources")
    blocks: list[tuple[str, str]] = []
    for paragraph in re.split(r"\n\s*\n", match[2].strip()):
        for piece in re.split(r"\n(?=- |#{1,2} )", paragraph):
            text = " ".join(piece.split())
            kind = "h1" if text.startswith("# ") else "h2" if text.startswith("## ") else "li" if text.startswith("- ") else "p"
            blocks.append((kind, re.sub(r"^(?:#{1,2}|-) ", "", text)))
    blocks += [("h2", "Sources"), *(("li", f"{source}.") for source in sources)]
    return Source(path.stem, header["title"], header["topic"], header["jurisdiction"], tuple(sources), tuple(blocks))


def to_markdown(source: Source) -> bytes:
    """Markdown with front matter."""
    head = f"---\ntitle: {source.title}\ntopic: {source.topic}\njurisdiction: {source.jurisdiction}\n---\n\n"
    marks = {"h1": "# {}\n\n", "h2": "## {}\n\n", "p": "{}\n\n", "li": "- {}\n"}
    lines = [marks[kind].format(text) for kind, text in source.blocks]
    body = "".join(lines)
    return (head + re.sub(r"(?m)(^- .*\n)(?=[^-\n])", r"\1\n", body)).encode()


def to_html(source: Source) -> bytes:
    """A page as an intranet would have it, with navigation and footer around the article."""
    body: list[str] = []
    for kind, text in source.blocks:
        previous_is_item = bool(body) and body[-1].startswith("<li>")
        if kind == "li" and not previous_is_item:
            body.append("<ul>")
        if kind != "li" and previous_is_item:
            body.append("</ul>")
        body.append(f"<{kind}>{html.escape(text)}</{kind}>")
    if body[-1].startswith("<li>"):
        body.append("</ul>")
    joined = "\n".join(body)
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{html.escape(source.title)} | Practice notes</title>
<style>body {{ font-family: Georgia, serif; max-width: 42em; margin: auto }}</style></head>
<body>
<nav><a href="/">Home</a> <a href="/{source.topic}">More on {html.escape(source.topic)}</a> <a href="/search">Search</a></nav>
<main>
{joined}
</main>
<footer>Practice notes. For staff use only. <a href="/feedback">Report an error</a></footer>
<script>document.title += " ";</script>
</body>
</html>
""".encode()


def to_text(source: Source, encoding: str) -> bytes:
    """Plain text wrapped at 76 columns, headings underlined."""
    lines: list[str] = []
    for kind, text in source.blocks:
        if kind in ("h1", "h2"):
            lines += ["", text, ("=" if kind == "h1" else "-") * min(len(text), 76), ""]
        elif kind == "li":
            lines += [*textwrap.wrap(text, 76, initial_indent="  * ", subsequent_indent="    ", break_on_hyphens=False)]
        else:
            lines += [*textwrap.wrap(text, 76, break_on_hyphens=False), ""]
    return ("\n".join(lines).strip() + "\n").encode(encoding)


def to_docx(source: Source) -> bytes:
    """A Word document with heading and list styles; times are fixed so that the bytes are."""
    import docx

    document = docx.Document()
    properties = document.core_properties
    properties.title, properties.subject, properties.author = source.title, source.topic, "raftsmith samples"
    properties.created = properties.modified = WHEN.replace(tzinfo=None)
    for kind, text in source.blocks:
        if kind in ("h1", "h2"):
            document.add_heading(text, level=int(kind[1]))
        else:
            document.add_paragraph(text, style="List Bullet" if kind == "li" else None)
    raw = BytesIO()
    document.save(raw)
    fixed = BytesIO()
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, date_time=WHEN.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, old.read(name))
    return fixed.getvalue()


def to_pdf(source: Source) -> bytes:
    """A PDF with a text layer, a running header and a page number."""
    from reportlab.lib.pagesizes import A5
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import ListFlowable, ListItem, Paragraph, SimpleDocTemplate

    styles = getSampleStyleSheet()
    names = {"h1": "Heading1", "h2": "Heading2", "p": "BodyText", "li": "BodyText"}
    flow: list[object] = []
    for kind, text in source.blocks:
        # The standard PDF fonts have no superscript digits and would print a black box.
        paragraph = Paragraph(html.escape(text.replace("⁹", "^9")), styles[names[kind]])
        flow.append(ListFlowable([ListItem(paragraph)], bulletType="bullet", start="•") if kind == "li" else paragraph)

    def frame(canvas: Canvas, template: SimpleDocTemplate) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(50, A5[1] - 30, "Practice notes: internal")
        canvas.drawCentredString(A5[0] / 2, 24, f"Page {template.page}")

    target = BytesIO()
    template = SimpleDocTemplate(
        target, pagesize=A5, title=source.title, author="raftsmith samples", invariant=1, topMargin=56, bottomMargin=50
    )
    template.build(flow, onFirstPage=frame, onLaterPages=frame)
    return target.getvalue()


def build(collection: str, target: Path) -> list[Path]:
    """Write every document of `collection` into `target`, replacing what is there, and give their paths."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    written = []
    for number, path in enumerate(sorted((HERE / "sources" / collection).glob("*.md"))):
        source, ending = read_source(path), FORMATS[number % len(FORMATS)]
        if ending == "txt":
            data = to_text(source, "cp1252" if number // len(FORMATS) % 2 else "utf-8")
        else:
            data = {"md": to_markdown, "html": to_html, "docx": to_docx, "pdf": to_pdf}[ending](source)
        written.append(target / f"{source.name}.{ending}")
        written[-1].write_bytes(data)
    return written


if __name__ == "__main__":
    for name in COLLECTIONS:
        print(f"{name}: {len(build(name, HERE / name))} documents", file=sys.stderr)
