"""References and exports: right in form, and nothing of a paper or an answer turns into markup or LaTeX."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chatbot.export import export_bibtex, export_markdown
from chatbot.markup import defuse_markdown, escape_markdown
from chatbot.records import Paper, Thread
from chatbot.references import format_bibliography, format_bibtex, format_reference

PAPER = Paper(
    "p1", "The Sums of Müller", "An abstract.", ("Ada Lovelace", "Müller, Jörg"), "NeurIPS", 2024, "https://x.org/1"
)
NOW = datetime(2025, 3, 4, 5, 6, tzinfo=UTC)
THREAD = Thread("t", "sums", NOW, NOW, 2)
# Pieces with a meaning in Markdown, HTML, BibTeX or LaTeX, so that random texts are hostile ones.
WORDS = r"""![a](b) [a](b) [a][a] [a] ![ ]( ) <img <b> </b> <!-- <?x <http://e> `` * ** _ # - + 1. > | & &lt;
    \ { } @ % \input{x} $ " and others , ^ ~ [1]""".split()
BLOCKS = ["\n\n[a]:b\n\n", "\n\n```\n\n", "\n\n~~~\n\n", "\n", " ", "\t", "\u2028"]
TEXTS = st.lists(st.sampled_from(WORDS + BLOCKS) | st.text(max_size=5), max_size=12).map("".join)
PAPERS = st.builds(Paper, st.just("p"), TEXTS, TEXTS, st.lists(TEXTS, max_size=3).map(tuple), TEXTS, st.none(), TEXTS)


def make_answer(*cited: Paper, **changes: Any) -> dict[str, Any]:
    citations = [{"number": n, "paper_id": paper.id, "title": paper.title} for n, paper in enumerate(cited, 1)]
    record = {"question": "What sums?", "standalone_question": "What sums?", "answer": "**Sums**: “so” [1]"}
    times = {"status": "answered", "model": "extractive", "created": NOW.isoformat()}
    return record | times | {"citations": citations} | changes


def kinds(markdown: str) -> set[str]:
    """Return the kinds of markup in ``markdown`` as a CommonMark renderer sees them."""
    blocks = MarkdownIt().parse(markdown)
    return {token.type for block in blocks for token in [block, *(block.children or [])]}


def test_bibtex_of_a_conference_paper() -> None:
    assert format_bibtex(PAPER) == (
        "@inproceedings{lovelace2024sums,\n"
        "  title = {{The Sums of Müller}},\n"
        "  author = {Ada Lovelace and Müller, Jörg},\n"
        "  booktitle = {NeurIPS},\n"
        "  year = {2024},\n"
        "  url = {https://x.org/1},\n"
        "}"
    )


@pytest.mark.parametrize(
    ("venue", "kind"),
    [
        ("Proceedings of the 41st International Conference on Machine Learning", "inproceedings"),
        ("CVPR 2024", "inproceedings"),
        ("Findings of ACL", "inproceedings"),
        ("Journal of Machine Learning Research", "article"),
        ("Proceedings of the National Academy of Sciences", "article"),
        ("IEEE Transactions on Robotics", "article"),
        ("Nature", "article"),
        ("arXiv", "article"),
        ("", "misc"),
    ],
)
def test_the_venue_decides_the_kind_of_entry(venue: str, kind: str) -> None:
    assert format_bibtex(replace(PAPER, venue=venue)).startswith(f"@{kind}{{")


@pytest.mark.parametrize(
    ("paper", "key"),
    [
        (Paper("1", "A Study", "", ("Jörg Müller",), year=2020), "muller2020study"),
        (Paper("1", "FRNet: Frustum", "", ("Xu, X.",)), "xufrnet"),
        (Paper("1", "FRNet: Frustum", "", year=2020), "frnet"),
        (Paper("1", "“The” {x}!", "", ("王",)), "x"),
        (Paper("1", "图", ""), "paper"),
    ],
)
def test_keys(paper: Paper, key: str) -> None:
    assert format_bibtex(paper).split("{")[1] == key + ",\n  title = "


def test_every_paper_has_a_key_of_its_own_that_stays() -> None:
    papers = [replace(PAPER, id=str(number)) for number in range(30)]
    keys = re.findall(r"^@\w+\{(.*),$", format_bibliography(papers), re.M)
    assert len(set(keys)) == 30
    assert re.findall(r"^@\w+\{(.*),$", format_bibliography(papers[:3]), re.M) == keys[:3]


def test_latex_shows_a_title_as_it_is() -> None:
    title = r"50% of R&D_1 {for $x^2$ ~ #1 \input{secrets}"
    assert r"{{50\% of R\&D\_1 \textbraceleft{}for \$x\textasciicircum{}2\$ \textasciitilde{}" in format_bibtex(
        replace(PAPER, title=title)
    )
    assert r"\#1 \textbackslash{}input\textbraceleft{}secrets\textbraceright{}}}" in format_bibtex(
        replace(PAPER, title=title)
    )


