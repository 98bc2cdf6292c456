"""Reading papers from files, good and bad."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import SourceError
from chatbot.records import Paper, Skipped
from chatbot.resources import find_resource
from chatbot.sources import make_id, read_papers
from tests.conftest import make_record

HEADER = "new\n\nSubscribe\n\nDaily Papers\n\nbyAK and the research community\n\nMay 12\n\n"


def read(path: Path) -> tuple[list[Paper], list[Skipped]]:
    items = list(read_papers(path))
    return [i for i in items if isinstance(i, Paper)], [i for i in items if isinstance(i, Skipped)]


def write(tmp_path: Path, text: str | bytes, name: str = "page.txt") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_seed_page_gives_59_papers_with_readable_ids() -> None:
    papers, skipped = read(find_resource("seeds", "daily_papers.txt"))
    assert (len(papers), skipped) == (59, [])
    assert papers[4].title == "Network Memory Footprint Compression Through Jointly Learnable Codebooks and Mappings"
    assert papers[7].id == "obow-online-bag-of-visual-words-generation-for-self-supervised-learning"
    assert {paper.name for paper in papers} >= {"LiNeS", "YOLOv9", "A-MEM", "PC-DARTS"}


def test_another_day_of_the_same_shape_is_read(tmp_path: Path) -> None:
    page = HEADER + "Is This a Title? Yes.\n\nWe find X. It is 3.\n\nA : B\n\nShort.\n"
    papers, _ = read(write(tmp_path, page))
    assert [(paper.title, paper.abstract) for paper in papers] == [
        ("Is This a Title? Yes.", "We find X. It is 3."),
        ("A : B", "Short."),
    ]


LONG = "Abstract words. " * 30


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (f"Title\n\n{LONG}\n\nA lonely title\n", "line 15: the title 'A lonely title' has no abstract"),
        (f"Lost title\n\nTitle\n\n{LONG}\n", "line 11: the title 'Lost title' has no abstract"),
        (f"First\n\nSecond\n\nThird\n\n{LONG}\n", "line 11: the title 'First' has no abstract"),
        (f"Title\n\n{LONG}\n\n{LONG}\n", "line 15: expected a title, found an abstract"),
        (f"Title\n\n{LONG}\n\nUpvote\n\n12\n", "line 15: the title 'Upvote' has no abstract"),
        ("", "ends with its header, without a paper"),
    ],
)
def test_malformed_page_names_the_line(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(write(tmp_path, HEADER + body))


def test_page_without_a_day_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="line 4: no day"):
        read(write(tmp_path, "Daily Papers\nTitle\nAbstract one.\nmore"))


def test_jsonl_keeps_all_fields(write_jsonl: Callable[..., Path]) -> None:
    path = write_jsonl(make_record(1, authors=["A. B.", "C"], venue="ICML", year="2023", url="https://x.y"))
    (paper,), _ = read(path)
    assert (paper.id, paper.authors, paper.venue, paper.year, paper.url) == (
        "p1", ("A. B.", "C"), "ICML", 2023, "https://x.y",
    )  # fmt: skip


def test_bad_records_are_named_and_stop_nothing(write_jsonl: Callable[..., Path]) -> None:
    path = write_jsonl(
        make_record(1),
        '{"title": "half',
        {"title": "no abstract"},
        "[1]",
        make_record(2, year="soon"),
        make_record(3, title=["x"]),
        make_record(1, abstract="Another text under a used id."),
        '{"id": "\\ud800x", "title": "T", "abstract": "A.", "year": 1e999}',
        make_record(5, year=123456),
        make_record(4),
    )
    papers, skipped = read(path)
    assert [paper.id for paper in papers] == ["p1", "p4"]
    assert [item.where for item in skipped] == [
        "line 2",
        "line 3",
        "line 4",
        "line 5",
        "line 6",
        "record 7 (p1)",
        "line 8",
        "line 9",
    ]
    assert [item.reason.split("(")[0].strip() for item in skipped] == [
        "not valid JSON", "no abstract", "not an object", "year is not a number", "title is not text",
        "its id is taken by an earlier record", "year is not a number", "123456 is no year",
    ]  # fmt: skip


def test_a_bad_first_line_does_not_hide_the_format(write_jsonl: Callable[..., Path]) -> None:
    papers, skipped = read(write_jsonl("garbage", make_record(1)))
    assert (len(papers), len(skipped)) == (1, 1)


def test_not_utf8_line_is_skipped_in_jsonl_and_named_in_a_page(tmp_path: Path) -> None:
    good = json.dumps(make_record(1)).encode()
    papers, skipped = read(write(tmp_path, good + b'\n{"title": "\xff\xfe", "abstract": "x"}\n', "a.jsonl"))
    assert (len(papers), [item.reason for item in skipped]) == (1, ["not UTF-8"])
    with pytest.raises(SourceError, match="line 11 is not UTF-8"):
        read(write(tmp_path, HEADER.encode() + b"Caf\xe9\n\nText.\n"))


def test_two_papers_with_one_title_both_stay(write_jsonl: Callable[..., Path]) -> None:
    same = {"title": "Same Title"}
    papers, skipped = read(
        write_jsonl(same | {"abstract": "One."}, same | {"abstract": "Two."}, same | {"abstract": "One."})
    )
    assert papers[0].id == "same-title"
    assert papers[1].id.startswith("same-title-")
    assert [item.reason for item in skipped] == ["the same paper again"]


def test_beir_folder_and_gzip_are_read(tmp_path: Path) -> None:
    lines = [{"_id": "d1", "title": "T", "text": "Body."}, {"_id": "d2", "title": "", "text": "Named by its words."}]
    write(tmp_path, "".join(json.dumps(line) + "\n" for line in lines), "corpus.jsonl")
    papers, _ = read(tmp_path)
    assert [(paper.id, paper.title) for paper in papers] == [("d1", "T"), ("d2", "Named by its words.")]
    packed = write(tmp_path, gzip.compress(json.dumps(make_record(1)).encode()), "papers.jsonl.gz")
    assert len(read(packed)[0]) == 1


def test_awkward_records_of_a_beir_corpus_are_read_or_named(tmp_path: Path) -> None:
    records: list[Any] = [
        {"_id": "MED-10", "title": " Statin  use\n", "text": "One.\nTwo. ", "metadata": {"url": "https://x.example"}},
        {"_id": 7, "title": None, "text": "A number for an id, and no title at all but words: " + "more " * 20},
        {"_id": "empty", "title": "Only a title", "text": ""},
        {"_id": "nothing"},
        {"_id": "MED-10", "title": "Its id is taken", "text": "Three."},
        {"_id": "a/b c#d", "title": "Signs in the id", "text": "Four."},
    ]
    lines = [*map(json.dumps, records), '{"_id": "cut']
    write(tmp_path, "\ufeff" + "\n".join(lines), "corpus.jsonl")
    papers, skipped = read(tmp_path)
    assert [(paper.id, paper.title) for paper in papers] == [
        ("MED-10", "Statin use"),
        ("7", "A number for an id, and no title at all but words:"),
        ("a/b c#d", "Signs in the id"),
    ]
    assert [item.reason for item in skipped] == [
        "no abstract", "no title", "its id is taken by an earlier record",
        "not valid JSON (Unterminated string starting at)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x00\x01\x02", "is not a text file"),
        (b"just some prose\n", "is in no known format"),
        (gzip.compress(b'{"title": "a"}' * 999, mtime=0)[:40], "damaged gzip"),
    ],
)
def test_unusable_files_say_why(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(write(tmp_path, content))


def test_missing_file_and_empty_folder_say_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist; give a file"):
        read(tmp_path / "nowhere.jsonl")
    with pytest.raises(SourceError, match=r"holds no file in a known format; known are: .*BibTeX"):
        read(tmp_path)


def test_a_folder_gives_the_papers_of_all_its_files_in_known_formats(tmp_path: Path) -> None:
    for folder in ("deep/er", "beir", ".hidden"):
        (tmp_path / folder).mkdir(parents=True)
    record = json.dumps({"title": "Plain", "abstract": "Text."})
    write(tmp_path, f'{record}\n{record}\n{{"title": "B"}}\n', "a.jsonl")
    write(tmp_path, "@article{k, title={Deep}, abstract={Text.}}", "deep/er/library.bib")
    write(tmp_path, '{"_id": "d1", "title": "Corpus", "text": "Text."}\n', "beir/corpus.jsonl")
    write(tmp_path, '{"_id": "q1", "text": "no paper but a query"}\n', "beir/queries.jsonl")
    write(tmp_path, record.replace("Plain", "Hidden"), ".hidden/x.jsonl")
    write(tmp_path, "Notes in prose.", "notes.txt")
    write(tmp_path, f"{record}\n", "same.jsonl")
    write(tmp_path, "name,score\na,1\n", "scores.csv")
    (tmp_path / "loop").symlink_to(tmp_path)
    papers, skipped = read(tmp_path)
    assert [paper.title for paper in papers] == ["Plain", "Corpus", "Deep"]
    assert [(item.where, item.reason.split(",")[0]) for item in skipped] == [
        ("a.jsonl record 2 (plain)", "the same paper again"),
        ("a.jsonl line 3", "no abstract"),
        ("same.jsonl record 1 (plain)", "the same paper again"),
        ("scores.csv", "has no column 'title'"),
    ]


@given(st.text(min_size=1, max_size=300))
def test_ids_are_short_and_lasting(title: str) -> None:
    assert make_id(title) == make_id(title)
    assert 0 < len(make_id(title)) <= 90
