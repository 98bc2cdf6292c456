"""Write a comparison down as a table: Markdown, CSV, LaTeX or JSON.

Knows what each of these makes of a text; knows nothing of how cells are filled or where a table goes.
"""

import csv
import io
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from chatbot.comparison import NOT_STATED, Comparison
from chatbot.markup import escape_latex, escape_markdown, flatten_text
from chatbot.records import Paper

# An address in escaped text, without the stop after it; in angle brackets no renderer could read more into it.
_ADDRESS = re.compile(
    r"""https?\\://\w(?:\\[_#~@]|[\w/?=.+:-])*(?:\\_|[\w/=+-])(?=[.,;:!?)\\\]'"”’]*(?:\s|$))""", re.ASCII
)
_FORMULA = set("=+-@")
_LATEX_HEAD = r"""% \usepackage{array,booktabs,longtable}, and for pdflatex \usepackage[T1]{fontenc}.
% Rare signs and scripts other than Latin and Greek need lualatex or xelatex, and a font that has them.
% Many columns fit better between \begin{landscape} and \end{landscape}, of the package pdflscape."""
# A row that begins with a bracket or a star would be read as an option of the line break before it.
_LATEX = str.maketrans(
    {"[": "{[}", "*": "{*}", '"': r"\symbol{34}", "`": r"\textasciigrave{}"}
    | {sign: rf"\textsuperscript{{{plain}}}" for sign, plain in zip("⁰⁴⁵⁶⁷⁸⁹⁺⁻", "0456789+-", strict=True)}
    | {sign: rf"\textsubscript{{{plain}}}" for sign, plain in zip("₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+-", strict=True)}
)
# Signs that pdflatex does not know by itself, and no others: most of those need packages that a paper may not load.
_MATHS = r"""
    α \alpha β \beta γ \gamma δ \delta ε \varepsilon ϵ \epsilon ζ \zeta η \eta θ \theta ϑ \vartheta ι \iota κ \kappa
    λ \lambda μ \mu ν \nu ξ \xi π \pi ρ \rho ϱ \varrho σ \sigma ς \varsigma τ \tau υ \upsilon φ \varphi ϕ \phi χ \chi
    ψ \psi ω \omega Γ \Gamma Δ \Delta ∆ \Delta Θ \Theta ϴ \Theta Λ \Lambda Ξ \Xi Π \Pi Σ \Sigma Υ \Upsilon Φ \Phi
    Ψ \Psi Ω \Omega ℓ \ell ∂ \partial ∇ \nabla ∞ \infty ∅ \emptyset ∀ \forall ∃ \exists
    − - ∗ \ast ∘ \circ ∙ \bullet ⋅ \cdot ∼ \sim ≃ \simeq ≅ \cong ≈ \approx ≠ \neq ≡ \equiv ∝ \propto
    ≤ \leq ⩽ \leq ≥ \geq ⩾ \geq ≪ \ll ≫ \gg ≺ \prec ≻ \succ ∶ : ′ ' ″ '' √ \surd ∑ \sum ∏ \prod ∫ \int
    ∈ \in ∉ \notin ∋ \ni ⊂ \subset ⊃ \supset ⊆ \subseteq ⊇ \supseteq ∪ \cup ∩ \cap ∖ \setminus
    ∧ \wedge ∨ \vee ⊕ \oplus ⊗ \otimes ⊙ \odot ⊥ \perp ⊤ \top ∥ \parallel ∣ \mid ⋆ \star
    ⇐ \Leftarrow ⇒ \Rightarrow ⇔ \Leftrightarrow ↔ \leftrightarrow ↦ \mapsto ⇑ \Uparrow ⇓ \Downarrow
    ⟨ \langle ⟩ \rangle ⌈ \lceil ⌉ \rceil ⌊ \lfloor ⌋ \rfloor ⋯ \cdots
""".split()
_LATEX |= {ord(sign): rf"\ensuremath{{{maths}}}" for sign, maths in zip(_MATHS[::2], _MATHS[1::2], strict=True)}


def format_table(
    comparison: Comparison,
    form: Literal["markdown", "csv", "latex", "json"],
    numbers: Mapping[tuple[str, str], int] = {},
) -> str:
    """Return the grid in one of four forms, without a line break at its end; texts are shown as they are.

    ``numbers`` are the citations that Markdown marks its cells with, by paper id and aspect.
    """
    if form == "json":
        return json.dumps(comparison.to_dict(), indent=2, ensure_ascii=False)
    if form == "markdown":
        return _format_markdown(comparison, numbers)
    return _format_csv(comparison) if form == "csv" else _format_latex(comparison)


