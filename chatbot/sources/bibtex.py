"""BibTeX and BibLaTeX, as Zotero, JabRef and publishers export them.

Knows the names of fields in both, and leaves the syntax to bibtexparser and accents to pylatexenc; knows nothing of
where papers go. Keys are not taken for ids, being unique in one file at most.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from chatbot.errors import SourceError
from chatbot.records import Paper, Skipped
from chatbot.sources.fields import make_paper, paper_or_skipped
from chatbot.sources.text import read_text

NAME = "BibTeX"
RANK = 1
_LATEX_SIGN = re.compile(r"[\\{}]")  # around a sign of an address, as in {\_}
_ENTRY = re.compile(r"^\s*@\s*[A-Za-z]+\s*[{(]", re.M)
_BARE_SIGN = re.compile(r"(?<!\\)[%&]")
_ESCAPED_SIGN = re.compile(r"\\([%&#_])")
_LIGATURES = (("---", "—"), ("--", "–"), ("``", "“"), ("''", "”"), ("!`", "¡"), ("?`", "¿"), ("~", "\xa0"))


def recognises(path: Path, head: str) -> bool:
    """Tell whether an ``@entry{`` begins a line, or the name says so."""
    return path.suffix == ".bib" or bool(_ENTRY.search(head))


def read(path: Path) -> Iterator[Paper | Skipped]:
    """Yield the papers of ``path``; an entry whose braces do not match is skipped, as one without an abstract is.

    Raises SourceError when there is no entry at all.
    """
    from pylatexenc.latex2text import LatexNodes2Text

    decoder = LatexNodes2Text(math_mode="text")
    found = False
    for where, entry in _parse(read_text(path).replace("\r\n", "\n")):
        found = True
        if isinstance(entry, str):
            yield Skipped(where, entry)
        else:
            yield paper_or_skipped(where, partial(_to_paper, decoder=decoder), entry)
    if not found:
        raise SourceError(f"{path} has no BibTeX entry such as @article{{key, title = …}}; export it again")


def _parse(text: str) -> Iterator[tuple[str, dict[str, str] | str]]:
    """Yield the place of each entry with its fields, or with the reason why it has none."""
    from bibtexparser import Library, parse_string
    from bibtexparser.middlewares import default_parse_stack
    from bibtexparser.model import Entry, ParsingFailedBlock, String

    logging.getLogger("bibtexparser").addHandler(logging.NullHandler())  # it would print each bad entry
    blocks, entries = parse_string(text, parse_stack=[]).blocks, list[tuple[str, Any]]()
    for number, block in enumerate(blocks):
        failed = isinstance(block, ParsingFailedBlock)
        entry = block.ignore_error_block if failed else block
        where = f"line {(block.start_line or 0) + 1}"
        if isinstance(entry, Entry):
            where, entry.key = f"{where} ({entry.key})", str(number)  # two papers under one key are two papers
            entries.append((where, entry))
        elif failed and not isinstance(entry, String):
            entries.append((where, getattr(block.error, "abort_reason", "") or str(block.error)))
    library = Library([block for block in blocks if isinstance(block, String)])
    library.add([entry for _, entry in entries if isinstance(entry, Entry)])
    for middleware in default_parse_stack():
        library = middleware.transform(library)
    for where, entry in entries:
        if isinstance(entry, Entry):
            yield where, {field.key.lower(): str(field.value) for field in reversed(entry.fields)}
        else:
            yield where, entry


def _to_paper(fields: dict[str, str], decoder: Any) -> Paper:
    from bibtexparser.middlewares.names import parse_single_name_into_parts, split_multiple_persons_names

    decode = partial(decode_latex, decoder=decoder)

    def first(*names: str) -> str:
        return next((fields[name] for name in names if fields.get(name, "").strip()), "")

    names = split_multiple_persons_names(" ".join(first("author", "editor").split()))
    authors = [parse_single_name_into_parts(name, strict=False).merge_first_name_first for name in names]
    is_arxiv = "arxiv" in first("eprinttype", "archiveprefix", "url").lower()
    return make_paper(
        title=": ".join(filter(None, (decode(first(name)).strip() for name in ("title", "subtitle")))),
        abstract=decode(first("abstract")),
        authors=[decode(name) for name in authors if name.lower() != "others"],
        venue=decode(first("journaltitle", "journal", "booktitle", "eventtitle")),
        year=first("date", "year"),
        url=_LATEX_SIGN.sub("", first("url")),
        doi=_LATEX_SIGN.sub("", first("doi")),
        arxiv=first("eprint") if is_arxiv else "",
    )


def decode_latex(text: str, decoder: Any) -> str:
    """Return ``text`` as a reader of the typeset page sees it.

    Publishers leave "5%" and "R&D" bare, where LaTeX would begin a comment or a column. A text without macros and
    formulas takes no full parse, which at some milliseconds an abstract would cost as much as embedding it. One that
    cannot be parsed keeps its macros.
    """
    plain = _ESCAPED_SIGN.sub(r"\1", text)
    if "\\" in plain or "$" in plain:
        with suppress(Exception):  # pylatexenc raises anything at macros without their arguments
            return str(decoder.latex_to_text(_BARE_SIGN.sub(r"\\\g<0>", text)))
    for written, shown in _LIGATURES:
        plain = plain.replace(written, shown)
    return plain.replace("{", "").replace("}", "")
