"""Files made to break a reader: bombs, floods of entities, a title of a megabyte, noise in the look of a format."""

import gzip
import json
import time
import tracemalloc
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot import PaperChatbot
from chatbot.citations import MOST_CHARS, read_claims
from chatbot.errors import SourceError
from chatbot.records import Paper, Skipped
from chatbot.settings import load_settings
from chatbot.sources import read_papers
from tests.paper_servers import paper_server

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


@pytest.mark.parametrize("name", LOOKS)
def test_noise_gives_papers_skips_or_a_named_error(name: str, tmp_path: Path) -> None:
    piece = st.sampled_from([piece.encode("utf-8") for piece in LOOKS[name]]) | st.binary(max_size=12)

    @settings(max_examples=60, deadline=3000)
    @given(st.lists(piece, max_size=30), st.booleans())
    def check(pieces: list[bytes], packed: bool) -> None:
        content = b"".join([LOOKS[name][0].encode(), *pieces])
        (tmp_path / name).write_bytes(gzip.compress(content) if packed else content)
        with suppress(SourceError):
            for item in read(tmp_path / name):
                assert isinstance(item, Paper | Skipped)

    check()


@pytest.mark.parametrize(
    ("name", "size", "start", "told"),
    [
        ("bomb.bib", 260, b"@article{a, title = {", "holds more than 256 MB; split it"),
        ("bomb.json", 260, b'[{"title": "', "holds more than 256 MB; split it"),
        ("bomb.jsonl", 20, b'{"title": "', "line 1 has more than 16 MB"),
        ("bomb.ris", 20, b"TY  - JOUR\nTI  - ", "line 2 has more than 16 MB"),
        ("bomb.csv", 20, b"title,abstract\nx,", "line 2 has more than 16 MB"),
    ],
)
def test_what_unpacks_to_a_flood_is_refused_within_bounds(
    name: str, size: int, start: bytes, told: str, tmp_path: Path
) -> None:
    path, packer = tmp_path / name, zlib.compressobj(6, wbits=31)
    with path.open("wb") as file:
        file.write(packer.compress(start))
        for _ in range(size):
            file.write(packer.compress(b" " * MB))
        file.write(packer.flush())
    assert path.stat().st_size < size * MB / 500
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match=told):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 600 * MB
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
