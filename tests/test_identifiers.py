"""DOIs and arXiv ids: found wherever a record has them, and in one spelling."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot import PaperChatbot
from chatbot.records import Paper
from chatbot.references import format_bibtex, format_reference, name_identifiers
from chatbot.sources import read_papers
from chatbot.sources.fields import find_identifiers, make_paper
from chatbot.ui.sources import format_sources
from tests.conftest import Run, make_record


@pytest.mark.parametrize(
    ("doi", "arxiv", "url", "found"),
    [
        ("https://doi.org/10.1000/XYZ_1.", "", "", ("10.1000/xyz_1", "")),
        ("10.1002/(SICI)1097-0258(1997)16:15&lt;1::AID-X&gt;3.0.CO;2-A", "", "",
         ("10.1002/(sici)1097-0258(1997)16:15<1::aid-x>3.0.co;2-a", "")),
        ("", "", "http://dx.doi.org/10.1000%2FAbc?nosfx=y", ("10.1000/abc", "")),
        ("10.48550/arXiv.2410.12345", "", "", ("10.48550/arxiv.2410.12345", "2410.12345")),
        ("", "arXiv:2410.12345v3 [cs.CL]", "", ("", "2410.12345")),
        ("", "math.GT/0309136v1", "", ("", "math/0309136")),
        ("", "", "https://arxiv.org/pdf/cs/0101001v2.pdf", ("", "cs/0101001")),
        ("", "", "https://huggingface.co/papers/2410.12345", ("", "2410.12345")),
        ("", "p1234.56789", "https://x.example/abs/2410.12345", ("", "")),
        ("", "conf/icml/2006123", "", ("", "")),
        ("", "2499.12345", "https://arxiv.org/abs/2410.123456", ("", "")),
    ],
)  # fmt: skip
def test_identifiers_have_one_spelling(doi: str, arxiv: str, url: str, found: tuple[str, str]) -> None:
    assert find_identifiers(doi, arxiv, url) == found


def test_only_an_id_in_its_place_makes_an_address() -> None:
    urls = [
        make_paper(title="T", abstract="A.", arxiv=given).url for given in ("math.GT/0309136v1", "conf/icml/2006123")
    ]
    assert urls == ["https://arxiv.org/abs/math.GT/0309136v1", ""]


RECORDS = {
    "library.bib": "@article{k, title={T}, abstract={A.}, doi={10.1000/A}, eprint={2410.12345v2}, eprinttype={arxiv}}",
    "library.ris": "TY  - JOUR\nTI  - T\nAB  - A.\nDO  - 10.1000/A\nUR  - http://arxiv.org/abs/2410.12345v2\nER  -\n",
    "library.json": json.dumps([{"title": "T", "abstract": "A.", "DOI": "10.1000/A", "number": "arXiv:2410.12345"}]),
    "table.csv": "title,abstract,doi,arXiv ID\nT,A.,10.1000/A,2410.12345v2\n",
    "papers.jsonl": json.dumps({"title": "T", "abstract": "A.", "doi": "doi:10.1000/A", "arxiv_id": "2410.12345"}),
    "works.json": json.dumps(
        {
            "id": "https://openalex.org/W1",
            "title": "T",
            "abstract_inverted_index": {"A.": [0]},
            "doi": "https://doi.org/10.1000/A",
            "primary_location": {"landing_page_url": "https://arxiv.org/abs/2410.12345"},
        }
    ),
    "snapshot.json": json.dumps(
        {"id": "2410.12345", "title": "T", "abstract": "A.", "doi": "10.1000/A", "authors_parsed": [["B", "A", ""]]}
    ),
}


def test_a_citation_shows_them_wherever_it_is_shown(write_jsonl: Callable[..., Path], tmp_path: Path, run: Run) -> None:
    index = tmp_path / "index"
    address = "https://example.org/bees"
    PaperChatbot(index=index).ingest(
        write_jsonl(make_record(1, doi="10.1000/Bees", arxiv_id="2410.12345v2", url=address), make_record(2))
    )
    answer = PaperChatbot(index=index).ask("What is studied in “On honey bees, part 1”?").to_dict()
    first = answer["citations"][0]
    assert (first["doi"], first["arxiv_id"]) == ("10.1000/bees", "2410.12345")
    bare = PaperChatbot(index=index).ask("What is studied in “On glacier melt, part 2”?").to_dict()
    assert not {"doi", "arxiv_id"} & set(bare["citations"][0])
    shown = run("ask", "What is studied in “On honey bees, part 1”?", index=index).stdout
    assert f"doi:10.1000/bees · arXiv:2410.12345 · {address}" in " ".join(shown.split())
    paper = PaperChatbot(index=index).paper("p1")
    assert paper
    assert "<bdi>doi:10.1000/bees</bdi> · <bdi>arXiv:2410.12345</bdi>" in format_sources(1, answer, lambda _: paper)
    assert format_reference(paper) == f"On honey bees, part 1. doi:10.1000/bees arXiv:2410.12345 <{address}>"


def test_an_identifier_that_the_address_shows_is_not_told_twice() -> None:
    assert name_identifiers("10.1000/a(1)", "2410.12345", "https://doi.org/10.1000/A%281%29") == ["arXiv:2410.12345"]
    assert name_identifiers("", "", "") == []


@pytest.mark.parametrize("name", RECORDS)
def test_every_source_gives_them(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(RECORDS[name])
    (paper,) = read_papers(tmp_path / name)
    assert isinstance(paper, Paper)
    assert (paper.doi, paper.arxiv_id) == ("10.1000/a", "2410.12345")


def test_they_are_kept_in_the_index_in_json_and_in_bibtex(
    tmp_path: Path, run: Run, write_jsonl: Callable[..., Path]
) -> None:
    PaperChatbot(index=tmp_path / "index").ingest(write_jsonl(make_record(1, doi="10.1000/a_b", arxiv_id="2410.12345")))
    shown = json.loads(run("papers", "--json", index=tmp_path / "index").stdout)
    assert (shown["doi"], shown["arxiv_id"]) == ("10.1000/a_b", "2410.12345")
    entry = format_bibtex(Paper(**shown | {"authors": ()}))
    assert "doi = {10.1000/a\\_b}" in entry
    assert "eprint = {2410.12345},\n  archiveprefix = {arXiv}" in entry
