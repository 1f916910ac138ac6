"""PubMed citations (NLM): one reading an article, its abstract under the labels that structure it.

Of an article without abstract the title is the text. A notice of retraction, of concern or of an erratum is a paragraph
of its own.
"""

from __future__ import annotations

from lxml import etree

from corpora.readers.xml.elements import child, find, inline, iso_date, stated
from corpora.readers.xml.vocabularies import parse
from corpora.records import Block, Reading

_NOTICES = {
    "RetractionIn": "Retraction in",
    "PartialRetractionIn": "Partial retraction in",
    "RetractionOf": "Retraction of",
    "ExpressionOfConcernIn": "Expression of concern in",
    "ErratumIn": "Erratum in",
    "CorrectedandRepublishedIn": "Corrected and republished in",
}


def read(data: bytes) -> list[Reading]:
    """One reading for each article or book chapter, in order; `part` is its PMID."""
    root = parse(data)
    citations = [*find(root, "MedlineCitation", "BookDocument")]
    return [_reading(citation) for citation in citations]


def _reading(citation: etree._Element) -> Reading:
    title = _first(citation, "ArticleTitle", "BookTitle")
    blocks = [Block("heading", title, 1)] if title else []
    for vernacular in find(citation, "VernacularTitle"):
        blocks.append(Block("paragraph", inline(vernacular)))
    for notice in find(citation, "CommentsCorrections"):
        if notice.get("RefType") in _NOTICES:
            blocks.append(Block("paragraph", f"{_NOTICES[notice.get('RefType')]}: {_first(notice, 'RefSource')}"))
    for abstract in find(citation, "Abstract", "OtherAbstract"):
        blocks.extend(_abstract(abstract))
    keywords = [inline(keyword) for keyword in find(citation, "Keyword")]
    if keywords:
        blocks += [Block("heading", "Keywords", 2), Block("paragraph", "; ".join(keywords))]
    if title and all(block.kind == "heading" for block in blocks):
        blocks.append(Block("paragraph", title))
    pmid = inline(child(citation, "PMID"))
    return Reading(title or None, blocks, pmid, _metadata(citation, pmid))


def _abstract(abstract: etree._Element) -> list[Block]:
    language = abstract.get("Language")
    blocks = [Block("heading", f"Abstract ({language})" if language else "Abstract", 2)]
    for text in find(abstract, "AbstractText"):
        if text.get("Label"):
            blocks.append(Block("heading", text.get("Label").capitalize(), 3))
        blocks.append(Block("paragraph", inline(text)))
    for rights in find(abstract, "CopyrightInformation"):
        blocks.append(Block("paragraph", inline(rights)))
    return blocks


def _metadata(citation: etree._Element, pmid: str) -> dict[str, str]:
    record = citation.getparent()
    ids = {entry.get("IdType"): inline(entry) for entry in find(record, "ArticleId") if not _in_references(entry)}
    ids |= {entry.get("EIdType"): inline(entry) for entry in find(citation, "ELocationID")}
    return stated(
        identifier=f"PMID {pmid}" if pmid else "",
        doi=ids.get("doi"),
        pmcid=ids.get("pmc"),
        date=_date(citation),
        author="; ".join(filter(None, map(_author, find(citation, "Author")))),
        journal=_first(citation, "Title") or _first(citation, "MedlineTA", "PublisherName"),
        type="; ".join(inline(kind) for kind in find(citation, "PublicationType")),
        subjects="; ".join(inline(subject) for subject in find(citation, "DescriptorName")),
        language=_first(citation, "Language"),
    )


def _in_references(entry: etree._Element) -> bool:
    return next(entry.iterancestors("Reference"), None) is not None


def _date(citation: etree._Element) -> str:
    for date in find(citation, "ArticleDate", "PubDate", "ContributionDate"):
        year, month, day = (inline(child(date, name)) for name in ("Year", "Month", "Day"))
        if stated_date := iso_date(year or inline(child(date, "MedlineDate"))[:4], month, day):
            return stated_date
    return ""


def _author(author: etree._Element) -> str:
    given_names = inline(child(author, "ForeName", "Initials"))
    return f"{given_names} {inline(child(author, 'LastName'))}".strip() or inline(child(author, "CollectiveName"))


def _first(element: etree._Element, *names: str) -> str:
    return next((text for descendant in find(element, *names) if (text := inline(descendant))), "")
