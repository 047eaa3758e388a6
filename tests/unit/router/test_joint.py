"""Explicit choice, rules, what was learned, a person: in this order, and each step says why."""

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.router.catalogue.reading import load
from services.router.catalogue.rules import LearnedRules
from services.router.classifier import Classifier, Message
from services.router.joint import Judge

ROOT = Path(__file__).parents[3]
GARBAGE, LAMPS = "0101001", "0203001"
UNKNOWN = Message("事情就是这样，希望能够重视一下，给个说法")
CLEAR = Message("路灯不亮，整条街黑漆漆的，路灯坏了一个星期")


@dataclass(frozen=True)
class Guess:
    label: str
    confidence: float
    words: tuple[str, ...] = ("黑咕隆咚",)


class Model:
    version = "m1"

    def __init__(self, *guesses: Guess) -> None:
        self.guesses = guesses
        self.asked = 0

    def predict(self, title: str, text: str) -> tuple[Guess, ...]:
        self.asked += 1
        return self.guesses


@pytest.fixture(scope="module")
def rules() -> Classifier:
    return Classifier(load())


def judge(rules: Classifier, *guesses: Guess) -> tuple[Judge, Model]:
    model = Model(*guesses)
    return Judge(rules, LearnedRules(category=0.8, agreeing=0.5, main_class=0.9), model), model


def test_the_model_is_not_asked_where_somebody_chose_or_the_rules_are_sure(rules: Classifier) -> None:
    both, model = judge(rules, Guess(GARBAGE, 1.0))
    assert both.classify(Message("随便", category_code=LAMPS)).method == "explicit"
    assert (both.classify(CLEAR).category_code, both.classify(CLEAR).method) == (LAMPS, "rules")
    assert model.asked == 0


def test_a_sure_guess_decides_and_tells_the_words(rules: Classifier) -> None:
    found = judge(rules, Guess(LAMPS, 0.8), Guess(GARBAGE, 0.1))[0].classify(UNKNOWN)
    assert (found.category_code, found.method, found.queued, found.confidence) == (LAMPS, "learned", False, 0.8)
    assert (found.reasons[0].kind, found.reasons[0].text) == ("learned", "黑咕隆咚")
    assert [one.category_code for one in found.candidates] == [LAMPS, GARBAGE]


def test_an_unsure_guess_goes_to_a_person_with_candidates(rules: Classifier) -> None:
    found = judge(rules, Guess(LAMPS, 0.79), Guess(GARBAGE, 0.1))[0].classify(UNKNOWN)
    assert found.queued
    assert found.category_code is None or found.method == "rules"
    assert found.candidates[0].category_code == LAMPS
    assert found.candidates[0].words == ("黑咕隆咚",)


def test_a_class_that_is_certain_is_told_to_the_dispatcher(rules: Classifier) -> None:
    found = judge(rules, Guess("0203001", 0.5), Guess("0202001", 0.45))[0].classify(UNKNOWN)
    assert (found.reasons[0].kind, found.reasons[0].text) == ("learned_class", "市政设施")


def test_two_opinions_that_agree_need_less(rules: Classifier) -> None:
    with (ROOT / "deploy/demo/messages.csv").open(encoding="utf-8") as file:
        messages = [Message(row["text"], row["title"]) for row in csv.DictReader(file)]
    unsure = next(one for one in messages if (found := rules.classify(one)).queued and found.candidates)
    first = rules.classify(unsure).candidates[0].category_code
    assert not judge(rules, Guess(first, 0.5))[0].classify(unsure).queued
    assert judge(rules, Guess(first, 0.49))[0].classify(unsure).queued


def test_a_guess_this_edition_does_not_have_is_passed_over(rules: Classifier) -> None:
    found = judge(rules, Guess("9999999", 1.0), Guess(LAMPS, 0.9))[0].classify(UNKNOWN)
    assert found.category_code == LAMPS


def test_nonsense_is_not_put_to_the_model(rules: Classifier) -> None:
    both, model = judge(rules, Guess(LAMPS, 1.0))
    assert both.classify(Message("测试一下")).type_code == "invalid"
    assert model.asked == 0
