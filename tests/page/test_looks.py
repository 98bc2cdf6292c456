"""What the page is for whoever has a phone, no mouse, or a screen reader; and the pictures of the README."""

import os
import re
import shutil
import time
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from chatbot import PaperChatbot
from evals.questions import QUESTIONS
from evals.runs import run_questions
from tests.page.visits import ask, find_faults, open_conversations, serving, visit, wait_for_answer

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def test_the_first_page_takes_a_question_within_two_seconds(context: BrowserContext, url: str) -> None:
    def measure() -> float:
        started = time.perf_counter()
        page = visit(context, url)
        expect(page.locator("#chat textarea")).to_be_editable()
        expect(page.locator("#answers li")).to_have_count(4)
        return time.perf_counter() - started

    assert any(measure() < 2 for _ in range(3))


def test_the_page_fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    answer = ask(page, "Compare LiNeS with FRUGAL")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    answer.get_by_role("link", name="[1]", exact=True).first.click()
    expect(page.locator("#sources .lit").first).to_be_in_viewport()
    open_conversations(page).first.click()
    expect(page.locator("#thread-list")).not_to_be_in_viewport()
    expect(page.locator("#answers")).to_be_in_viewport(ratio=0.9)


def test_the_keyboard_is_enough(page: Page) -> None:
    expect(page.get_by_role("log")).to_have_attribute("aria-live", "polite")
    page.locator("h1").click()
    page.keyboard.press("/")
    box, lit = page.locator("#chat textarea"), page.locator("#sources .lit")
    expect(box).to_be_focused()
    page.keyboard.type("What is")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("FRNet?")
    expect(box).to_have_value("What is\nFRNet?")
    page.keyboard.press("Enter")
    marks = wait_for_answer(page, 1).get_by_role("link", name=re.compile(r"^\[\d\]$"))
    quotes = [marks.nth(at).get_attribute("title") or "" for at in range(2)]
    marks.first.focus()
    page.keyboard.press("Enter")
    expect(lit).to_have_text(quotes[0])
    page.keyboard.press("ArrowRight")
    expect(lit).to_have_text(quotes[1])
    page.keyboard.press("ArrowLeft")
    expect(lit).to_have_text(quotes[0])
    page.keyboard.press("Escape")
    expect(lit).to_have_count(0)
    expect(marks.first).to_be_focused()


def test_axe_finds_nothing_serious_in_light_and_in_dark(page: Page) -> None:
    def look() -> None:
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            expect(page.locator("body.dark")).to_have_count(int(scheme == "dark"))
            faults.extend(find_faults(page))

    faults = list[str]()
    expect(page.get_by_text("Ask about a paper, a method or a topic.")).to_be_visible()
    look()
    ask(page, "What is FRNet?")
    page.locator("#answers a[href='#ref-1-1']").click()
    page.get_by_text("Why this answer").click()
    look()
    page.get_by_role("button", name="Add to comparison").click()
    page.get_by_role("tab", name="Compare").click()
    expect(page.get_by_role("region", name="Comparison")).to_be_visible()
    look()
    open_conversations(page)
    look()
    assert not faults


@pytest.mark.skipif("SCREENSHOTS" not in os.environ, reason="SCREENSHOTS=FOLDER makes those of the README anew")
def test_screenshots(browser: Browser, seed_index: Path, bot: PaperChatbot, tmp_path: Path) -> None:
    def take(page: Page, name: str) -> None:
        page.wait_for_timeout(800)  # until nothing moves
        path = Path(os.environ["SCREENSHOTS"]) / f"{name}.png"
        page.screenshot(path=path)
        with Image.open(path) as image:
            image.quantize(64).save(path, optimize=True)

    index = shutil.copytree(seed_index, tmp_path / "index")
    asked = tmp_path / "some.jsonl"
    asked.write_text("".join(QUESTIONS.read_text().splitlines(keepends=True)[:21]))
    run_questions(index / "runs" / "first", bot, asked)
    with serving(index) as url:
        context = browser.new_context(viewport={"width": 960, "height": 600})
        page = visit(context, url)
        expect(page.locator("#chat textarea")).to_be_visible()
        take(page, "first-visit")
        ask(page, "What mIoU does FRNet reach on nuScenes, and how fast is it?")
        page.locator("#answers a[href='#ref-1-2']").click()
        take(page, "answer")
        page.locator("#sources .paper summary").first.click()
        page.get_by_text("Why this answer").click()
        page.get_by_role("textbox", name="Why is a paper not cited?").fill("Bristle")
        page.get_by_role("button", name="Tell me").click()
        expect(page.get_by_role("status").filter(has_text="Bristle")).to_be_visible()
        take(page, "why")
        page.get_by_role("tab", name="Library").click()
        page.locator("#look-for textarea").fill("learning")
        page.locator("#shelf td input").first.check()
        expect(page.get_by_role("button", name="Remove selected (1)")).to_be_visible()
        take(page, "library")
        page.get_by_role("tab", name="Evaluate").click()
        page.get_by_role("button", name="Open its report").click()
        report = page.frame_locator("#evaluated iframe")
        expect(report.locator("#count")).to_have_text("20 of 20 questions", timeout=60_000)
        page.set_viewport_size({"width": 960, "height": 900})
        take(page, "evaluate")
        dark = browser.new_context(viewport={"width": 960, "height": 600}, color_scheme="dark")
        page = visit(dark, url)
        page.get_by_role("tab", name="Compare").click()
        for name in ("FRUGAL", "LiNeS"):
            page.locator("#compared input").press_sequentially(name)
            page.locator("#compared li", has_text=name).click()
        page.locator("h2:visible").click()
        expect(page.locator("#grid tr")).to_have_count(3)
        page.locator("#grid td[title]").nth(1).click()
        take(page, "compare-dark")
        page = visit(dark, url)
        page.set_viewport_size({"width": 390, "height": 700})
        ask(page, "What is LiNeS?")
        take(page, "phone-dark")
        context.close()
        dark.close()