def label_papers(papers: Sequence[Paper]) -> list[str]:
    """Return what to call each paper in its row: its name, or its title when others have that name, and the year."""
    names = Counter(paper.name for paper in papers)
    return [_with_year(paper, paper.name if names[paper.name] == 1 else paper.title) for paper in papers]


def _with_year(paper: Paper, name: str) -> str:
    return f"{flatten_text(name)} ({paper.year})" if paper.year else flatten_text(name)


def _texts(comparison: Comparison, paper: Paper) -> list[str]:
    """Return the texts of a row as they are, each on one line."""
    cells = [comparison.cell(paper.id, aspect) for aspect in comparison.aspects]
    return [flatten_text(cell.text) if cell and cell.stated else NOT_STATED for cell in cells]


def _format_markdown(comparison: Comparison, numbers: Mapping[tuple[str, str], int]) -> str:
    def show(paper: Paper, aspect: str) -> str:
        cell = comparison.cell(paper.id, aspect)
        if not cell or not cell.stated:
            return f"*{NOT_STATED}*"
        number = numbers.get((paper.id, aspect))
        return _link_addresses(cell.text) + (f" [{number}]" if number is not None else "")

    heads = ["paper", *map(escape_markdown, comparison.aspects)]
    rows = [heads, ["---"] * len(heads)]
    for paper, label in zip(comparison.papers, label_papers(comparison.papers), strict=True):
        rows.append([escape_markdown(label), *(show(paper, aspect) for aspect in comparison.aspects)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _link_addresses(text: str) -> str:
    """Return ``text`` in Markdown that shows it as it is, with its plain addresses of the web to click on."""
    return _ADDRESS.sub(lambda found: "<" + found[0].replace("\\", "") + ">", escape_markdown(text))


def _format_csv(comparison: Comparison) -> str:
    rows = [["paper", *comparison.aspects]]
    for paper, label in zip(comparison.papers, label_papers(comparison.papers), strict=True):
        rows.append([label, *_texts(comparison, paper)])
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([_defuse_formula(text) for text in row] for row in rows)
    return file.getvalue().removesuffix("\n")


def _defuse_formula(text: str) -> str:
    """Return ``text`` on one line, with an apostrophe before what a spreadsheet could take for a formula.

    Blanks, invisible characters and full-width signs do not hide one.
    """
    text = flatten_text(text)
    seen = (sign for sign in unicodedata.normalize("NFKC", text) if not _is_invisible(sign) and not sign.isspace())
    return f"'{text}" if next(seen, "") in _FORMULA else text


def _is_invisible(sign: str) -> bool:
    return unicodedata.category(sign) == "Cf"


def _format_latex(comparison: Comparison) -> str:
    columns = len(comparison.aspects) + 1
    rows = [["paper", *comparison.aspects]]
    rows += [[_with_year(paper, paper.title), *_texts(comparison, paper)] for paper in comparison.papers]
    head, *body = [" & ".join(map(_escape_cell, row)) + r" \\" for row in rows]
    width = rf"\dimexpr(\linewidth-{2 * columns}\tabcolsep)/{columns}\relax"
    return "\n".join(
        [
            _LATEX_HEAD,
            r"\begingroup\footnotesize",
            rf"\begin{{longtable}}{{*{{{columns}}}{{>{{\raggedright\arraybackslash}}p{{{width}}}}}}}",
            r"\toprule",
            head,
            r"\midrule",
            r"\endhead",
            "\n\\addlinespace\n".join(body),
            r"\bottomrule",
            r"\end{longtable}",
            r"\endgroup",
        ]
    )


def _escape_cell(text: str) -> str:
    """Return ``text`` so that LaTeX shows every character of it as it is, its own commands and formulas too."""
    plain = "".join(sign for sign in unicodedata.normalize("NFC", text) if not _is_invisible(sign))
    text = re.sub(r"(/|\\_)(?![/ ])", r"\1\\allowbreak{}", escape_latex(plain).translate(_LATEX))  # for addresses
    return re.sub(r"([-',])(?=\1)", r"\1{}", text)  # two of these make another sign
