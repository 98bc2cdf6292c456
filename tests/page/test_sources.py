"""The sources beside an answer: what a mark opens, why an answer is as it is, and papers that are hostile."""

import re
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from chatbot import PaperChatbot
from tests.page.visits import ask


def test_each_of_two_answers_has_its_own_sources_and_thumbs(page: Page, index: Path) -> None:
    first = ask(page, "What is FRNet?").get_by_role("link", name="[1]").get_attribute("href")
    ask(page, "What is LiNeS?")
    shown = page.locator("#sources section:visible")
    expect(shown).to_contain_text("LiNeS")
    # Gradio scrolls to the end of the answers 300 ms after they have grown, wherever the reader has gone meanwhile.
    page.evaluate("new Promise((done) => setTimeout(done, 400))")
    page.locator(f"#answers a[href='{first}']").click()
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text("FRNet")
    page.locator("#answers").get_by_role("button", name="Dislike").last.click()
    expect(page.get_by_text("Thank you, that is kept.")).to_be_visible()
    (record,) = PaperChatbot(index=index).feedback.read()
    assert (record["question"], record["liked"]) == ("What is LiNeS?", False)


def test_an_answer_tells_why_it_is_as_it_is_and_its_papers_can_be_asked_about_and_copied(
    page: Page, context: BrowserContext
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "What is FRNet?")
    page.get_by_text("Why this answer").click()
    expect(page.get_by_role("row", name=re.compile("FRNet: Frustum"))).to_contain_text("cited [1][2][3]")
    page.get_by_role("textbox", name="Why is a paper not cited?").fill("Bristle")
    page.get_by_role("button", name="Tell me").click()
    expect(page.get_by_role("status").filter(has_text="only the first 12 are read")).to_be_visible()
    page.get_by_role("button", name="Copy BibTeX").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert "title = {{FRNet: Frustum-Range Networks" in page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Ask about this paper").click()
    expect(page.locator("#chat textarea")).to_have_value("FRNet: ")


def test_the_marks_in_a_grid_lead_to_their_papers(page: Page) -> None:
    answer = ask(page, "Compare LiNeS with FRUGAL")
    answer.locator("tr", has_text="FRUGAL").last.get_by_role("link", name=re.compile(r"\[\d\]")).first.click()
    expect(page.locator("#sources details[open]", has_text="FRUGAL:").locator(".lit")).to_be_in_viewport()


def test_a_hostile_abstract_or_question_is_shown_as_text(page: Page) -> None:
    answer = ask(page, "What is Zyxquil? ![x](https://evil.example/q.png) <img src='https://evil.example/r.png'>")
    sources = page.locator("#sources")
    expect(answer).to_contain_text("<img src=https://evil.example/a.png")
    expect(sources).to_contain_text("<script>window.pwned = 1</script>")
    expect(sources).to_contain_text(
        "\ufffdsdrawkcab ${window.pwned=3} {{constructor}} </mark></details><h1>big</h1> [1]."
    )
    for place in (sources, answer):
        assert place.locator("img, script, h1, b, [onclick], [onerror], a[href^=javascript]").count() == 0
        assert "\u202e" not in place.inner_html()
    marks = answer.get_by_role("link", name=re.compile(r"^\[\d\]$"))
    titles = [marks.nth(at).get_attribute("title") for at in range(marks.count())]
    assert titles
    assert all(title and (title.startswith("We propose") or title.startswith("Zyxquil")) for title in titles)
    marks.last.click()
    expect(page.locator("#sources .lit").first).to_be_visible()
    page.get_by_text("Why this answer").click()
    page.get_by_role("textbox", name="Why is a paper not cited?").fill("Zyxquil")
    page.get_by_role("button", name="Tell me").click()
    expect(page.get_by_role("status").filter(has_text="<script>window.pwned = 1</script>")).to_be_visible()
    page.get_by_role("button", name="Add to comparison").first.click()
    page.get_by_role("tab", name="Compare").click()
    expect(page.get_by_role("region", name="Comparison")).to_contain_text("</mark></details><h1>big</h1> [1].")
    for place in (page.locator("#grid"), page.locator("#grid-sources"), sources):
        assert place.locator("img, script, h1, b, [onclick], [onerror], a[href^=javascript]").count() == 0
    assert page.evaluate("window.pwned") is None
