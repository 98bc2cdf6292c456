"""What readers think of answers is kept, privately, and becomes drafts of evaluation questions."""

import stat
from pathlib import Path

from chatbot import PaperChatbot
from chatbot.feedback import FeedbackStore
from chatbot.ui.threads import Conversation, judge
from evals.drafting import draft_from_feedback
from evals.validation import find_form_faults


def test_feedback_is_kept_though_a_line_was_cut_off(tmp_path: Path, bot: PaperChatbot) -> None:
    store, answer = FeedbackStore(tmp_path / "f.jsonl"), bot.ask("What is LiNeS?").to_dict()
    store.add(answer, liked=True)
    with (tmp_path / "f.jsonl").open("a") as file:
        file.write('\n{"question": "cut')
    store.add(answer, liked=False, reason="x" * 9000)
    up, down = store.read()
    assert (up["liked"], down["liked"], len(down["reason"])) == (True, False, 2000)
    assert stat.S_IMODE((tmp_path / "f.jsonl").stat().st_mode) == 0o600


def test_of_two_answers_to_one_question_the_one_that_is_judged_is_kept(tmp_path: Path, bot: PaperChatbot) -> None:
    own = PaperChatbot(bot.settings.model_copy(update={"index": tmp_path}))
    first = bot.ask("What is LiNeS?").to_dict()
    second = first | {"retrieved": []}
    talk = Conversation(records=(first, {}, second))
    assert judge(own, "", talk, 0, False, "") == "Thank you, that is kept."
    assert judge(own, "", talk, 1, False, "").startswith("Not kept")
    assert judge(own, "", talk, 3, False, "").startswith("Not kept")
    assert [len(kept["retrieved"]) for kept in own.feedback.read()] == [len(first["retrieved"])]


def test_an_answer_marked_down_becomes_a_draft(tmp_path: Path, bot: PaperChatbot) -> None:
    own = PaperChatbot(bot.settings.model_copy(update={"index": tmp_path}))
    answer = bot.ask("What is LiNeS?").to_dict()
    own.feedback.add(answer, liked=False, reason="too long")
    own.feedback.add(answer, liked=False)
    own.feedback.add(bot.ask("How does FRNet work?").to_dict(), liked=False)
    own.feedback.add(bot.ask("How does FRNet work?").to_dict(), liked=True)  # on second thoughts
    records = list(draft_from_feedback(own))
    assert find_form_faults(records) == []
    (draft,) = records[1:]
    assert draft["turns"] == ["What is LiNeS?"]
    assert draft["papers"] == [answer["citations"][0]["paper_id"]]
