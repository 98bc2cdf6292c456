"""Each sentence of an abstract gets its role, and the head that tells them can be trained and scored again."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chatbot import roles
from chatbot.embedding.minilm import MiniLM
from chatbot.errors import InputError, ResourceError
from chatbot.roles import ROLES, RoleHead, find_roles, load_head
from evals.roles import read_labelled, score_roles
from tests import forked

Write = Callable[..., Path]
ABSTRACT = {
    "Sorting parcels by hand is slow, and warehouses increasingly rely on robots.": "background",
    "However, existing robots often fail to grasp soft parcels.": "background",
    "The aim of this paper is to study how robots can grasp soft parcels.": "objective",
    "We train a convolutional network on images of parcels, using a simulated gripper.": "method",
    "Then the network is refined by reinforcement learning.": "method",
    "Experimental results show that our robot outperforms existing ones, with 94% of the parcels grasped.": "result",
    "© 2014 Elsevier Ltd. All rights reserved.": "other",
}
PATTERNS = {
    "background": "Many people depend on {}.",
    "objective": "We aim to understand {}.",
    "method": "A model of {} is trained.",
    "result": "Results on {} are better.",
    "other": "Copyright 2020, {}.",
}


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM()


def labelled(subject: str, **more: Any) -> dict[str, Any]:
    sentences = [pattern.format(subject) for pattern in PATTERNS.values()]
    return {"sentences": sentences, "labels": list(PATTERNS)} | more


def test_each_role_wins_where_it_is_played(model: MiniLM) -> None:
    found = find_roles(list(ABSTRACT), model.embed_texts(list(ABSTRACT)))
    assert [ROLES[best] for best in found.argmax(axis=1)] == list(ABSTRACT.values())


def test_the_probabilities_of_a_sentence_sum_to_one(model: MiniLM) -> None:
    many = list(ABSTRACT) * 9  # longer than any abstract of the training
    for sentences in (many, many[:1], ["?"], ["Ω ≈ 1"]):
        found = find_roles(sentences, model.embed_texts(sentences))
        assert found.shape == (len(sentences), len(ROLES))
        np.testing.assert_allclose(found.sum(axis=1), 1)


def test_no_sentences_have_no_roles(model: MiniLM) -> None:
    assert find_roles([], model.embed_texts([])).shape == (0, len(ROLES))


def test_neighbours_decide_where_a_sentence_alone_does_not() -> None:
    nothing = np.zeros((len(roles.CUES), 2))
    moves = np.log([[0.9, 0.1], [0.2, 0.8]])
    head = RoleHead({}, nothing, moves, np.log([0.5, 0.5]), np.zeros(2))
    np.testing.assert_allclose(head.find(["a", "b"], np.zeros((2, 0))), [[0.5, 0.5], [0.55, 0.45]])


def test_an_abstract_takes_about_a_millisecond(model: MiniLM) -> None:
    sentences, vectors = list(ABSTRACT), model.embed_texts(list(ABSTRACT))
    find_roles(sentences, vectors)
    seconds = []
    for _ in range(30):
        started = time.perf_counter()
        find_roles(sentences, vectors)
        seconds.append(time.perf_counter() - started)
    assert np.median(seconds) < 0.01  # ten times what it takes, for a busy machine


def test_weights_of_another_version_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = json.loads(roles._PATH.read_text())
    monkeypatch.setattr(roles, "_PATH", tmp_path / "roles.json")
    for text in (None, "{", "{}", json.dumps(stored | {"roles": ["claim"]}), json.dumps(stored | {"cues": {}})):
        if text is not None:
            roles._PATH.write_text(text)
        load_head.cache_clear()
        with pytest.raises(ResourceError, match=r"roles\.json .*; install the package again"):
            find_roles(["We test this."], np.zeros((1, 384)))
    load_head.cache_clear()


def test_a_head_comes_back_as_it_was_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sentences, vectors = list(ABSTRACT), np.zeros((len(ABSTRACT), 384))
    head, before = load_head(), find_roles(sentences, vectors)
    monkeypatch.setattr(roles, "_PATH", tmp_path / "roles.json")
    head.save("a test")
    assert load_head() is not head
    np.testing.assert_array_equal(find_roles(sentences, vectors), before)
    load_head.cache_clear()


def test_training_learns_and_prints_how_well(write_jsonl: Write, tmp_path: Path) -> None:
    train = write_jsonl(*(labelled(f"trams of kind {n}", confs=[0.9] * 5) for n in range(50)), name="train.jsonl")
    unsure = [0.9, 0.9, 0.9, 0.9, 0.4]
    test = write_jsonl(*(labelled(f"bees of kind {n}", confs=unsure) for n in range(4)), name="test.jsonl")
    command = [sys.executable, "-m", "evals", "roles", "--train", str(train), "--test", str(test)]
    root = Path(__file__).resolve().parent.parent
    result = forked.run(command, cwd=root)
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert "50 abstracts to train on, 4 to test on" in result.stdout
    assert "all sentences: 20, micro-F1 1.000 (1.000 to 1.000), macro-F1 1.000" in result.stdout
    assert "annotators 0.8 sure: 16, micro-F1 1.000" in result.stdout
    assert ["method", "0", "0", "4", "0", "0"] in lines
    assert ["other", "0", "0", "0", "0", "0"] in lines  # the annotators were not sure of those


def test_mistakes_are_counted(write_jsonl: Write) -> None:
    record = {"sentences": list(ABSTRACT), "labels": list(ABSTRACT.values())}
    wrong = record | {"labels": ["other", *record["labels"][1:]]}
    score = score_roles(load_head(), read_labelled(write_jsonl(record, wrong)))
    assert score is not None
    assert score.micro == pytest.approx(13 / 14)
    assert score.low < score.micro < score.high == 1
    assert score.matrix[ROLES.index("other")] == [1, 0, 0, 0, 2]


def test_agreement_that_is_not_known_is_not_scored(write_jsonl: Write) -> None:
    tested = read_labelled(write_jsonl(labelled("bees"), labelled("trams")))
    assert score_roles(load_head(), tested, only_agreed=True) is None


def test_files_without_labelled_sentences_are_refused(write_jsonl: Write, tmp_path: Path) -> None:
    for record in (
        "",
        "{",
        "[]",
        {"sentences": ["a"]},
        labelled("bees", labels=["claim"]),
        labelled("bees", confs=[1]),
    ):
        with pytest.raises(InputError, match=r"papers\.jsonl needs lines with sentences"):
            read_labelled(write_jsonl(record))
    with pytest.raises(InputError, match="is empty"):
        read_labelled(write_jsonl())
    with pytest.raises(InputError, match="cannot be read"):
        read_labelled(tmp_path / "none.jsonl")
