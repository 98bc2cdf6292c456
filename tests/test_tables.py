"""Comparisons as tables: in any format, a text from a paper is shown as it is and breaks nothing."""

import csv
import io
import json
import re
from typing import Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chatbot import terminal
from chatbot.comparison import NOT_STATED, Cell, Comparison
from chatbot.markup import flatten_text
from chatbot.records import Paper
from chatbot.tables import format_table, label_papers

Form = Literal["markdown", "csv", "latex", "json"]
FORMS: tuple[Form, ...] = get_args(Form)
NET = Paper("n", "FooNet: Nets That Foo", "", year=2024)
BAR = Paper("b", "On Bars", "")
# Pieces with a meaning in Markdown, LaTeX or a spreadsheet, so that random texts are hostile ones.
PIECES = r"""![a](b) [a](b) [a] <b> <!-- <http://e> ` `` * ** _ # - -- + 1. > | &
    &lt; \ \\ { } @ % \input{x} $ $$ " '' ' ,, , ^ ~ [1] = ＝ ＋ － ＠ é α ≤
    https://x.org/a_b. www.a_b.org a_b@c.org http:// https://x.org/a|b?c=~d)""".split()


def texts(letters: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pieces = st.sampled_from([*PIECES, "\n", " ", "\t", "\r", "\u200b"]) | letters
    return st.lists(pieces, max_size=10).map("".join)


TEXTS = texts(st.text(max_size=4))
LATIN = texts(st.text(st.characters(max_codepoint=0x24F), max_size=4))


def fill(*texts: str, paper: Paper = NET) -> Comparison:
    """Return a row of cells with ``texts``, in columns that are called the same."""
    aspects = tuple(f"{text} {number}" for number, text in enumerate(texts))
    return Comparison((paper,), aspects, tuple(state(paper, *pair) for pair in zip(aspects, texts, strict=True)))


def state(paper: Paper, aspect: str, text: str) -> Cell:
    return Cell(paper.id, aspect, text, text, 0, len(text), "supported", "extractive")


def render(markdown: str) -> list[list[str]]:
    """Return the texts of a table's cells, row by row, as a renderer shows them."""
    rows: list[list[str]] = []
    for token in MarkdownIt().enable("table").parse(markdown):
        if token.type == "tr_open":
            rows.append([])
        if token.type == "inline":
            assert {child.type for child in token.children or []} <= {"text", "text_special", "link_open", "link_close"}
            rows[-1].append("".join(child.content for child in token.children or []))
    return rows


def read_latex(cell: str) -> str:
    """Return what LaTeX shows for an escaped ``cell``."""
    names = {"backslash": "\\", "braceleft": "{", "braceright": "}", "asciitilde": "~", "asciicircum": "^"}
    names |= {"less": "<", "greater": ">", "bar": "|", "asciigrave": "`"}
    cell = cell.replace(r"\allowbreak{}", "").replace(r"\symbol{34}", '"').replace(r"\ensuremath{\alpha}", "α")
    cell = cell.replace(r"\ensuremath{\leq}", "≤")
    cell = re.sub(r"(?<=[-',])\{\}|\{([\[*])\}", r"\1", cell)
    return re.sub(r"\\text([a-z]+)\{\}|\\([$&%#_])", lambda found: names[found[1]] if found[1] else found[2], cell)


def test_a_grid_in_markdown_marks_its_citations() -> None:
    grid = Comparison((NET, BAR), ("data", "code"), (state(NET, "data", "On Cora."), state(BAR, "code", "On x.org.")))
    assert format_table(grid, "markdown", {("n", "data"): 3, ("n", "code"): 4}) == (
        "| paper | data | code |\n"
        "| --- | --- | --- |\n"
        "| FooNet (2024) | On Cora. [3] | *not stated in the abstract* |\n"
        "| On Bars | *not stated in the abstract* | On x.org. |"
    )


def test_a_grid_in_csv() -> None:
    grid = Comparison((NET, BAR), ("data",), (state(NET, "data", 'On "Cora", 2 %'),))
    assert (
        format_table(grid, "csv") == 'paper,data\nFooNet (2024),"On ""Cora"", 2 %"\nOn Bars,not stated in the abstract'
    )


def test_a_grid_in_json_is_its_json_form() -> None:
    written = format_table(fill("größer"), "json")
    assert json.loads(written) == fill("größer").to_dict()
    assert "größer" in written


def test_a_cell_that_was_refused_is_never_shown() -> None:
    refused = Cell("n", "data", "Made up.", "", None, None, "not stated", "extractive")
    for form in FORMS[:3]:
        written = format_table(Comparison((NET,), ("data",), (refused,)), form)
        assert NOT_STATED in written
        assert "Made up" not in written


def test_papers_of_one_name_are_told_apart_by_title() -> None:
    other = Paper("o", "FooNet: Nets Reviewed", "", year=2025)
    assert label_papers([NET, other, BAR]) == [
        "FooNet: Nets That Foo (2024)",
        "FooNet: Nets Reviewed (2025)",
        "On Bars",
    ]


@given(TEXTS, TEXTS, TEXTS)
def test_markdown_shows_any_text_as_it_is(one: str, two: str, title: str) -> None:
    paper = Paper("n", title, "")
    heads, row = render(format_table(fill(one, two, paper=paper), "markdown"))
    assert row == [flatten_text(paper.name), flatten_text(one), flatten_text(two)]
    assert heads == ["paper", flatten_text(f"{one} 0"), flatten_text(f"{two} 1")]


def test_an_address_can_be_clicked_on_and_maths_is_not_set() -> None:
    written = format_table(fill("See https://x.org/a_b~c/#d. Or (http://y.org), or $$x$$."), "markdown")
    assert r"See <https://x.org/a_b~c/#d>. Or (<http://y.org>), or \$\$x\$\$." in written


@pytest.mark.parametrize("text", ["www.a_b.org", "https://x.org/a%20_b", "ftp://x_y.org", "a_b@c.org"])
def test_what_github_would_link_with_its_backslashes_is_left_plain(text: str) -> None:
    written = format_table(fill(text), "markdown")
    assert render(written)[1][1] == text
    assert not re.search(r"(?<!\\):(?=//)|www\.|(?<!\\)@", written)


@given(TEXTS, TEXTS, TEXTS)
def test_csv_holds_any_text_and_no_formula(one: str, two: str, title: str) -> None:
    paper = Paper("n", title, "")
    rows = list(csv.reader(io.StringIO(format_table(fill(one, two, paper=paper), "csv"))))
    expected = [["paper", f"{one} 0", f"{two} 1"], [paper.name, one, two]]
    for row, texts in zip(rows, expected, strict=True):
        for cell, text in zip(row, texts, strict=True):
            assert cell in (flatten_text(text), f"'{flatten_text(text)}")
            assert not cell.strip("\u200b\ufeff ").startswith(tuple("=+-@＝＋－＠\t\r"))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r\n=1", " =1", "＝1", "＋1", "\u200b＠x", "﹣1"])
def test_what_a_spreadsheet_could_run_gets_an_apostrophe(text: str) -> None:
    assert format_table(fill(text), "csv").splitlines()[1] == f"FooNet (2024),'{flatten_text(text)}"


@given(LATIN, LATIN, LATIN)
def test_latex_shows_any_text_as_it_is(one: str, two: str, title: str) -> None:
    written = format_table(fill(one, two, paper=Paper("n", title, "")), "latex")
    rows = [line.removesuffix(r" \\").split(" & ") for line in written.splitlines() if line.endswith(r"\\")]
    for row, texts in zip(rows, [["paper", f"{one} 0", f"{two} 1"], [title, one, two]], strict=True):
        visible = [flatten_text(re.sub("[\u200b\xad]", "", text)) for text in texts]
        assert [read_latex(cell) for cell in row] == visible
        assert not any(re.search(r"(?<!\\)[$&%#^~_]|^[\[*]", cell) for cell in row)
        assert all(re.sub(r"\\.", "", cell).count("{") == cell.count("}") for cell in row)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("i.e.~2.5\\%", r"i.e.\textasciitilde{}2.5\textbackslash{}\%"),
        ("β ≤ 10⁻⁴", r"\ensuremath{\beta} \ensuremath{\leq} 10\textsuperscript{-}\textsuperscript{4}"),
        ("“naïve” 図", "“naïve” 図"),
        ("nai\u0308ve\u200b", "naïve"),
    ],
)
def test_latex_of_residue_and_of_other_alphabets(text: str, shown: str) -> None:
    assert f"& {shown} \\\\" in format_table(fill(text), "latex")


