"""Write references to papers: a line of Markdown, or BibTeX.

Knows what BibTeX makes of a text; knows nothing of answers, of storage, or of who cites a paper.
"""

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import quote, unquote

from chatbot.markup import escape_latex, escape_markdown, flatten_text
from chatbot.records import Paper

_JOURNAL = re.compile(
    r"\b(?:journal|transactions|letters|magazine|PNAS|PVLDB|PACM\w*"
    r"|proceedings of the (?:ACM on|IEEE$|national academy|VLDB endowment|royal society))\b",
    re.I,
)
_MEETING = re.compile(
    r"\b(?i:proceedings|conference|workshops?|symposium|meeting|advances in neural|findings of)\b"
    r"|\b(?:NeurIPS|NIPS|ICML|ICLR|AISTATS|UAI|COLT|CoRL|COLM|CVPRW?|ICCVW?|ECCVW?|WACV|BMVC|3DV|ACCV|ACL|EMNLP|NAACL"
    r"|EACL|AACL|COLING|CoNLL|AAAI|IJCAI|AAMAS|KDD|SIGIR|ECIR|CIKM|WSDM|WWW|RecSys|ICRA|IROS|RSS|ICASSP|INTERSPEECH"
    r"|Interspeech|ISMIR|MICCAI|SIGGRAPH|SIGMOD|VLDB|ICDE|OSDI|SOSP|NSDI|ATC|ASPLOS|ISCA|MLSys|STOC|FOCS|SODA|CHI|UIST"
    r"|CCS|NDSS|USENIX)\b"
)
_ARTICLES = {"a", "an", "the"}


def format_reference(paper: Paper) -> str:
    """Return authors, title, venue, year, identifiers and address, as far as known, as one line of Markdown.

    Nothing in it is markup but the address, and that only when it is one of the web.
    """
    when = ", ".join(filter(None, [flatten_text(paper.venue), str(paper.year or "")]))
    parts = [", ".join(filter(None, map(flatten_text, paper.authors))), flatten_text(paper.title), when]
    text = " ".join(part if part[-1] in ".?!" else f"{part}." for part in parts if part)
    known = [escape_markdown(each) for each in name_identifiers(paper.doi, paper.arxiv_id, paper.url)]
    address = web_address(paper.url)
    return " ".join([escape_markdown(text), *known, *([f"<{address}>"] if address else [])])


def name_identifiers(doi: str, arxiv_id: str, url: str) -> list[str]:
    """Return the identifiers of a paper as people write them, but for those that ``url`` shows already."""
    named = {f"doi:{doi}": doi, f"arXiv:{arxiv_id}": arxiv_id}
    return [name for name, key in named.items() if key and key not in unquote(url).lower()]


def format_bibliography(papers: Iterable[Paper]) -> str:
    """Return the BibTeX entries of ``papers``, each with a key of its own.

    A later paper never changes the key of an earlier one.
    """
    keys: dict[str, int] = {}
    entries = []
    for paper in papers:
        key = _make_key(paper)
        keys[key] = keys.get(key, 0) + 1
        entries.append(format_bibtex(paper, key if keys[key] == 1 else f"{key}-{keys[key]}"))
    return "\n\n".join(entries)


def format_bibtex(paper: Paper, key: str | None = None) -> str:
    """Return the BibTeX entry of ``paper``: ``@inproceedings``, ``@article``, or ``@misc`` when no venue is known.

    ``key`` is made of surname, year and first title word (the last alone when there are no authors) unless given.
    All text is shown by LaTeX as it is: no command or formula of a title is obeyed.
    """
    kind, holder = "misc", ""
    if venue := escape_latex(paper.venue):
        meeting = _MEETING.search(paper.venue) and not _JOURNAL.search(paper.venue)
        kind, holder = ("inproceedings", "booktitle") if meeting else ("article", "journal")
    fields = {
        "title": f"{{{escape_latex(paper.title)}}}",  # the second pair of braces keeps capitals
        "author": " and ".join(filter(None, map(_format_author, paper.authors))),
        holder: venue,
        "year": str(paper.year or ""),
        "doi": escape_latex(paper.doi),
        "eprint": escape_latex(paper.arxiv_id),
        "archiveprefix": "arXiv" if paper.arxiv_id else "",
        "url": web_address(paper.url),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{key or _make_key(paper)},", *lines, "}"])


def _format_author(name: str) -> str:
    """Return a name so that BibTeX takes it for one person, whatever is in it."""
    misread = re.search(r"\band\b|^others$|,.*,.*,", flatten_text(name), re.I)
    return f"{{{escape_latex(name)}}}" if misread else escape_latex(name)


def _make_key(paper: Paper) -> str:
    words = [word for word in re.findall("[a-z0-9]+", _to_ascii(paper.title)) if word not in _ARTICLES]
    word = words[0] if words else "paper"
    surname = _surname(paper.authors[0]) if paper.authors else ""
    return f"{surname}{paper.year or ''}{word}" if surname else word


def _surname(name: str) -> str:
    head, comma, _ = flatten_text(name).partition(",")
    last = head if comma else " ".join(head.split()[-1:])
    return re.sub("[^a-z0-9]", "", _to_ascii(last))


def _to_ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()


def web_address(url: str) -> str:
    """Return ``url`` with every character escaped that could end it, or nothing when it is none of the web."""
    address = quote(flatten_text(url), safe="%/:?#@!$&'()*+,;=~[]")
    return address if re.match(r"https?://[^/]", address, re.I) else ""
