"""Make a Paper of the raw values of a record: plain text, names, years and links in the shapes that papers have.

Knows what exports of reference managers and publishers put into such values; knows nothing of their formats.
"""

import html
import re
from collections.abc import Callable, Iterable
from typing import TypeVar
from urllib.parse import quote, unquote

from pydantic import ValidationError

from chatbot.records import Paper, Skipped

Record = TypeVar("Record")
_ATTRIBUTES = r"""(?:\s+[\w:-]+=(?:"[^"]*"|'[^']*'))*\s*/?>"""
_BLOCK_TAG = re.compile(rf"</?(?:jats:)?(?:p|br|div|title|sec|list|list-item|ul|ol|li|h\d){_ATTRIBUTES}", re.I)
_INLINE_TAG = re.compile(
    rf"</?(?:(?:jats:)?(?:a|b|bold|code|em|i|italic|sc|span|strong|sub|sup|tt|u)|mml:\w+){_ATTRIBUTES}", re.I
)
_ENTITY = re.compile(r"&(?:#\d+|#x[\da-f]+|[a-z]+\d*);", re.I)
_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|2[01])\d\d")
_DOI = re.compile(r"10\.\d{4,9}/[^\s{}\"]+")
_DOI_LINK = re.compile(r"//(?:dx\.)?doi\.org/([^?#]+)", re.I)
_ARXIV = re.compile(
    r"(\d\d(?:0[1-9]|1[0-2])\.\d{4,5}|[a-z-]+(?:\.[a-z]{2})?/\d\d(?:0[1-9]|1[0-2])\d{3})(?:v\d+)?(?![\d/])", re.I
)
_ARXIV_PLACE = re.compile(r"^\s*(?:arxiv\s*:\s*)?|\barxiv\.org/[a-z]+/|//huggingface\.co/papers/", re.I)
_ARXIV_DOI = "10.48550/arxiv."
_SUBJECT_CLASS = re.compile(r"\.[a-z]{2}/")
_LINK = re.compile(r"https?://[^\s{}\"<>]+")


class NoAbstract(ValueError):
    """A record lacks nothing but its abstract; ``paper`` is the rest."""

    def __init__(self, paper: Paper) -> None:
        super().__init__("no abstract")
        self.paper = paper


def make_paper(
    *,
    title: str,
    abstract: str,
    id: str = "",
    authors: Iterable[str] = (),
    venue: str = "",
    year: str | int | None = None,
    url: str = "",
    doi: str = "",
    arxiv: str = "",
) -> Paper:
    """Return the paper, with markup and line breaks taken out of its texts.

    ``year`` may be a date. Without a ``url``, the paper's is that of its DOI or arXiv id. Raises ValueError without a
    title, and NoAbstract without an abstract.
    """
    title, abstract = make_plain(title), make_plain(abstract)
    if not title:
        raise ValueError("no title")
    found_year = _YEAR.search(str(year or ""))
    found_doi, arxiv_id = find_identifiers(doi, arxiv, url)
    paper = Paper(
        id=make_plain(id),
        title=title,
        abstract=abstract,
        authors=tuple(filter(None, map(make_plain, authors))),
        venue=make_plain(venue),
        year=int(found_year[0]) if found_year else None,
        url=_find_link(url, doi, arxiv),
        doi=found_doi,
        arxiv_id=arxiv_id,
    )
    return require_abstract(paper)


def require_abstract(paper: Paper) -> Paper:
    """Return ``paper``. Raises NoAbstract when it has none."""
    if not paper.abstract:
        raise NoAbstract(paper)
    return paper


def find_identifiers(doi: str, arxiv: str, url: str) -> tuple[str, str]:
    """Return the DOI and the arXiv id, normalised, as far as the three fields of a record tell them.

    A DOI that is arXiv's own tells the id too. ``arxiv`` may be any id: what is none of arXiv's is passed over.
    """
    link = _DOI_LINK.search(url)
    found = _DOI.search(make_plain(doi)) or (_DOI.match(unquote(link[1])) if link else None)
    normal = found[0].rstrip(".,;").lower() if found else ""
    given = (arxiv, url, normal.removeprefix(_ARXIV_DOI) if normal.startswith(_ARXIV_DOI) else "")
    return normal, next(filter(None, map(_find_arxiv_id, given)), "")


def _find_arxiv_id(text: str) -> str:
    found = _match_arxiv(text)
    return _SUBJECT_CLASS.sub("/", found[1].lower()) if found else ""


def _match_arxiv(text: str) -> re.Match[str] | None:
    """Return the id of arXiv where one has its place in ``text``."""
    places = (_ARXIV.match(text, place.end()) for place in _ARXIV_PLACE.finditer(text))
    return next(filter(None, places), None)


def make_plain(text: str) -> str:
    """Return ``text`` on one line, without the HTML and JATS tags that abstracts come with."""
    text = _INLINE_TAG.sub("", _BLOCK_TAG.sub(" ", text))
    text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    # Lone surrogates are valid in JSON escapes but in no file or index.
    return " ".join(text.encode("utf-8", "replace").decode().split())


def turn_name(name: str) -> str:
    """Return "Ada King" for "King, Ada", and "Ada King Jr." for "King, Ada, Jr."."""
    last, *rest = (part.strip() for part in name.rstrip(" ,").split(","))
    return " ".join([*rest[:1], last, *rest[1:]])


def paper_or_skipped(where: str, to_paper: Callable[[Record], Paper], record: Record) -> Paper | Skipped:
    """Return the paper of ``record``, or a Skipped that says why ``to_paper`` raised ValueError."""
    try:
        return to_paper(record)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        return Skipped(where, make_plain(f"{'.'.join(map(str, first['loc']))[:80]}: {first['msg']}"))
    except NoAbstract as error:
        return Skipped(where, str(error), is_fault=False, paper=error.paper)
    except ValueError as error:
        return Skipped(where, make_plain(str(error))[:200])
    except RecursionError:
        return Skipped(where, "nested too deeply")


def _find_link(url: str, doi: str, arxiv: str) -> str:
    if link := _LINK.search(url):
        return link[0].rstrip(".,;")
    if found := _DOI.search(doi):
        return f"https://doi.org/{quote(found[0].rstrip('.,;'), safe='/:;().')}"
    if found := _match_arxiv(arxiv):
        return f"https://arxiv.org/abs/{found[0]}"
    return ""
