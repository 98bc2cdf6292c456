"""Hugging Face's daily papers of a day or of several, from its API.

Knows how such a source is written, and the API's pages and limits; knows nothing of the text of the page itself.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from email.utils import parsedate_to_datetime
from time import sleep, time
from typing import Any

from pydantic import BaseModel, Field

from chatbot.errors import SourceError
from chatbot.records import Paper, Skipped
from chatbot.settings import Settings
from chatbot.sources.fields import make_paper, paper_or_skipped

NAME = "hf:DAY or hf:DAY..DAY (Hugging Face daily papers)"
_NAME = re.compile(r"hf:(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?")
_PAGE = 100
_TRIES = 4
_MOST_DAYS = 3660
_MOST_PATIENCE = 600.0  # seconds that a server may ask to wait
_BUSY = {429, 500, 502, 503, 504}


class _Author(BaseModel):
    name: str | None = None


class _Listed(BaseModel):
    id: str | None = None
    title: str | None = None
    summary: str | None = None
    authors: list[_Author] | None = None
    published: str | None = Field(None, alias="publishedAt")


class _Item(BaseModel):
    paper: _Listed


def claims(name: str) -> bool:
    """Tell whether ``name`` begins with ``hf:``."""
    return name.startswith("hf:")


def read(name: str, settings: Settings) -> Iterator[Paper | Skipped]:
    """Yield the papers of each day in turn.

    Raises SourceError when the days are none, or the server does not answer or refuses; what was yielded before that
    is good.
    """
    import httpx

    with httpx.Client(base_url=settings.hf_url, timeout=settings.source_timeout, follow_redirects=True) as client:
        for at, day in enumerate(_days(name)):
            if at:
                sleep(settings.source_delay)
            before, items = list[Any](), _fetch(client, name, day, 0, settings)
            page = 0
            while items and items != before:  # a server without pages sends the same again
                for number, item in enumerate(items, page * _PAGE + 1):
                    yield paper_or_skipped(f"{day} item {number}", _to_paper, item)
                page, before = page + 1, items
                if len(items) < _PAGE:
                    break
                sleep(settings.source_delay)
                items = _fetch(client, name, day, page, settings)


def _days(name: str) -> list[date]:
    found = _NAME.fullmatch(name)
    if not found:
        raise SourceError(f"{name} names no day; write hf:2024-10-21 or hf:2024-10-01..2024-10-07")
    try:
        first, last = (date.fromisoformat(day) for day in (found[1], found[2] or found[1]))
    except ValueError as error:
        raise SourceError(f"{name}: {error}; write days as 2024-10-21") from error
    if not 0 <= (last - first).days < _MOST_DAYS:
        raise SourceError(f"{name} ends before it begins, or after ten years; write the earlier day first")
    return [first + timedelta(days) for days in range((last - first).days + 1)]


def _fetch(client: Any, name: str, day: date, page: int, settings: Settings) -> list[Any]:
    """Return one page of the papers of ``day``.

    A busy or silent server is asked again, when it says so or after a growing time. Raises SourceError when it stays
    so, refuses, or sends no list.
    """
    import httpx
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

    growing = wait_exponential(multiplier=settings.source_delay, max=60)
    tries = Retrying(
        retry=retry_if_exception(_may_pass),
        wait=lambda state: _asked_wait(state.outcome.exception() if state.outcome else None) or growing(state),
        stop=stop_after_attempt(_TRIES),
        reraise=True,
    )
    try:
        found = tries(_ask, client, day, page)
    except (httpx.HTTPError, ValueError) as error:
        raise SourceError(
            f"{name}: {_explain(error)} for {day}; what came before is kept: run the same command again later"
        ) from error
    return found


def _ask(client: Any, day: date, page: int) -> list[Any]:
    parameters = {"date": day.isoformat(), "limit": _PAGE} | ({"p": page} if page else {})
    response = client.get("/api/daily_papers", params=parameters)
    response.raise_for_status()
    try:
        found = response.json()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(found, list):
        raise ValueError("no list")
    return found


def _may_pass(error: BaseException) -> bool:
    import httpx

    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in _BUSY and (_asked_wait(error) or 0) <= _MOST_PATIENCE
    return isinstance(error, httpx.TransportError | ValueError)


def _asked_wait(error: BaseException | None) -> float | None:
    """Return for how many seconds the server asks to wait: ``Retry-After`` holds a number or a date."""
    asked = error.response.headers.get("retry-after", "") if error and hasattr(error, "response") else ""
    try:
        return float(asked) if asked.isdigit() else max(0.0, parsedate_to_datetime(asked).timestamp() - time())
    except ValueError:
        return None


def _explain(error: Exception) -> str:
    import httpx

    if isinstance(error, httpx.HTTPStatusError):
        return f"the server answers with status {error.response.status_code}"
    if isinstance(error, httpx.TimeoutException):
        return "the server does not answer in time"
    if isinstance(error, ValueError):
        return "the server sent a page that is no list of papers"
    return f"the server cannot be reached ({' '.join(str(error).split())[:120]})"


def _to_paper(item: object) -> Paper:
    paper = _Item.model_validate(item).paper
    return make_paper(
        id=paper.id or "",
        title=paper.title or "",
        abstract=paper.summary or "",
        authors=[author.name or "" for author in paper.authors or ()],
        year=paper.published,
        arxiv=paper.id or "",
    )
