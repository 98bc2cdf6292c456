"""Records of OpenAlex and of the arXiv snapshot: JSON of other shapes than the program's own."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.errors import SourceError
from chatbot.records import Paper
from tests.test_sources import read, write

WORK: dict[str, Any] = {
    "id": "https://openalex.org/W2626778328",
    "doi": "https://doi.org/10.5555/3295222",
    "title": "Attention Is All You Need",
    "publication_year": 2017,
    "primary_location": {"landing_page_url": None, "source": {"display_name": "NeurIPS"}},
    "authorships": [{"author": {"display_name": "Ashish Vaswani"}}, {"author": {"display_name": None}}],
    "abstract_inverted_index": {"the": [1, 4], "We": [0], "model": [2], "beats": [3], "rest.": [5]},
}
UNTITLED = WORK | {"id": "https://openalex.org/W2", "title": None, "primary_location": None}
HIDDEN = WORK | {"id": "https://openalex.org/W3", "abstract_inverted_index": None}
BROKEN = WORK | {"id": "https://openalex.org/W4", "abstract_inverted_index": {"word": "zero"}}
WORKS = [WORK, UNTITLED, HIDDEN, BROKEN]
ATTENTION = Paper(
    "W2626778328",
    "Attention Is All You Need",
    "We the model beats the rest.",
    ("Ashish Vaswani",),
    "NeurIPS",
    2017,
    "https://doi.org/10.5555/3295222",
    doi="10.5555/3295222",
)

ARXIV: list[dict[str, Any]] = [
    {
        "id": "0704.0033",
        "submitter": "Maxim A. Yurkin",
        "authors": "Maxim A. Yurkin, Valeri P. Maltsev Jr.",
        "title": "Convergence of the discrete dipole\n  approximation",
        "journal-ref": "J.Opt.Soc.Am.A 23, 2578-2591 (2006)",
        "doi": "10.1364/JOSAA.23.002578",
        "abstract": "  We perform an analysis of\nconvergence for $x<b$ and $c>d$.\n",
        "update_date": "2022-03-31",
        "authors_parsed": [["Yurkin", "Maxim A.", ""], ["Maltsev", "Valeri P.", "Jr."]],
    },
    {"id": "hep-th/9901001", "title": "Old", "abstract": "Text.", "authors": "A. B.", "update_date": "2009-10-31"},
    {"id": "2106.09685", "title": "Withdrawn", "abstract": "\n", "update_date": "2021-10-31"},
]


def lines(records: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


@pytest.mark.parametrize(
    "content",
    [
        lines(WORKS),
        json.dumps({"meta": {"count": 4}, "results": WORKS}),
        json.dumps({"results": WORKS}, indent=2),
        json.dumps(WORKS),
        gzip.compress(lines(WORKS).encode()),
    ],
    ids=["snapshot", "answer", "indented answer", "list", "gzipped snapshot"],
)
def test_openalex_abstracts_are_put_together_again(tmp_path: Path, content: str | bytes) -> None:
    papers, skipped = read(write(tmp_path, content, "works.jsonl"))
    assert papers == [ATTENTION]
    assert [item.reason.split(":")[0] for item in skipped] == [
        "no title", "no abstract", "abstract_inverted_index.word",
    ]  # fmt: skip


def test_abstracts_that_someone_restored_already_are_kept(tmp_path: Path) -> None:
    restored = {"id": "https://openalex.org/W9", "title": "T", "abstract": "Plain text."}
    assert read(write(tmp_path, lines([restored])))[0] == [Paper("W9", "T", "Plain text.")]


def test_one_work_alone_is_read(tmp_path: Path) -> None:
    assert read(write(tmp_path, json.dumps(WORK, indent=2)))[0] == [ATTENTION]


def test_a_broken_answer_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="line 5 is not valid JSON"):
        read(write(tmp_path, "\n".join(json.dumps({"results": WORKS}, indent=2).split("\n")[:4]) + "\n"))


def test_the_arxiv_snapshot_dates_a_paper_by_its_id(tmp_path: Path) -> None:
    papers, skipped = read(write(tmp_path, lines(ARXIV) + "{half\n", "arxiv-metadata-oai-snapshot.json"))
    assert papers == [
        Paper(
            "0704.0033",
            "Convergence of the discrete dipole approximation",
            "We perform an analysis of convergence for $x<b$ and $c>d$.",
            ("Maxim A. Yurkin", "Valeri P. Maltsev Jr."),
            "J.Opt.Soc.Am.A 23, 2578-2591 (2006)",
            2007,
            "https://arxiv.org/abs/0704.0033",
            doi="10.1364/josaa.23.002578",
            arxiv_id="0704.0033",
        ),
        Paper(
            "hep-th/9901001",
            "Old",
            "Text.",
            ("A. B.",),
            "",
            1999,
            "https://arxiv.org/abs/hep-th/9901001",
            arxiv_id="hep-th/9901001",
        ),
    ]
    assert [(item.where, item.reason.split(" (")[0]) for item in skipped] == [
        ("line 3", "no abstract"),
        ("line 4", "not valid JSON"),
    ]


@settings(max_examples=60)
@given(st.sampled_from([*WORKS[:1], *ARXIV[:1]]), st.data())
def test_a_wrong_type_in_a_field_costs_one_record(
    tmp_path_factory: pytest.TempPathFactory, record: dict[str, Any], data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from(sorted(record)))
    value = data.draw(st.recursive(st.none() | st.integers() | st.text(), lambda v: st.lists(v), max_leaves=4))
    path = write(tmp_path_factory.getbasetemp(), lines([record | {field: value}, record]), "typed.jsonl")
    papers, skipped = read(path)
    assert papers
    assert len(papers) + len(skipped) == 2
