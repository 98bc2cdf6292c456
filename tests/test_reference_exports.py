"""What reference managers export: BibTeX, RIS and CSL-JSON, good, awkward and bad."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylatexenc.latex2text import LatexNodes2Text

from chatbot.errors import SourceError
from chatbot.records import Paper
from chatbot.sources.bibtex import decode_latex
from tests.test_sources import read, write

BIBTEX = r"""@string{nips = "Advances in Neural Information Processing Systems"}

@inproceedings{vaswani_attention_2017,
	title = {Attention {Is} {All} {You} {Need}},
	volume = {30},
	url = {https://proceedings.neurips.cc/paper/2017/hash/3f5ee243-Abstract.html},
	abstract = {We propose the {Transformer}, by 2 {BLEU} better -- at 10\% of the cost.},
	booktitle = nips,
	author = {Vaswani, Ashish and Shazeer, Noam and {Google Brain Team} and others},
	year = {2017},
	file = {Full Text:/home/me/Zotero/storage/A/paper.pdf:application/pdf},
}

@article{erdos_graphs,
	title = {Sch{\"o}n {\'E}tudes on $\alpha$-Graphs},
	subtitle = {A Na{\"\i}ve View},
	author = {Erd{\H o}s, P{\'a}l and {van der Berg}, Jan},
	journaltitle = {R\&D Letters},
	date = {2023-05-11},
	doi = {10.1000/xyz{\_}123},
	abstract = {<p>Costs fall by 5% with R&D.</p><p>``It works'' for <i>n</i> &lt; 3.</p>},
	keywords = {a},
	keywords = {b},
}

@misc{hu_lora_2021,
	title = {{LoRA}},
	author = {Hu, Edward J.},
	abstract = {Low-rank adaptation.},
	year = {in press, 2021},
	eprint = {2106.09685},
	archiveprefix = {arXiv},
}

@book{knuth_1984,
	title = {The {TeXbook}},
	author = {Knuth, Donald E.},
	date = {1984},
}

@misc{hu_lora_2021,
	title = {Another Paper under the Same Key},
	abstract = {It is kept as well.},
}
"""

RIS = """TY  - CONF
TI  - Attention Is All You Need
AU  - Vaswani, Ashish
AU  - Shazeer, Noam
AU  - King, Martin, Jr.
T2  - Advances in Neural Information Processing Systems
AB  - We propose the Transformer.
N2  - A note that is not the abstract.
DA  - 2017/12/04/
PY  - 2017
UR  - https://papers.example/a;b
L1  - https://papers.example/a.pdf
ER  -

TY  - JOUR
T1  - An Older Tag for the Title
A1  - Doe, Jane
JF  - Journal of Things
N2  - The abstract stands in N2
and goes on in another line.
Y1  - 1999///Spring
DO  - 10.1000/old.1
TY  - JOUR
TI  - The One before Was Never Closed
AB  - &lt;b&gt;Bold&lt;/b&gt; is <b>bold</b> &amp; new.
ER  -
TY  - BOOK
TI  - Without an Abstract
ER  -
"""

CSL: list[object] = [
    {
        "id": "vaswaniAttention2017",
        "type": "paper-conference",
        "title": "<span class=\"nocase\">Attention</span> is all you need",
        "abstract": "<jats:title>Abstract</jats:title><jats:p>The <jats:italic>Transformer</jats:italic>.</jats:p>",
        "container-title": "NeurIPS",
        "author": [
            {"family": "Vaswani", "given": "Ashish"},
            {"family": "Berg", "given": "Jan", "non-dropping-particle": "van der"},
            {"literal": "Google Brain"},
        ],
        "issued": {"date-parts": [["2017", 12, 4]]},
        "DOI": "https://doi.org/10.5555/3295222",
    },
    {"title": "A Raw Date", "abstract": "One & two.", "issued": {"raw": "2020-05-01"}, "URL": "https://x.example/1"},
    {"title": "No Abstract"},
    {"title": "A Wrong Author", "abstract": "Text.", "author": "Doe"},
    "not an item",
    {"title": "No Date", "abstract": "Text.", "issued": {"date-parts": [[]]}, "author": None},
]  # fmt: skip


def test_bibtex_loses_its_latex_and_keeps_two_papers_under_one_key(tmp_path: Path) -> None:
    papers, skipped = read(write(tmp_path, BIBTEX, "library.bib"))
    assert papers == [
        Paper(
            "attention-is-all-you-need",
            "Attention Is All You Need",
            "We propose the Transformer, by 2 BLEU better – at 10% of the cost.",
            ("Ashish Vaswani", "Noam Shazeer", "Google Brain Team"),
            "Advances in Neural Information Processing Systems",
            2017,
            "https://proceedings.neurips.cc/paper/2017/hash/3f5ee243-Abstract.html",
        ),
        Paper(
            "schön-études-on-α-graphs-a-naïve-view",
            "Schön Études on α-Graphs: A Naïve View",
            "Costs fall by 5% with R&D. “It works” for n < 3.",
            ("Pál Erdős", "Jan van der Berg"),
            "R&D Letters",
            2023,
            "https://doi.org/10.1000/xyz_123", doi="10.1000/xyz_123",
        ),
        Paper(
            "lora", "LoRA", "Low-rank adaptation.", ("Edward J. Hu",), "", 2021,
            "https://arxiv.org/abs/2106.09685",
            arxiv_id="2106.09685"
        ),
        Paper(
            "another-paper-under-the-same-key", "Another Paper under the Same Key", "It is kept as well."
        ),
    ]  # fmt: skip
    assert [(item.where, item.reason) for item in skipped] == [("line 35 (knuth_1984)", "no abstract")]


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    for text, name in ((BIBTEX, "a.bib"), (RIS, "b.ris"), (json.dumps(CSL, indent=1), "c.json")):
        plain = read(write(tmp_path, text, name))
        windows = "\ufeff" + text.replace("\n", "\r\n")
        assert read(write(tmp_path, windows, "export.txt")) == plain


def test_an_open_brace_costs_one_entry(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = "@article{a, title={Open, abstract={X.}\n\n@article{b, title={Closed}, abstract={Y.}}\n"
    papers, skipped = read(write(tmp_path, text))
    assert [paper.title for paper in papers] == ["Closed"]
    assert (skipped[0].where, "closing `}`" in skipped[0].reason) == ("line 1", True)
    assert capfd.readouterr().err == ""


def test_ris_keeps_all_authors_and_takes_the_abstract_wherever_it_stands(tmp_path: Path) -> None:
    papers, skipped = read(write(tmp_path, RIS))
    assert papers == [
        Paper(
            "attention-is-all-you-need",
            "Attention Is All You Need",
            "We propose the Transformer.",
            ("Ashish Vaswani", "Noam Shazeer", "Martin King Jr."),
            "Advances in Neural Information Processing Systems",
            2017,
            "https://papers.example/a;b",
        ),
        Paper(
            "an-older-tag-for-the-title",
            "An Older Tag for the Title",
            "The abstract stands in N2 and goes on in another line.",
            ("Jane Doe",),
            "Journal of Things",
            1999,
            "https://doi.org/10.1000/old.1", doi="10.1000/old.1",
        ),
        Paper(
            "the-one-before-was-never-closed", "The One before Was Never Closed", "<b>Bold</b> is bold & new."
        ),
    ]  # fmt: skip
    assert [(item.where, item.reason) for item in skipped] == [("line 27", "no abstract")]


def test_a_reference_that_is_not_utf8_is_skipped(tmp_path: Path) -> None:
    bad = "TY  - JOUR\nTI  - Café\nAB  - X.\nER  - \n".encode("latin-1")
    papers, skipped = read(write(tmp_path, bad + RIS.encode(), "x.ris"))
    assert len(papers) == 3
    assert skipped[0].reason == "not UTF-8; export it again as UTF-8"


def test_csl_json_is_read_without_its_markup(tmp_path: Path) -> None:
    papers, skipped = read(write(tmp_path, json.dumps(CSL), "library.json"))
    assert papers == [
        Paper(
            "attention-is-all-you-need",
            "Attention is all you need",
            "Abstract The Transformer.",
            ("Ashish Vaswani", "Jan van der Berg", "Google Brain"),
            "NeurIPS",
            2017,
            "https://doi.org/10.5555/3295222",
            doi="10.5555/3295222",
        ),
        Paper("a-raw-date", "A Raw Date", "One & two.", (), "", 2020, "https://x.example/1"),
        Paper("no-date", "No Date", "Text."),
    ]
    assert [(item.where, item.reason.split(":")[0]) for item in skipped] == [
        ("item 3", "no abstract"),
        ("item 4", "author"),
        ("item 5", ""),
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.bib", "Only prose.", "has no BibTeX entry"),
        ("a.bib", '@string{x = "y"}', "has no BibTeX entry"),
        ("a.bib", b"@article{a, title = {Caf\xe9}}", "line 1 is not UTF-8"),
        ("a.ris", "Only prose.", "has no RIS reference"),
        ("a.json", '[{"title": "A",\n "abstract": ', "line 2 is not valid JSON"),
        ("a.json", "[]", "holds no list of papers"),
        ("a.json", '[{"x": ' + "9" * 5000 + "}]", "is not usable JSON"),
    ],
)
def test_unusable_exports_say_why(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(write(tmp_path, content, name))


@given(
    st.lists(
        st.sampled_from(["we", " ", "5%", r"5\%", "R&D", r"a\_b", "#", "--", "---", "``", "''", "'", "~", "{A}", "?"])
    )
)
def test_latex_without_macros_reads_as_the_full_parse_reads_it(words: list[str]) -> None:
    text = "x" + "x".join(words)
    parsed = LatexNodes2Text().latex_to_text(re.sub(r"(?<!\\)[%&]", r"\\\g<0>", text))
    assert decode_latex(text, None) == parsed
