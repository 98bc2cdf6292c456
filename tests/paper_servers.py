"""Servers on loopback that answer as arXiv's API and the daily-papers API do, faults included.

The shapes are those of the real ones: an Atom feed with OpenSearch counts, and a list of objects around ``paper``.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

FEED = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"
 xmlns:arxiv="http://arxiv.org/schemas/atom"><title>arXiv Query</title><id>http://arxiv.org/api/x</id>
<opensearch:totalResults>{total}</opensearch:totalResults><opensearch:startIndex>{start}</opensearch:startIndex>
<opensearch:itemsPerPage>{count}</opensearch:itemsPerPage>{entries}</feed>"""
ENTRY = """<entry><id>http://arxiv.org/abs/{id}v2</id><updated>2024-10-18T10:00:00Z</updated>
<published>2024-01-17T09:00:00Z</published><title>{title}</title><summary>  {abstract}
</summary><author><name>Ada King</name></author><author><name>Bo Li</name></author>{doi}
<link href="http://arxiv.org/abs/{id}v2" rel="alternate" type="text/html"/>
<arxiv:primary_category term="cs.CL"/><category term="cs.CL"/></entry>"""


class PaperServer:
    """What the two APIs hold, what was asked, and what goes wrong next.

    Attributes:
        papers: records with id, title, abstract and perhaps doi and day.
        page: how many a page of arXiv's holds, whatever was asked for.
        faults: one for each request to come: None, "hang", "broken", "prose", a feed, bytes, or a status with headers.
        asked: query parameters of each request, with the time it came in seconds.
    """

    def __init__(self) -> None:
        self.url = ""
        self.papers: list[dict[str, Any]] = []
        self.page = 100
        self.faults: list[Any] = []
        self.asked: list[dict[str, str]] = []
        self.times: list[float] = []

    def answer_arxiv(self, query: dict[str, str]) -> str:
        """Return a page of the feed."""
        ids = [each.partition("v")[0] for each in query.get("id_list", "").split(",") if each]
        found = [paper for paper in self.papers if not ids or paper["id"] in ids]
        start = int(query.get("start", 0))
        page = found[start : start + min(self.page, int(query.get("max_results", 10)))]
        entries = "".join(
            ENTRY.format(
                id=paper["id"],
                title=escape(paper["title"]),
                abstract=escape(paper["abstract"]),
                doi=f"<arxiv:doi>{paper['doi']}</arxiv:doi>" if "doi" in paper else "",
            )
            for paper in page
        )
        return FEED.format(total=len(found), start=start, count=len(page), entries=entries)

    def answer_daily(self, query: dict[str, str]) -> str:
        """Return a page of one day's papers."""
        found = [paper for paper in self.papers if paper["day"] == query["date"]]
        limit = int(query.get("limit", 50))
        at = int(query.get("p", 0)) * limit
        return json.dumps([daily_item(paper) for paper in found[at : at + limit]])


def daily_item(paper: dict[str, Any]) -> dict[str, Any]:
    """Return ``paper`` as the daily papers list it."""
    inner = {
        "id": paper["id"],
        "title": paper["title"],
        "summary": paper["abstract"],
        "authors": [{"_id": "1", "name": "Ada King", "hidden": False}, {"_id": "2", "name": "Bo Li"}],
        "publishedAt": "2024-10-17T00:00:00.000Z",
        "upvotes": 3,
    }
    return {"paper": inner, "title": paper["title"], "publishedAt": "2024-10-17T00:00:00.000Z", "numComments": 0}


class _Handler(BaseHTTPRequestHandler):
    papers: PaperServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.papers.asked.append(query)
        self.papers.times.append(time.monotonic())
        fault = self.papers.faults.pop(0) if self.papers.faults else None
        if isinstance(fault, tuple):
            self.respond(fault[0], "busy", fault[1])
            return
        if isinstance(fault, bytes):
            self.respond(200, fault, {})
            return
        if fault == "hang":
            time.sleep(0.6)
        is_daily = parts.path == "/api/daily_papers"
        body = self.papers.answer_daily(query) if is_daily else self.papers.answer_arxiv(query)
        spoilt = {"broken": body[: len(body) // 2], "prose": "<html><body>Down for repair</body></html>"}
        body = spoilt.get(str(fault), str(fault) if str(fault).startswith("<") else body)
        self.respond(200, body, {})

    def respond(self, status: int, body: str | bytes, headers: dict[str, str]) -> None:
        data = body.encode() if isinstance(body, str) else body
        try:
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(data))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            pass  # the client has given up, as it was meant to

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def paper_server() -> Iterator[PaperServer]:
    """Run a server while the block does."""
    papers = PaperServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"papers": papers}))
    papers.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield papers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
