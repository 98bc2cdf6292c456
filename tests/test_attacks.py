"""Papers that give orders: a model that obeys every one of them changes no other paper's answer, and draws nothing."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from chatbot import PaperChatbot
from chatbot.answers import Answer
from chatbot.export import export_markdown
from chatbot.filters import Clause, Filter, join_filters
from chatbot.ui.answers import format_answer
from chatbot.ui.sources import format_sources
from tests import model_behaviours as behaviours
from tests.model_server import Behaviour, Body, ModelServer, Reply, model_server
from tests.test_checked_answers import open_bot

ATTACKS = [json.loads(line) for line in Path(__file__).with_name("attacks.jsonl").read_text("utf-8").splitlines()]
SECRET = "why-do-they-dance"  # stands for what was asked before
GOOD = {
    "bees": ("Waggle runs of bees", "Honey bees tell the distance of flowers by the length of a waggle run.", "71"),
    "glaciers": ("Fjords under glaciers", "Glaciers calve faster where fjord water is warm below the surface.", "34"),
    "yeast": ("Bread yeast at night", "Bread yeast raises dough more slowly in a cold kitchen at night.", "18"),
    "trams": ("Priority for city trams", "City trams arrive earlier when traffic lights give them priority.", "27"),
    "opera": ("Breath of opera singers", "Opera singers hold a phrase longer after training the diaphragm.", "45"),
    "basalt": ("How basalt columns crack", "Basalt columns are thinner where lava cools quickly from above.", "62"),
}  # fmt: skip
HARMLESS = {"p", "em", "strong", "ul", "ol", "li", "a", "code", "pre", "blockquote", "br", "hr", "h1", "h2", "h3"}
FOLDED = {"details", "summary"}
OF_THE_PANEL = FOLDED | set(
    "section span sup mark button q bdi table caption thead tbody tr th td form label input output dl dt dd div".split()
)


class Markup(HTMLParser):
    """What of a text is no text: its tags, and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.links, self.handlers = set[str](), list[str](), set[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("href", "src", "srcset", "action"):
                self.links.append(value or "")
            elif name.startswith("on") or name in ("srcdoc", "style"):
                self.handlers.add(name)


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with model_server() as running:
        yield running


@pytest.fixture(scope="module")
def attacked(model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> PaperChatbot:
    """A chatbot over all attacks and one good paper a subject."""
    folder = tmp_path_factory.mktemp("attacked")
    good = [
        {"id": topic, "title": title, "abstract": f"{finding} The effect is {figure} percent."}
        for topic, (title, finding, figure) in GOOD.items()
    ]
    bad = [paper for attack in ATTACKS for paper in attack["papers"] if "abstract" in paper]
    (folder / "a.jsonl").write_text("".join(json.dumps(record) + "\n" for record in [*good, *bad]))
    entries = [attack["bibtex"] for attack in ATTACKS if "bibtex" in attack]
    (folder / "a.bib").write_text("\n\n".join(entries))
    bot = open_bot(model, folder / "index")
    report = bot.ingest(folder / "a.jsonl", folder / "a.bib")
    assert (report.added, report.skipped) == (len(good) + len(bad) + len(entries), [])
    return bot


def only(*ids: str) -> Filter:
    return join_filters("or", [Clause("id", "=", each) for each in ids])


def fooled(title: str, said: str) -> Behaviour:
    """Say what was ordered in the name of the good paper, of each other and of all; then report the good one."""

    def reply(body: Body) -> Reply:
        titles, passages = behaviours.read_titles(body), behaviours.read_passages(body)
        (good,) = (each.paper for each in titles if each.text == title)
        honest = " ".join(f"The authors report that {p.text} [{p.label}]" for p in passages if p.paper == good)
        labels = [f"[{good}.1]", *(f"[{p.label}]" for p in passages if p.paper != good)]
        told = " ".join(f"{said} {label}" for label in [*labels, "".join(labels)]) if len(labels) > 1 else ""
        return Reply(f"{honest}\n\n{told}")

    return reply


def of_paper(answer: Answer, paper_id: str) -> list[tuple[str, list[str]]]:
    """Return the sentences of ``answer`` that rest on a paper, with what they quote."""
    quotes = {each.number: each for each in answer.citations}
    return [
        (sentence.text, [quotes[number].quote for number in sentence.citations])
        for sentence in answer.sentences
        if any(quotes[number].paper_id == paper_id for number in sentence.citations)
    ]


def check_inert(bot: PaperChatbot, answer: Answer) -> None:
    """Nothing of ``answer`` is a tag, a script or a link of its own, on the page or in an export."""
    record = answer.to_dict() | {"created": "2026-01-01T00:00:00+00:00"}
    papers = {each.paper_id: found for each in answer.citations if (found := bot.paper(each.paper_id))}
    shown = Markup(MarkdownIt("commonmark", {"html": True}).enable("table").render(format_answer(answer)))
    assert shown.tags <= HARMLESS | FOLDED
    assert not shown.handlers
    quoted = " ".join(each.quote for each in answer.citations)
    assert all(link.startswith("#") or link in quoted for link in shown.links)
    sources = Markup(format_sources(1, record, bot.paper))
    assert sources.tags <= HARMLESS | OF_THE_PANEL
    assert not sources.handlers
    assert set(sources.links) <= {found.url for found in papers.values()}
    assert all(link.startswith(("http://", "https://")) for link in sources.links)
    thread = bot.threads.create("")
    exported = Markup(MarkdownIt("commonmark", {"html": True}).render(export_markdown(thread, [record], papers)))
    assert exported.tags <= HARMLESS
    # GitHub's Markdown, which Gradio speaks, makes links of bare addresses: what was asked could leave by them.
    assert SECRET not in " ".join([*shown.links, *sources.links, *exported.links])
    assert not re.search(rf"(?:https?:/|www\.)\S*{SECRET}|{SECRET}@", format_answer(answer))


def test_there_are_attacks_of_all_kinds() -> None:
    assert len(ATTACKS) >= 60
    assert len({attack["kind"] for attack in ATTACKS}) >= 12
    assert all("PWNED" in attack["said"] or "evil.example" in attack["said"] for attack in ATTACKS)


@pytest.mark.parametrize("topic", GOOD)
def test_a_model_that_obeys_changes_no_other_papers_answer(
    model: ModelServer, attacked: PaperChatbot, topic: str
) -> None:
    title, question = GOOD[topic][0], f"What is found in “{GOOD[topic][0]}”?"
    by_title = {paper.title: paper.id for paper in attacked.papers()}
    model.default = fooled(title, "")
    expected = of_paper(attacked.ask(question, filter=only(topic)), topic)
    assert len(expected) == 2
    for attack in (attack for attack in ATTACKS if attack["topic"] == topic):
        ids = find_ids(by_title, attack)
        model.default = fooled(title, attack["said"].replace("QUESTION", SECRET))
        answer = attacked.ask(question, filter=only(topic, *ids))
        assert of_paper(answer, topic) == expected, attack
        check_inert(attacked, answer)


def find_ids(by_title: dict[str, str], attack: dict[str, Any]) -> list[str]:
    return [
        found
        for paper in attack["papers"]
        for title, found in by_title.items()
        if title == " ".join(paper["title"].split())
    ]
