"""arXiv by ids, addresses or a query with days, asked through the ``arxiv`` package that the extra ``arxiv`` brings.

Knows how such sources are written and what arXiv answers; leaves paging, delays and second tries to the package.
"""

import logging
import re
from collections.abc import Iterator
from datetime import date
from functools import cache, partial
from typing import Any

from chatbot.errors import SourceError
from chatbot.records import Paper, Skipped
from chatbot.settings import Settings
from chatbot.sources.fields import find_identifiers, make_paper, make_plain, paper_or_skipped

NAME = "arxiv:ID, arxiv:QUERY DAY..DAY or an address at arxiv.org"
_PREFIX = "arxiv:"
_ADDRESS = re.compile(r"https?://(?:www\.|export\.)?arxiv\.org/", re.I)
_DAYS = re.compile(r"(?:^|\s+)(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$")
_OWN_HOST = re.compile(r"//(?:[\w-]+\.)*arxiv\.org(?:[/:]|$)", re.I)
_LEAST_DELAY = 3.0  # seconds between requests, which arXiv's terms of use ask for
_TRIES = 4
_PAGE = 200
_MOST_PATIENCE = 600  # seconds that a server may ask to wait
_INSTALL = "run: pip install 'paper-chatbot[arxiv]'"


def claims(name: str) -> bool:
    """Tell whether ``name`` begins with ``arxiv:`` or is an address of arXiv."""
    return name.lower().startswith(_PREFIX) or bool(_ADDRESS.match(name))


def read(name: str, settings: Settings) -> Iterator[Paper | Skipped]:
    """Yield the papers in order of submission, and a Skipped for an id that arXiv does not have.

    Raises SourceError when the package is missing, the name is no query, or arXiv does not answer or refuses; what
    was yielded before that is good.
    """
    try:
        import arxiv
        import requests
    except ImportError as error:
        raise SourceError(f"{name} needs the arxiv package; {_INSTALL}") from error
    ids, query = _parse(name)
    order = {"sort_by": arxiv.SortCriterion.SubmittedDate, "sort_order": arxiv.SortOrder.Ascending}
    found = set[str]()
    try:
        client = _make_client(settings.arxiv_url, settings.source_delay, settings.source_timeout)
        for at in range(0, len(ids) or 1, _PAGE):
            search = arxiv.Search(query=query, id_list=ids[at : at + _PAGE], max_results=None, **order)
            for result in client.results(search):
                if "/api/errors" in result.entry_id:
                    raise SourceError(f"arXiv does not take {name} ({make_plain(result.summary)}); mend it")
                paper = paper_or_skipped(result.entry_id, _to_paper, result)
                found.add(find_identifiers("", "", result.entry_id)[1])
                yield paper
    except (arxiv.ArxivError, requests.RequestException, ValueError) as error:  # that one of a date that is none
        raise SourceError(
            f"{name}: {_explain(error)}; what came before is kept: run the same command again later"
        ) from error
    for missing in (each for each in ids if each not in found):
        yield Skipped(missing, "arXiv has no paper with this id")


def _parse(name: str) -> tuple[list[str], str]:
    """Return the ids that ``name`` lists, else the query in arXiv's own language."""
    if _ADDRESS.match(name):
        if not (one := find_identifiers("", "", name)[1]):
            raise SourceError(f"{name} is no paper's address such as https://arxiv.org/abs/2410.12345")
        return [one], ""
    text = name[len(_PREFIX) :].strip()
    ids = [find_identifiers("", part, "")[1] for part in re.split(r"[\s,]+", text)]
    if all(ids):
        return list(dict.fromkeys(ids)), ""
    query = text
    if days := _DAYS.search(text):
        try:
            first, last = (date.fromisoformat(day).strftime("%Y%m%d") for day in days.groups())
        except ValueError as error:
            raise SourceError(f"{name}: {error}; write days as 2024-01-31") from error
        asked = text[: days.start()].strip()
        query = f"submittedDate:[{first}0000 TO {last}2359]"
        query = f"({asked}) AND {query}" if asked else query
    if not query:
        raise SourceError(
            f"{name} asks for nothing; write arxiv:2410.12345 or 'arxiv:cat:cs.CL 2024-01-01..2024-01-31'"
        )
    return [], query


@cache
def _make_client(url: str, delay: float, timeout: float) -> Any:
    """Return a client to which 429 with Retry-After, a time limit and broken pages are taught.

    It is one for all sources of a process, because it keeps to the ``delay`` between its own requests alone.
    """
    import arxiv
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    logging.getLogger("arxiv").addHandler(logging.NullHandler())  # it would print each entry that it leaves out
    delay = max(delay, _LEAST_DELAY) if _OWN_HOST.search(url) else delay
    client = arxiv.Client(_PAGE, delay, _TRIES - 1)
    client.query_url_format = f"{url.replace('{', '').replace('}', '')}?{{}}"
    waits = Retry(_TRIES - 1, connect=0, read=0, raise_on_status=False, retry_after_max=_MOST_PATIENCE)
    session = client._session
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=waits))
    session.request = partial(session.request, timeout=timeout)
    session.hooks["response"].append(_check_feed)
    return client


def _check_feed(response: Any, **_: object) -> None:
    """Raise what the client answers with another try for a page that is no whole feed."""
    from lxml import etree
    from requests import exceptions

    if response.status_code != 200:
        return
    try:
        root = etree.fromstring(response.content, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise exceptions.ConnectionError(f"a broken page ({error.msg})") from error
    if root.getroottree().docinfo.doctype:  # arXiv sends none, and one may define entities that grow without end
        raise exceptions.ConnectionError("a page that defines entities")
    if not str(root.tag).endswith("}feed"):
        raise exceptions.ConnectionError("a page that is no feed")


def _explain(error: Exception) -> str:
    if status := getattr(error, "status", 0):
        return f"arXiv answers with status {status}"
    text = " ".join(str(error).split())
    if "timed out" in text:
        return "arXiv does not answer in time"
    if text.startswith("a "):
        return f"arXiv sent {text}"
    if type(error).__name__ == "UnexpectedEmptyPageError":
        return "arXiv sent an empty page before the last one"
    if type(error) is ValueError:
        return f"arXiv sent an entry that cannot be read ({text[:120]})"
    return f"arXiv cannot be reached ({text[:120]})"


def _to_paper(result: Any) -> Paper:
    doi, arxiv_id = find_identifiers(result.doi or "", "", result.entry_id)
    return make_paper(
        id=arxiv_id,
        title=result.title,
        abstract=result.summary,
        authors=[author.name for author in result.authors],
        venue=result.journal_ref or "",
        year=result.published.year,
        url=f"https://arxiv.org/abs/{arxiv_id}",
        doi=doi,
        arxiv=arxiv_id,
    )
