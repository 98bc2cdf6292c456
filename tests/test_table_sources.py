"""Tables of papers: CSV and TSV under any separator, and Parquet."""

import csv
import io
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chatbot.errors import SourceError
from chatbot.records import Paper
from chatbot.settings import load_settings
from chatbot.sources import read_papers
from tests.test_sources import read, write

ZOTERO = '''"Key","Item Type","Publication Year","Author","Title","Publication Title","DOI","Url","Abstract Note","Date"
"AB12","journalArticle","2017","Vaswani, Ashish; Shazeer, Noam","Attention, Please","NeurIPS","10.5555/1.2","","One.

He said ""yes"", twice.","2017-12-04"
"CD34","book","1984","Knuth, Donald E.","The TeXbook","","","https://x.example/t","","1984"
"EF56","preprint","","","A Preprint","","","https://x.example/p","<p>Text &amp; more.</p>",""
'''  # fmt: skip


def save_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_zoteros_table_is_read_with_line_breaks_and_quotes_in_cells(tmp_path: Path) -> None:
    papers, skipped = read(write(tmp_path, ZOTERO, "export.txt"))
    assert papers == [
        Paper(
            "attention-please",
            "Attention, Please",
            'One. He said "yes", twice.',
            ("Ashish Vaswani", "Noam Shazeer"),
            "NeurIPS",
            2017,
            "https://doi.org/10.5555/1.2",
            doi="10.5555/1.2",
        ),
        Paper("a-preprint", "A Preprint", "Text & more.", url="https://x.example/p"),
    ]
    assert [(item.where, item.reason) for item in skipped] == [("line 5", "no abstract")]


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_separator_order_case_and_byte_order_mark_do_not_matter(tmp_path: Path, separator: str) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows([["ABSTRACT", "x", "Article Title"], ["One; two, 3.", "y", "T"]])
    papers, _ = read(write(tmp_path, "\ufeff" + out.getvalue()))
    assert [(paper.title, paper.abstract) for paper in papers] == [("T", "One; two, 3.")]


def test_awkward_rows_of_a_tsv_are_read_or_named(tmp_path: Path) -> None:
    rows = [
        "Title\tAbstract\tAuthors\tYear",
        'On "quoted", comma\tOne, two; 3.\tAda King; Bo Li\t2020-05-01',
        '"A tab\there"\t"Over\r\ntwo lines."\t\t',
        "Too\tmany\tcells\t2020\tin it",
        "Spaced  \t  Five.\t\tforthcoming",
    ]
    papers, skipped = read(write(tmp_path, "\r\n".join(rows) + "\r\n", "papers.tsv"))
    assert [(paper.title, paper.abstract, paper.authors, paper.year) for paper in papers] == [
        ('On "quoted", comma', "One, two; 3.", ("Ada King", "Bo Li"), 2020),
        ("A tab here", "Over two lines.", (), None),
        ("Spaced", "Five.", (), None),
    ]
    assert [(item.where, item.reason) for item in skipped] == [("line 5", "5 cells under 4 columns")]


def test_bad_rows_are_named_and_stop_nothing(tmp_path: Path) -> None:
    table = b"title,abstract\nA,One.\nB,two,three\nCaf\xe9,Four.\n\n,Five.\nD,Six.\nA,One.\n"
    papers, skipped = read(write(tmp_path, table))
    assert [paper.title for paper in papers] == ["A", "D"]
    assert [(item.where, item.reason) for item in skipped] == [
        ("line 3", "3 cells under 2 columns"),
        ("line 4", "not UTF-8; save the table as UTF-8"),
        ("line 6", "no title"),
        ("record 6 (a)", "the same paper again"),
    ]


def test_an_open_quote_is_named(tmp_path: Path) -> None:
    papers, skipped = read(write(tmp_path, 'title,abstract\nA,One.\nB,"' + "long\n" * 40_000))
    assert [paper.title for paper in papers] == ["A"]
    assert skipped[0].where == "line 3"
    assert "is a quote left open?" in skipped[0].reason


def test_a_table_without_an_abstract_lists_its_columns(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no column 'abstract', but: Name, Title, Score; name it"):
        read(write(tmp_path, "Name,Title,Score\na,b,c\n", "table.csv"))
    with pytest.raises(SourceError, match="no column 'title', but: heading, abstract; name it"):
        read(save_parquet(tmp_path / "x.parquet", [{"heading": "a", "abstract": "b"}]))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_columns_of_other_names_are_told(tmp_path: Path, kind: str) -> None:
    rows = {"Name": ["On Graphs"], "What it says": ["Graphs are drawn."], "title": ["not this one"]}
    path = tmp_path / f"papers.{kind}"
    if kind == "csv":
        path.write_text("\n".join([",".join(rows), ",".join(cells[0] for cells in rows.values())]))
    else:
        pq.write_table(pa.table(rows), path)
    settings = load_settings(columns="title=Name, abstract=What it says")
    (paper,) = read_papers(path, settings)
    assert isinstance(paper, Paper)
    assert (paper.title, paper.abstract) == ("On Graphs", "Graphs are drawn.")


@pytest.mark.parametrize(
    ("columns", "message"),
    [("title=Heading", "no column 'Heading'"), ("pages=Name", "with fields of"), ("Name", "with fields of")],
)
def test_columns_that_cannot_be_told_apart_are_one_error(tmp_path: Path, columns: str, message: str) -> None:
    path = tmp_path / "papers.csv"
    path.write_text("Name,abstract\nOn Graphs,Graphs are drawn.\n")
    with pytest.raises(SourceError, match=message):
        list(read_papers(path, load_settings(columns=columns)))


def test_parquet_is_read_with_its_own_lists_and_numbers(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"paper_id": 7, "title": "T", "summary": "Text.", "authors": ["Ada King", "Bo"], "year": 2020, "v": [0.1]},
        {"paper_id": 8, "title": None, "summary": "Text.", "authors": None, "year": None, "v": None},
        {"paper_id": 9, "title": "U", "summary": "More.\nText.", "authors": [], "year": None, "v": None},
    ]
    papers, skipped = read(save_parquet(tmp_path / "named-anything", rows))
    assert papers == [Paper("7", "T", "Text.", ("Ada King", "Bo"), "", 2020), Paper("9", "U", "More. Text.")]
    assert [(item.where, item.reason) for item in skipped] == [("row 2", "no title")]


def test_damaged_parquet_is_one_error(tmp_path: Path) -> None:
    path = save_parquet(tmp_path / "x.parquet", [{"title": "T", "abstract": "A."}])
    with pytest.raises(SourceError, match="is damaged Parquet"):
        read(write(tmp_path, path.read_bytes()[:-20], "cut.parquet"))


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_parquet(tmp_path / "x.parquet", [{"title": "T", "abstract": "A."}])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SourceError, match=r"pip install 'paper-chatbot\[parquet\]'"):
        read(path)


@pytest.mark.parametrize(
    ("cell", "authors"),
    [
        ("Ashish Vaswani, Noam Shazeer", ("Ashish Vaswani", "Noam Shazeer")),
        ("King, Ada", ("Ada King",)),
        ("van der Berg, Jan", ("Jan van der Berg",)),
        ("King, Ada; Bo Li", ("Ada King", "Bo Li")),
    ],
)
def test_authors_in_one_cell(tmp_path: Path, cell: str, authors: tuple[str, ...]) -> None:
    (paper,), _ = read(write(tmp_path, f'title,abstract,authors\nT,Text.,"{cell}"\n', "a.csv"))
    assert paper.authors == authors
