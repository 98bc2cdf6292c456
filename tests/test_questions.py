"""What a question asks for."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import InputError
from chatbot.questions import clean_question, read_question


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("What is LiNeS?", "single"),
        ("Which paper introduces SPEN?", "single"),
        ("Which papers study federated learning?", "which"),
        ("anything on recommender systems?", "which"),
        ("List all works about pruning", "which"),
        ("which methods cut GPU memory?", "which"),
        ("Compare LiNeS with FRUGAL", "compare"),
        ("LiNeS vs FRUGAL", "compare"),
        ("How do MAN and AugLocal differ?", "compare"),
        ("How does differentiable search work?", "single"),
        ("Which papers have differently distributed data?", "which"),
        ("How does CORAL know when to start, and how does it single out the culprit?", "single"),
        ("Why do RNNs diverge, and what does BO-REP do against it?", "single"),
        ("How does PSS make use of both labels and graph edges?", "single"),
        ("which methods is MAN compared with?", "single"),
        ("Where do the pseudo labels come from?", "single"),
        ("LiNeS against the paper on continual instruction tuning: by what do they keep old abilities?", "compare"),
        ("One paper adapts a recommender, another adapts traffic forecasts. How do they do it?", "compare"),
        ("How is contrastive learning used in CLEVE and in SWCC?", "compare"),
        ("SST and FRUGAL both want more than low rank. What part gets updated?", "compare"),
        ("MAN or AugLocal: which saves more memory?", "compare"),
        ("What gain in accuracy and in speed does AugLocal bring?", "single"),
        ("How does each client build its model?", "single"),
        ("How can one study forgetting in SNNs?", "single"),
        ("Why do LLMs fail at RAG when their context is long?", "single"),
        ("could you contrast LiNeS with FRUGAL", "compare"),
        ("how many papers use RL", "which"),
        ("What methods exist for pruning?", "which"),
        ("Which methods does FRNet outperform?", "single"),
    ],
)
def test_kind(text: str, kind: str) -> None:
    assert read_question(text).kind == kind


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("How many GPUs does FRNet train on?", "GPUs"),
        ("how many built-in datasets are there", "datasets"),
        ("how many people took part in the study?", "people"),
        ("what is the number of layers in it?", "layers"),
        ("how many inducing points does it need", "points"),
        ("How many sub-networks does it train?", "networks"),
        ("What is the amount of labels?", "labels"),
        ("How many times faster is FRNet?", ""),
        ("by how many percentage points is it better", ""),
        ("how much memory does it need?", ""),
        ("how many are there?", ""),
        ("How does accuracy change with the number of prototypes?", ""),
        ("how many GPU hours does it take", ""),
        ("how many points more does it get", ""),
    ],
)
def test_what_is_to_be_counted(text: str, counted: str) -> None:
    assert read_question(text).counted == counted


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("What mIoU does FRNet reach, and how fast is it?", ["What mIoU does FRNet reach, and ", "how fast is it?"]),
        ("MAN vs AugLocal: what does each change, and to what end?", ["what does each change, and ", "to what end?"]),
        ("Two works use EMA. By what means? Any gains?", ["By what means", "Any gains?"]),
        ("SST - what is trained, and how well?", ["what is trained, and ", "how well?"]),
        ("In federated learning, when clients have non-iid data, what goes wrong?", []),
        ("Give me the authors of SST and how fast it is", ["Give me the authors of SST and ", "how fast it is"]),
        ("What is LiNeS?", []),
        ("Compare LiNeS with FRUGAL", []),
    ],
)
def test_parts_are_the_things_asked_one_after_another(text: str, parts: list[str]) -> None:
    question = read_question(text)
    assert [part.text for part in question.parts] == parts
    assert all(span in question.words for part in question.parts for span in part.words)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("What is LiNeS?", ["LiNeS"]),
        ("does A-MEM's code beat YOLOv9 or PC-DARTS?", ["A-MEM", "YOLOv9", "PC-DARTS"]),
        ("Is YOLOv10’s code faster than RangeNet++?", ["YOLOv10", "RangeNet++"]),
        ("What is federated learning?", []),
    ],
)
def test_coined_names(text: str, names: list[str]) -> None:
    assert list(read_question(text).names) == names


def test_words_that_say_nothing_are_left_out() -> None:
    question = read_question("Tell me which papers use a replay buffer, please")
    assert [question.text[start:end] for start, end in question.words] == ["replay", "buffer"]
    assert question.phrases == ("replay buffer",)
    assert read_question("tell me more").words == ()


def test_terminal_sequences_leave_the_words() -> None:
    assert clean_question("\x1b[31mGELAN\x1b[0m?", 50) == "GELAN?"


def test_intents() -> None:
    assert "figure" in read_question("How many GPUs were used?").wants
    assert "link" in read_question("where is the code of FRNet").wants
    assert "background" in read_question("Why do RNNs diverge?").wants
    assert "method" in read_question("How does MAN work?").wants
    assert "overview" not in read_question("What is the stability gap").wants
    assert "overview" in read_question("What is LiNeS?").wants
    assert "result" in read_question("how well does it work?").wants
    assert "purpose" in read_question("to what end?").wants
    assert "data" in read_question("On what was FRNet tested?").wants


@given(st.text(max_size=300))
def test_cleaning_leaves_one_printable_line_or_refuses(text: str) -> None:
    try:
        cleaned = clean_question(text, 200)
    except InputError:
        return
    assert cleaned == cleaned.strip() != ""
    assert "\n" not in cleaned
    assert len(cleaned) <= 200
    question = read_question(cleaned)
    assert all(cleaned[start:end].strip() for start, end in question.words)
    assert all(part.text in cleaned for part in question.parts)
    assert all(span in question.words for part in question.parts for span in part.words)


NO_LINK = (
    "How does it learn binary hash codes?",
    "What are the implementation details of LiNeS?",
    "How does FL reduce download traffic?",
    "Which papers find vulnerabilities in source code?",
)


@pytest.mark.parametrize("text", ["Is the source code available?", "are the codes public?", "where can I download it?"])
def test_what_can_be_had_is_asked_for_by_a_link(text: str) -> None:
    assert "link" in read_question(text).wants


@pytest.mark.parametrize("text", ["Which papers do link prediction?", "how is code generation evaluated", *NO_LINK])
def test_a_compound_with_link_or_code_asks_for_no_link(text: str) -> None:
    assert "link" not in read_question(text).wants


@pytest.mark.parametrize("text", ["Which papers cope with noisy links?", "the links between sharpness and flatness"])
def test_a_link_that_is_no_address_asks_for_none(text: str) -> None:
    assert "link" not in read_question(text).wants
    assert "link" in read_question("give me the link").wants


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Who wrote the FRNet paper, and when was it published?", ("authors", "year")),
        ("who are the authors of LiNeS?", ("authors",)),
        ("Which conference is LiNeS from?", ("venue",)),
        ("How often has FRNet been cited?", ("number of citations",)),
        ("At which university do the authors of LiNeS work?", ("affiliations",)),
        ("When was LiNeS published at last?", ("year",)),
        ("When is FRNet better than previously published methods?", ()),
        ("Which conference papers deal with pruning?", ()),
        ("What do the authors of LiNeS propose?", ()),
        ("Who introduced layer-wise scaling?", ()),
        ("When does training diverge?", ()),
        ("When did the gap first appear?", ()),
        ("How many citations are correct?", ()),
    ],
)
def test_what_only_a_record_tells(text: str, asked: tuple[str, ...]) -> None:
    assert read_question(text).of_record == asked


@pytest.mark.parametrize(
    "text",
    [
        "Show me LiNeS " + "-" * 1980,
        "list " + "A-" * 990,
        "A" * 1900 + "/a",
        "and " * 500,
        "What is " + "a" * 300 + " b" * 9,
    ],
)
def test_reading_takes_no_time_on_hostile_texts(text: str) -> None:
    started = time.perf_counter()
    read_question(text)
    assert time.perf_counter() - started < 1
