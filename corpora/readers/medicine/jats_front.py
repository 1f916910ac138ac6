"""What an article in JATS states about itself in its front matter. Knows no text of the article."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from corpora.readers.xml.elements import child, find, inline, iso_date, local, stated


def metadata(front: etree._Element | None, article: etree._Element) -> dict[str, str]:
    """Metadata of an article, as far as it is stated.

    Identifiers, date of publication, licence, people, place in the journal, type and subjects.
    """
    if front is None:
        return stated(type=article.get("article-type"))
    meta = child(front, "article-meta")
    meta = front if meta is None else meta
    ids = {entry.get("pub-id-type"): inline(entry) for entry in meta if local(entry) == "article-id"}
    number = ids.get("pmcid") or ids.get("pmc") or ids.get("pmcaid") or ""
    pmcid = f"PMC{number.removeprefix('PMC')}" if number else ""
    people: dict[str, list[str]] = {}
    for person in find(meta, "contrib"):
        people.setdefault(person.get("contrib-type", "author"), []).append(_author(person))
    return stated(
        identifier=pmcid or ids.get("doi") or ids.get("pmid"),
        pmcid=pmcid,
        doi=ids.get("doi"),
        pmid=ids.get("pmid"),
        date=max(_dates(meta), key=len, default=""),
        licence=_licence(meta),
        author="; ".join(filter(None, people.get("author", ()))),
        editor="; ".join(filter(None, people.get("editor", ()))),
        journal=next((text for title in find(front, "journal-title", "journal-id") if (text := inline(title))), ""),
        volume=inline(child(meta, "volume")),
        issue=inline(child(meta, "issue")),
        pages="-".join(filter(None, (inline(child(meta, name)) for name in ("fpage", "lpage"))))
        or inline(child(meta, "elocation-id")),
        type=article.get("article-type"),
        subjects="; ".join(dict.fromkeys(inline(subject) for subject in find(meta, "subject"))),
        language=article.get("{http://www.w3.org/XML/1998/namespace}lang"),
    )


def _dates(meta: etree._Element) -> Iterator[str]:
    """Dates of publication, the earliest given first; the fullest one is taken."""
    for date in find(meta, "pub-date"):
        yield iso_date(*(inline(child(date, name)) for name in ("year", "month", "day")))


def _licence(meta: etree._Element) -> str:
    for licence in find(meta, "license"):
        link = next((value for name, value in licence.attrib.items() if str(name).endswith("}href")), "")
        stated_link = next((inline(element) for element in find(licence, "license_ref")), "")
        return link or stated_link or inline(licence)
    return next((inline(element) for element in find(meta, "copyright-statement")), "")


def _author(person: etree._Element) -> str:
    name = next(find(person, "name", "string-name"), None)
    if name is None:
        return next((inline(element) for element in find(person, "collab")), "")
    return f"{inline(child(name, 'given-names'))} {inline(child(name, 'surname'))}".strip() or inline(name)