def test_a_name_that_bibtex_would_split_stays_one() -> None:
    authors = ("Barnes and Noble", "A, B, C, D", "others", "", "Ann Andersen")
    entry = format_bibtex(replace(PAPER, authors=authors))
    assert "author = {{Barnes and Noble} and {A, B, C, D} and {others} and Ann Andersen}" in entry


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc", "nonsense", "http://", ""])
def test_only_addresses_of_the_web_are_given(url: str) -> None:
    assert "url" not in format_bibtex(replace(PAPER, url=url))
    assert "<" not in format_reference(replace(PAPER, url=url))


def test_a_reference_is_one_line_with_what_is_known() -> None:
    assert format_reference(PAPER) == "Ada Lovelace, Müller, Jörg. The Sums of Müller. NeurIPS, 2024. <https://x.org/1>"
    assert format_reference(Paper("1", "Why?", "")) == "Why?"


@given(PAPERS)
def test_bibtex_of_any_text_is_one_entry_with_balanced_braces(paper: Paper) -> None:
    entry = format_bibtex(paper)
    depths = [0]
    for character in entry:  # BibTeX counts braces even behind a backslash
        depths.append(depths[-1] + {"{": 1, "}": -1}.get(character, 0))
    assert depths[-1] == 0
    assert all(depth > 0 for depth in depths[entry.index("{") + 1 : -1])
    assert not re.search(r"(?<!\\)[%$#&]|\\input", "\n".join(re.sub("  url = .*", "", entry).splitlines()))


@given(PAPERS, TEXTS)
def test_an_export_holds_no_image_link_or_html_of_a_paper_or_an_answer(paper: Paper, text: str) -> None:
    answer = make_answer(paper, answer=text, question=text, standalone_question=text + "?", model=text)
    exported = export_markdown(replace(THREAD, name=text), [answer], {"p": paper})
    found = kinds(exported)
    assert not found & {"image", "html_inline", "html_block"}
    assert "link_open" not in kinds(exported.replace(format_reference(paper), ""))
    assert exported.count("\n```") == 2
    assert "fence" in found


@given(TEXTS)
def test_escaped_text_is_shown_as_it_is(text: str) -> None:
    shown = escape_markdown(text)
    assert kinds(shown) <= {"paragraph_open", "inline", "text", "text_special", "paragraph_close"}
    assert kinds(f"- {shown}") <= kinds("- x") | {"text_special"}


@pytest.mark.parametrize(
    "text", ["![a](b)", "[a](b)", "<b>x</b>", "<http://e>", "[a]: b\n\n[a]", "[a]: b\n\n[x][a]", "```\nx", "~~~~\nx"]
)
def test_defused_text_has_only_words(text: str) -> None:
    assert kinds(text) - {"paragraph_open", "inline", "text", "paragraph_close", "softbreak"}
    assert kinds(defuse_markdown(text)) <= {"paragraph_open", "inline", "text", "paragraph_close", "softbreak"}


@given(TEXTS)
def test_defusing_twice_changes_nothing_more(text: str) -> None:
    assert defuse_markdown(defuse_markdown(text)) == defuse_markdown(text)


def test_an_export_has_questions_answers_references_and_bibtex() -> None:
    other = Paper("p2", "Other [x](y)", "")
    follow_up = make_answer(PAPER, question="and it?", standalone_question="and sums?")
    exported = export_markdown(THREAD, [make_answer(PAPER, other, PAPER), follow_up], {"p1": PAPER})
    assert exported == (
        "# sums\n\n"
        "## 1. What sums?\n\n**Sums**: “so” [1]\n\n*answered · written by extractive · 2025-03-04 05:06 UTC*\n\n"
        "## 2. and it?\n\nSearched for: and sums?\n\n**Sums**: “so” [1]\n\n"
        "*answered · written by extractive · 2025-03-04 05:06 UTC*\n\n"
        "## References\n\n"
        f"- {format_reference(PAPER)} (answer 1: [1] [3]; answer 2: [1])\n"
        "- Other \\[x\\](y). (answer 1: [2])\n\n"
        f"```bibtex\n{format_bibtex(PAPER)}\n\n@misc{{other,\n  title = {{{{Other [x](y)}}}},\n}}\n```\n"
    )
    assert export_bibtex([follow_up], {"p1": PAPER}) == format_bibtex(PAPER)


def test_a_grid_in_another_format_stays_a_block_of_code() -> None:
    latex = "```latex\nA & B \\\\\n```"
    grid = make_answer(PAPER, answer=f"{latex}\n\nBoth # [speak](x) <b>", comparison={"papers": []})
    exported = export_markdown(THREAD, [grid], {})
    assert latex in exported
    assert "fence" in kinds(exported)
    assert not {"link_open", "html_inline", "heading_1"} & kinds(exported.partition("```\n")[2])
    assert latex not in export_markdown(THREAD, [grid | {"comparison": None}], {})


def test_an_export_without_citations_has_no_references() -> None:
    exported = export_markdown(replace(THREAD, name=""), [make_answer()], {})
    assert exported.startswith("# Conversation\n")
    assert "References" not in exported
