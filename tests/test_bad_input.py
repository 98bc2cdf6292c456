"""Files made to break a reader: bombs, floods of entities, a title of a megabyte, noise in the look of a format."""

import gzip
import json
import time
import tracemalloc
import zlib
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import chatbot.sources
from chatbot import PaperChatbot
from chatbot.citations import MOST_CHARS, read_claims
from chatbot.errors import SourceError
from chatbot.records import Paper, Skipped
from chatbot.settings import load_settings
from chatbot.sources import read_papers
from tests.conftest import make_record
from tests.paper_servers import ENTRY, FEED, daily_item, paper_server
from tests.test_pdf_source import PAGE, make_pdf
from tests.test_record_sources import ARXIV, WORKS, lines
from tests.test_reference_exports import BIBTEX, CSL, RIS
from tests.test_sources import HEADER
from tests.test_table_sources import ZOTERO, save_parquet

LOOKS = {
    "a.bib": ["@article{", "@string{", "title", "=", "{", "}", '"', ",", "\\", "$", "#", "%", "\n", "and "],
    "a.ris": ["TY  - JOUR\n", "TI  - ", "AB  - ", "AU  - ", "ER  - \n", "UR  - ", "\n", "-", "  "],
    "a.json": ["[{", "}]", '"title":', '"abstract":', '"issued":{"date-parts":', "[", "]", ",", "null", "1e999", '""'],
    "a.jsonl": ['{"title":', '"abstract":', '"year":', '"authors":', "[", "]", "}", ",", "\n", "NaN", '"\\ud800"'],
    "a.csv": ["title,abstract\n", ",", '"', "\n", "\r", ";", "\t", "x", "=cmd()", "authors"],
    "a.pdf": ["%PDF-1.7\n", "1 0 obj", "<<", ">>", "stream\n", "endstream", "/Length 9", "xref", "trailer", "[", "]"],
    "a.parquet": ["PAR1", "\x00", "\x15", "\x04", "\x1c", "PAR1"],
    "a.txt": ["Daily Papers\n", "Oct 21\n", "title", "\n\n", "Submitted by", "·", "21", "\n"],
}  # fmt: skip
MB = 1_000_000


def read(path: Path) -> list[Paper | Skipped]:
    return list(read_papers(path))


@cache
def samples() -> dict[str, bytes]:
    """Return a whole file in each format, by the name of a module in ``chatbot/sources``."""
    with TemporaryDirectory() as folder:
        table = save_parquet(Path(folder) / "x", [{"title": "T", "abstract": "A.", "authors": ["B"]}] * 3).read_bytes()
    return {
        "arxiv_snapshot": lines(ARXIV).encode(),
        "beir": b'{"_id": "d1", "title": "Corpus", "text": "Text."}\n',
        "bibtex": BIBTEX.encode(),
        "csl_json": json.dumps(CSL).encode(),
        "daily_papers": f"{HEADER}Is This a Title?\n\nWe find X. It is 3.\n\nA : B\n\nShort.\n".encode(),
        "delimited": ZOTERO.encode(),
        "jsonl": lines([make_record(1, year=2020, authors=["A"]), make_record(2)]).encode(),
        "openalex": json.dumps(WORKS, indent=1).encode(),
        "parquet": table,
        "pdf": make_pdf(PAGE, PAGE),
        "ris": RIS.encode(),
    }


def damage(sample: bytes) -> st.SearchStrategy[bytes]:
    put = st.binary(max_size=40) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace")) | PIECES
    places, lengths = st.integers(0, len(sample)), st.integers(0, 200)
    return st.builds(lambda at, cut, put: sample[:at] + put + sample[at + cut :], places, lengths, put)


PIECES = st.sampled_from(sorted({piece.encode() for pieces in LOOKS.values() for piece in pieces}))
MODULES = [found.name for found in iter_modules(chatbot.sources.__path__)]
FILES = st.deferred(lambda: st.sampled_from(sorted(samples()))).flatmap(lambda name: damage(samples()[name])) | (
    st.sampled_from(sorted(LOOKS)).flatmap(
        lambda name: st.lists(st.sampled_from([piece.encode() for piece in LOOKS[name]]) | st.binary(max_size=12)).map(
            lambda pieces: b"".join([LOOKS[name][0].encode(), *pieces])
        )
    )
)


@example(b'{"title": ' + b"[" * 100_000, "a.jsonl", False, False)
@example(b'[{"title": ' + b"[" * 100_000, "a.json", False, False)
@example(b'{"title": "T \\ud800", "abstract": "A."}', "a.jsonl", False, False)
@example(b'[{"title": "T \\ud800", "abstract": "A."}]', "a.json", False, False)
@example(b"@article{a, title = {T}, abstract = {A \\textcolor}}", "a.bib", False, False)
@settings(max_examples=400)
@given(FILES, st.sampled_from(["a", *LOOKS]), st.booleans(), st.booleans())
def test_any_file_gives_papers_skips_or_a_named_error(content: bytes, name: str, packed: bool, whole: bool) -> None:
    with TemporaryDirectory() as folder, suppress(SourceError):
        path = Path(folder, name)
        path.write_bytes(gzip.compress(content, 1) if packed else content)
        for item in read_papers(path, load_settings(full_text=whole)):
            assert isinstance(item, Paper | Skipped)
            if isinstance(item, Paper):
                assert item.id
                assert item.title
                assert item.abstract
                assert item.text.encode()  # so it can be stored


def test_every_format_has_a_sample_to_damage() -> None:
    formats = {name for name in MODULES if hasattr(import_module(f"chatbot.sources.{name}"), "recognises")}
    assert formats == set(samples())


