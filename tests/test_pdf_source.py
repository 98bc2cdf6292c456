"""PDFs: the title and the abstract of a first page, found however the page is set."""

import sys
from pathlib import Path

import pytest

from chatbot.errors import SourceError
from chatbot.records import Paper
from tests.test_sources import read, write

Line = tuple[float, str]
PAGE: list[Line] = [
    (9, "Published as a conference paper at TEST 2024"),
    (17, "Frugal Attention:"),
    (17, "Fewer Heads, Same Sight"),
    (11, "Ada King, Bo Li"),
    (12, "Abstract"),
    (10, "We halve the heads of a trans-"),
    (10, "former and reach state-of-the-"),
    (10, "art accuracy \\(81.2%\\)."),
    (12, "1 Introduction"),
    (10, "Heads are many."),
]
ABSTRACT = "We halve the heads of a transformer and reach state-of-the-art accuracy (81.2%)."


def make_pdf(lines: list[Line], *others: list[Line], title: str = "", stamp: str = "") -> bytes:
    """Return a PDF of pages with ``lines``, each of a size in points, and ``stamp`` up the left side of the first."""
    numbers = range(5, 5 + 2 * (1 + len(others)), 2)
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{' '.join(f'{number} 0 R' for number in numbers)}] /Count {len(numbers)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        f"<< /Title ({title}) /Author (Ada King and Bo Li) >>",
    ]
    for number, page in zip(numbers, [lines, *others], strict=True):
        shown = [
            f"BT /F1 {size} Tf 1 0 0 1 72 {750 - 20 * at} Tm ({text}) Tj ET" for at, (size, text) in enumerate(page)
        ]
        if stamp and number == numbers[0]:
            shown.append(f"BT /F1 20 Tf 0 1 -1 0 30 200 Tm ({stamp}) Tj ET")
        content = "\n".join(shown)
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {number + 1} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>",
            f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        ]
    body, places = "%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{text}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    start, size = len(body), len(objects) + 1
    body += f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R /Info 4 0 R >>\n"
    return f"{body}startxref\n{start}\n%%EOF\n".encode("cp1252")


def test_the_largest_words_are_the_title_and_broken_words_are_mended(tmp_path: Path) -> None:
    papers, skipped = read(write(tmp_path, make_pdf(PAGE, title="paper_final_v3.dvi"), "download"))
    title = "Frugal Attention: Fewer Heads, Same Sight"
    assert papers == [Paper("frugal-attention-fewer-heads-same-sight", title, ABSTRACT, ("Ada King", "Bo Li"))]
    assert skipped == []


def test_a_title_in_the_files_fields_counts_when_the_page_shows_it(tmp_path: Path) -> None:
    page: list[Line] = [(30, "Journal of Examples"), *PAGE]
    assert read(write(tmp_path, make_pdf(page)))[0][0].title == "Journal of Examples"
    shown = make_pdf(page, title="Frugal Attention: Fewer Heads, Same Sight")
    assert read(write(tmp_path, shown))[0][0].title == "Frugal Attention: Fewer Heads, Same Sight"


def test_the_arxiv_stamp_gives_the_link_and_no_title(tmp_path: Path) -> None:
    (paper,), _ = read(write(tmp_path, make_pdf(PAGE, stamp="arXiv:2106.09685v2  [cs.CL]  16 Oct 2021")))
    assert paper.url == "https://arxiv.org/abs/2106.09685v2"
    assert paper.title == "Frugal Attention: Fewer Heads, Same Sight"


@pytest.mark.parametrize(
    ("heading", "end"),
    [
        ("Abstract", "1 Introduction"),
        ("A BSTRACT", "1 I NTRODUCTION"),
        ("ABSTRACT", "I. INTRODUCTION"),
        ("Abstract", "Keywords: attention, heads"),
        ("Abstract:", "Index Terms"),
    ],
)
def test_an_abstract_is_found_between_its_headings(tmp_path: Path, heading: str, end: str) -> None:
    page: list[Line] = [*PAGE[:4], (12, heading), *PAGE[5:8], (12, end), PAGE[9]]
    assert read(write(tmp_path, make_pdf(page)))[0][0].abstract == ABSTRACT


def test_an_abstract_may_begin_in_the_line_of_its_heading(tmp_path: Path) -> None:
    page: list[Line] = [*PAGE[:4], (10, "Abstract — We see"), (10, "more."), *PAGE[8:]]
    assert read(write(tmp_path, make_pdf(page)))[0][0].abstract == "We see more."


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ([], "no text on its first page, which may be a scan"),
        (PAGE[:4], "no abstract on its first page"),
        (PAGE[4:5], "no title"),
        ([*PAGE[:5], PAGE[8]], "no abstract"),
    ],
)
def test_a_page_that_lacks_something_is_skipped_and_says_what(tmp_path: Path, page: list[Line], reason: str) -> None:
    papers, skipped = read(write(tmp_path, make_pdf(page)))
    assert (papers, [(item.where, item.reason) for item in skipped]) == ([], [("page 1", reason)])


def test_damage_is_one_error_and_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SourceError, match=r"cannot be read as PDF \(.+\); open it"):
        read(write(tmp_path, make_pdf(PAGE)[:300]))
    assert capfd.readouterr().err == ""


def test_pdf_without_pypdf_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdf", None)
    with pytest.raises(SourceError, match=r"pip install 'paper-chatbot\[pdf\]'"):
        read(write(tmp_path, make_pdf(PAGE)))
