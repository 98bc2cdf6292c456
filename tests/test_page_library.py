"""What the page's library shows, finds and adds, without a browser."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot import PaperChatbot
from chatbot.errors import EmbeddingError, IndexBusy, InputError, SourceError
from chatbot.records import Listed, Paper
from chatbot.ui.adding import add_papers
from chatbot.ui.shelf import A_PAGE, count_pages, format_shelf, format_values, name_papers, read_wanted
from tests.conftest import make_record
from tests.embedding_server import serve_embeddings


def list_papers(count: int) -> list[Listed]:
    papers = (Paper(f"p{n}", f"On <i>bees</i>, part {n}", "", ("Ann O'Neil",), "Apis", 2000 + n) for n in range(count))
    return [Listed(paper, ("/home/ann/old.bib",), 1, 1) for paper in papers]


def test_the_table_shows_one_page_and_what_is_ticked_in_it() -> None:
    listed = list_papers(A_PAGE + 1)
    first, last = (format_shelf(listed, place, {"p0", "p20"}) for place in (0, 1))
    assert (first.count("<tr><td>"), last.count("<tr><td>"), count_pages(len(listed))) == (A_PAGE, 1, 2)
    assert first.count(" checked") == last.count(" checked") == 1
    assert all(text in last for text in ("On &lt;i&gt;bees&lt;/i&gt;, part 20", "Ann O&#x27;Neil", "2020", ">old.bib<"))
    assert "/home/ann" not in first
    assert "No paper is found" in format_shelf([], 0, ())


def test_the_values_that_papers_have_are_filters_to_click_on() -> None:
    html = format_values(list_papers(14))
    assert "<b>Years 2000 to 2013</b>" in html
    assert "data-filter='venue=Apis'><bdi>Apis</bdi> (14)" in html
    assert """data-filter='source:&quot;old.bib&quot;'""" in html
    assert html.count("data-filter='year=") == 12
    assert "and 2 more" in html
    assert "/home/ann" not in html
    assert format_values([]) == ""


def test_what_is_looked_for_is_a_filter_that_can_be_pinned() -> None:
    def find(text: str, filter: str = "") -> list[str]:
        wanted = read_wanted(text, filter)
        return [each.paper.id for each in list_papers(9) if not wanted or wanted.matches(each.paper, each.sources)]

    assert len(find(" ", " ")) == 9
    assert find("o'neil BEES 2003") == ["p3"]
    assert find("apis", "year<2002") == ["p0", "p1"]
    assert find("", str(name_papers(["p3", "p5"]))) == ["p3", "p5"]


def test_what_is_pasted_is_kept_and_no_name_of_a_file_is_followed(
    tmp_path: Path, write_jsonl: Callable[..., Path]
) -> None:
    bot = PaperChatbot(index=tmp_path / "index", model="extractive")
    bot.ingest(write_jsonl(make_record(0)))
    secret = write_jsonl(make_record(1), name="secret.jsonl")
    done: list[tuple[int, int | None]] = []
    kept = bot.settings.added
    with pytest.raises(SourceError, match=r"^what was pasted is in no known format"):
        add_papers(bot, str(secret), [], lambda *at: done.append(at))
    assert (len(bot), list(kept.iterdir())) == (1, [])
    text = "\n".join(json.dumps(make_record(n)) for n in (2, 3)) + "\n{}\n"
    told = add_papers(bot, text, [str(secret)], lambda *at: done.append(at))
    assert told[0].startswith("Skipped what was pasted")
    assert told[1:] == ["3 added, 0 updated, 0 unchanged, 0 removed, 1 skipped; 4 papers in all"]
    assert done[-1][0] == done[-1][1] == 4
    with bot.index.write(), pytest.raises(IndexBusy, match="someone else is adding papers; try again"):
        add_papers(bot, json.dumps(make_record(4)), [], lambda *_: None)
    with serve_embeddings() as server:
        other = PaperChatbot(index=tmp_path / "other", embedding="openai:tiny", openai_base_url=server.url)
        other.ingest(secret)
        server.behaviour = 401
        with pytest.raises(EmbeddingError):
            add_papers(other, json.dumps(make_record(5)), [], lambda *_: None)
    assert list(other.settings.added.iterdir()) == []
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n")
    with pytest.raises(InputError, match="nothing in it"):
        add_papers(bot, "", [str(secret), str(empty)], lambda *_: None)
    assert len(list(kept.iterdir())) == 2