DAY = json.dumps([daily_item(make_record(1, id="2410.00001"))]).encode()
FEED_OF_ONE = FEED.format(total=1, start=0, count=1, entries=ENTRY.format(**make_record(1), doi="")).encode()


@settings(max_examples=30)
@example(("arxiv:2410.00001", FEED_OF_ONE.replace(b"<updated>", b"<updated>!")))
@given(
    st.one_of(
        st.tuples(st.just("arxiv:2410.00001"), damage(FEED_OF_ONE)),
        st.tuples(st.just("hf:2024-10-21"), damage(DAY) | st.sampled_from([9, 60_000]).map(lambda depth: b"[" * depth)),
    )
)
def test_any_answer_of_a_service_gives_papers_skips_or_a_named_error(asked: tuple[str, bytes]) -> None:
    source, content = asked
    with paper_server() as server, suppress(SourceError):
        server.faults = [content] * 9
        url = f"{server.url}/api/query"
        given = load_settings(arxiv_url=url, hf_url=server.url, source_delay=0, source_timeout=2)
        assert all(isinstance(item, Paper | Skipped) for item in read_papers(source, given))


@pytest.mark.parametrize(
    ("name", "start", "told"),
    [
        ("bomb.bib", b"@article{a, title = {", "holds more than 20 MB; split it"),
        ("bomb.json", b'[{"title": "', "holds more than 20 MB; split it"),
        ("bomb.jsonl", b'{"title": "', "line 1 has more than 16 MB"),
        ("bomb.ris", b"TY  - JOUR\nTI  - ", "line 2 has more than 16 MB"),
        ("bomb.csv", b"title,abstract\nx,", "line 2 has more than 16 MB"),
    ],
)
def test_what_unpacks_to_a_flood_is_refused_within_bounds(
    name: str, start: bytes, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.sources.text.MOST_BYTES", 20 * MB)
    path, packer = tmp_path / name, zlib.compressobj(6, wbits=31)
    with path.open("wb") as file:
        file.write(packer.compress(start))
        for _ in range(200):
            file.write(packer.compress(b" " * MB))
        file.write(packer.flush())
    assert path.stat().st_size < 200 * MB / 500
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match=told):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 80 * MB
    finally:
        tracemalloc.stop()


def test_a_stream_of_a_pdf_that_unpacks_to_a_flood_is_refused(tmp_path: Path) -> None:
    stream = zlib.compress(b"BT /F1 9 Tf (x) Tj ET " + b" " * 200 * MB, 6)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<<>>>>",
        b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(stream), stream),
    ]
    body = b"%PDF-1.7\n" + b"".join(b"%d 0 obj%s endobj\n" % each for each in enumerate(objects, 1))
    (tmp_path / "bomb.pdf").write_bytes(body + b"trailer<</Root 1 0 R/Size 5>>\n%%EOF")
    with pytest.raises(SourceError, match="cannot be read as PDF"):
        read(tmp_path / "bomb.pdf")


def test_entities_of_a_feed_are_not_expanded(tmp_path: Path) -> None:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    outside = '<!ENTITY out SYSTEM "file:///etc/passwd">'
    with paper_server() as server:
        given = load_settings(index=tmp_path, arxiv_url=f"{server.url}/api/query", source_delay=0, source_timeout=2)
        for text, entities in (("&l9;", f'<!ENTITY l0 "lol">{lines}'), ("&out;", outside)):
            feed = f'<!DOCTYPE feed [{entities}]><feed xmlns="http://www.w3.org/2005/Atom"><title>{text}</title></feed>'
            server.faults = [feed] * 4
            with pytest.raises(SourceError, match="arXiv") as caught:
                list(read_papers("arxiv:2410.00001", given))
            assert len(str(caught.value)) < 400


def test_a_title_of_a_megabyte_is_indexed_asked_about_and_shown(tmp_path: Path) -> None:
    long = "Zorbify " + "very " * 200_000 + "long"
    record = {"id": "long", "title": long, "abstract": "We propose Zorbify, which sings louder than any choir."}
    odd = "".join(map(chr, [*range(0x20, 0x3000, 7), *range(0x1F300, 0x1F700, 5), 0x10FFFF]))
    (tmp_path / "a.jsonl").write_text(
        "\n".join(map(json.dumps, [record, {"id": "odd", "title": odd, "abstract": odd}])), encoding="utf-8"
    )
    bot = PaperChatbot(index=tmp_path / "index", model="extractive")
    started = time.monotonic()
    assert bot.ingest(tmp_path / "a.jsonl").added == 2
    assert bot.ask("What is Zorbify?").to_dict()["question"] == "What is Zorbify?"
    assert bot.paper("odd")
    assert time.monotonic() - started < 60


@settings(max_examples=60, deadline=3000)
@given(
    st.lists(
        st.sampled_from(
            ["[1.2]", "[", "]", "【1", "(2.4)", "[1-999]", "[1,", "\n", "- ", "```", ". ", "A", "\u202e", "é"]
        )
        | st.text(max_size=6),
        max_size=20,
    ),
    st.integers(1, 20),
)
def test_any_answer_of_a_model_is_read_in_bounds(pieces: list[str], times: int) -> None:
    claims = list(read_claims(pieces * times))
    assert sum(len(claim.text) for claim in claims) <= MOST_CHARS


@pytest.mark.parametrize("piece", ["[1.2]", "a", "(", "[1.2] "])
def test_an_answer_that_never_ends_a_sentence_is_read_in_seconds(piece: str) -> None:
    started = time.process_time()
    assert len(list(read_claims((piece * MOST_CHARS)[:MOST_CHARS]))) <= MOST_CHARS / 100
    assert time.process_time() - started < 20  # read anew at every character it would take minutes
