"""The tabs beside the chat: papers compared, kept in the library, and runs that measure."""

import json
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from chatbot import PaperChatbot
from chatbot.errors import SourceError
from evals.questions import QUESTIONS
from evals.runs import run_questions
from tests.page.visits import ask, find_faults, serving, visit, wait_for_answer


def test_papers_are_compared_in_a_grid_that_can_be_changed_and_taken_away(page: Page) -> None:
    ask(page, "What is FRNet?")
    page.get_by_role("button", name="Add to comparison").first.click()
    page.get_by_role("tab", name="Compare").click()
    grid = page.get_by_role("region", name="Comparison")
    expect(grid.get_by_role("row", name=re.compile("^FRNet"))).to_be_visible()
    page.locator("#compared input").press_sequentially("reducing state")
    page.locator("#compared li", has_text="FRUGAL").click()
    cell = grid.get_by_role("row", name=re.compile("^FRUGAL")).get_by_role("cell").first
    quote = cell.get_attribute("title")
    cell.click()
    expect(page.locator("#grid-sources .lit")).to_have_text(quote or "")
    page.locator("#columns input").press_sequentially("memory\n")
    expect(grid.get_by_role("columnheader", name="memory")).to_be_visible()
    page.locator("#columns").get_by_role("button").first.click()
    expect(grid.get_by_role("columnheader", name="problem")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename == "comparison.csv"
    assert download.value.path().read_text().startswith("paper,approach,key idea,data,results,code,memory\nFRNet,")


def test_the_library_shows_a_page_of_the_papers_and_the_values_that_they_can_be_filtered_by(page: Page) -> None:
    rows = page.locator("#shelf tbody tr")
    page.get_by_role("tab", name="Library").click()
    expect(rows).to_have_count(20)
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_text("page 2 of 3")).to_be_visible()
    page.get_by_text("What to filter by").click()
    expect(page.locator("#values")).to_contain_text("No year is known.")
    page.get_by_role("button", name="hostile.jsonl (1)").click()
    expect(page.locator("#filter textarea")).to_have_value('source:"hostile.jsonl"')
    expect(rows).to_have_count(1)
    page.locator("#filter textarea").fill("title:bees or")
    expect(page.get_by_text("the filter cannot be read at its end")).to_be_visible()


def test_in_an_empty_index_papers_are_added_asked_about_pinned_removed_and_brought_back(
    context: BrowserContext, tmp_path: Path
) -> None:
    (tmp_path / "broken.jsonl").write_text("{}\n")
    with pytest.raises(SourceError):
        PaperChatbot(index=tmp_path / "index").ingest(tmp_path / "broken.jsonl")
    bees, trams = (
        {"title": f"Zumbo{n}: On {about}", "abstract": f"Zumbo{n} studies {about}. It measures {n}.5 percent."}
        for n, about in enumerate(("honey bees", "city trams"), 1)
    )
    (tmp_path / "trams.jsonl").write_text(json.dumps(trams | {"venue": "Rails", "year": 2021}) + "\n")
    with serving(tmp_path / "index") as url:
        page = visit(context, url)
        chat, library = page.get_by_role("tab", name="Chat"), page.get_by_role("tab", name="Library")
        using, rows = page.locator("#using"), page.locator("#shelf tbody tr")
        expect(page.locator("#answers")).to_contain_text("Add some in the Library tab")
        library.click()
        page.locator("#pasted textarea").fill("no papers, just words")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_role("alert").filter(has_text="what was pasted is in no known format")).to_be_visible()
        page.locator("#pasted textarea").fill(json.dumps(bees))
        page.locator("#files input").set_input_files(tmp_path / "trams.jsonl")
        expect(page.locator("#files")).to_contain_text("trams")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_text("2 added, 0 updated, 0 unchanged, 0 removed, 0 skipped; 2 papers")).to_be_visible()
        chat.click()
        expect(page.locator("#answers li")).to_have_count(4)
        page.locator("#answers").get_by_role("link", name="What is Zumbo2?").click()
        expect(wait_for_answer(page, 1)).to_contain_text("Zumbo2 studies city trams.")

        library.click()
        page.get_by_text("What to filter by").click()
        page.get_by_role("button", name="Rails (1)").click()
        expect(page.locator("#filter textarea")).to_have_value("venue=Rails")
        expect(rows).to_have_count(1)
        page.locator("#filter textarea").fill("")
        page.locator("#look-for textarea").fill("bees")
        rows.get_by_role("checkbox", name="Zumbo1").check()
        page.get_by_role("button", name="Pin selected (1)").click()
        chat.click()
        expect(using).to_contain_text("using 1 of 2 papers")
        expect(ask(page, "What does Zumbo2 study?")).to_contain_text("Not found in them: “Zumbo2”")
        page.get_by_role("button", name="Use all papers").click()
        expect(using).not_to_contain_text("using")
        expect(ask(page, "What does Zumbo1 study?")).to_contain_text("Zumbo1 studies honey bees.")

        library.click()
        page.get_by_role("button", name="Remove selected (1)").click()
        expect(rows).to_have_count(0)
        page.get_by_role("button", name="Undo: bring 1 paper back").click()
        expect(rows).to_have_count(1)
        expect(page.get_by_text("1 of 2 papers", exact=True)).to_be_visible()
        assert not find_faults(page)


def test_runs_are_started_reported_and_compared(page: Page, index: Path, bot: PaperChatbot, tmp_path: Path) -> None:
    asked = tmp_path / "three.jsonl"
    asked.write_text("".join(QUESTIONS.read_text().splitlines(keepends=True)[:4]))
    run_questions(index / "runs" / "first", bot, asked)
    shutil.copytree(index / "runs" / "first", index / "runs" / "second")
    page.get_by_role("tab", name="Evaluate").click()
    expect(page.locator("#runs label")).to_have_count(2)
    page.get_by_role("button", name="Start a run").click()
    expect(page.locator("#evaluate-said")).to_contain_text("-dev: getting ready")
    page.get_by_role("button", name="Cancel it").click()
    expect(page.locator("#evaluate-said")).to_contain_text("was cancelled")
    page.get_by_role("button", name="Open its report").click()
    report = page.frame_locator("#evaluated iframe")
    expect(report.locator("#count")).to_have_text("3 of 3 questions", timeout=60_000)  # told by the report's script
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the report").click()
    assert "<title>Evaluation of second</title>" in download.value.path().read_text()
    page.get_by_role("button", name="Show what changed").click()
    expect(page.locator("#evaluated pre")).to_contain_text("first → second, 3 questions", timeout=60_000)
    assert not find_faults(page)
