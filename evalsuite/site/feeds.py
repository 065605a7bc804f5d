"""Atom and JSON feeds of a site's reports, the newest first."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from evalsuite.documents import storable
from evalsuite.exports.texts import xml_text

ATOM, JSON_FEED = "feed.atom", "feed.json"
_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Entry:
    """One report: its id, title, when its newest run was made, where it is, and a sentence."""

    id: str
    title: str
    date: str
    path: str
    summary: str


def atom(title: str, url: str, entries: Sequence[Entry]) -> bytes:
    """RFC 4287; without an address of the site, links are relative to the feed itself."""
    feed = Element("feed", xmlns="http://www.w3.org/2005/Atom")
    newest = max((timestamp(entry.date) for entry in entries), default=_EPOCH)
    _add(feed, id=_urn("site", url or title), title=title, updated=newest)
    SubElement(SubElement(feed, "author"), "name").text = "evalsuite"
    SubElement(feed, "link", rel="self", href=f"{url}{ATOM}")
    SubElement(feed, "link", rel="alternate", href=f"{url}index.html")
    for entry in entries:
        made, when = SubElement(feed, "entry"), timestamp(entry.date)
        _add(made, id=_urn("report", entry.id), title=entry.title, updated=when)
        SubElement(made, "link", rel="alternate", href=f"{url}{entry.path}")
        _add(made, summary=entry.summary)
    indent(feed, "")
    document: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _add(parent: Element, **texts: str) -> None:
    for name, text in texts.items():
        SubElement(parent, name).text = xml_text(text)


def json_feed(title: str, url: str, entries: Sequence[Entry]) -> bytes:
    """JSON Feed 1.1."""
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title,
        "home_page_url": f"{url}index.html",
        "feed_url": f"{url}{JSON_FEED}",
        "items": [
            {
                "id": _urn("report", entry.id),
                "url": f"{url}{entry.path}",
                "title": entry.title,
                "content_text": entry.summary,
                "date_published": timestamp(entry.date),
            }
            for entry in entries
        ],
    }
    return (storable(json.dumps(document, indent=1, ensure_ascii=False)) + "\n").encode()


def timestamp(date: str) -> str:
    """RFC 3339 in UTC; what cannot be read is the beginning of 1970, for a feed needs a date."""
    try:
        read = datetime.fromisoformat(date)
    except ValueError:
        return _EPOCH
    read = read if read.tzinfo else read.replace(tzinfo=UTC)
    return read.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _urn(kind: str, name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, storable(f"evalsuite:{kind}:{name}")).urn