def test_a_latex_table_names_papers_in_full_and_says_what_it_needs() -> None:
    written = format_table(Comparison((NET, BAR), ("data", "code")), "latex")
    assert "array,booktabs,longtable" in written.splitlines()[0]
    assert "FooNet: Nets That Foo (2024) & not stated in the abstract & not stated in the abstract \\\\" in written
    assert len(re.findall(r"(?<!\\)&", written)) == 3 * 2


@pytest.mark.parametrize("form", FORMS)
def test_a_grid_without_papers_or_columns_is_still_a_table(form: Form) -> None:
    assert format_table(Comparison((), ("data",)), form)
    assert format_table(Comparison((NET,), ()), form)


def test_a_wide_terminal_shows_a_grid(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(terminal.out, "width", 80)
    long = "https://x.org/" + "a" * 30
    terminal.show_cells(Comparison((NET, BAR), ("data", "code"), (state(NET, "data", long),)), {})
    shown = capsys.readouterr().out
    heads, row = [line.split() for line in shown.splitlines() if line.strip()][1:4:2]
    assert heads == ["paper", "data", "code"]
    assert row[:2] == ["FooNet", "(2024)"]
    assert shown.count("a" * 10) >= 2  # an address too long for its column goes on in the next line
    assert "…" not in shown


def test_a_narrow_terminal_shows_one_paper_after_the_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal.out, "width", 50)
    terminal.show_cells(Comparison((NET, BAR), ("data", "code"), (state(NET, "data", "On [bold]\x1b[31mCora."),)), {})
    shown = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert shown == [
        "FooNet (2024)",
        "  data: On [bold] [31mCora.",
        "  code: not stated in the abstract",
        "",
        "On Bars",
        "  data: not stated in the abstract",
        "  code: not stated in the abstract",
        "",
    ]
