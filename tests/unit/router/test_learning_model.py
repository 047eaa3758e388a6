"""The learned model: it guesses, says how sure it is and which words of the message decided."""

import subprocess
import sys

import numpy as np
import pytest

from services.router.learning import building, training
from services.router.learning.building import Grouping, build
from services.router.learning.counting import count
from services.router.learning.model import Model
from services.router.learning.reading import bag, read
from services.router.learning.recipe import DEFAULT
from services.router.learning.samples import NothingToLearn, Sample
from tests.unit.router.learning_letters import letters

CODES = {"噪声": "0301001", "欠薪": "1101001", "入学": "0601001"}


@pytest.fixture(scope="module")
def model() -> Model:
    return build(letters()).model


@pytest.fixture(scope="module")
def two_stages() -> Model:
    """Noise by day and by night under one class, wages and schools each the only label of theirs."""
    night = [
        Sample("", text, "0301002") for text in ("半夜施工吵醒老人", "凌晨打桩睡不着", "夜里音响太吵", "深夜装修电钻响")
    ]
    return build([*(Sample("", one.text, CODES[one.label]) for one in letters()), *night], grouping=Grouping(2)).model


@pytest.mark.parametrize(
    ("message", "label", "word"),
    [
        ("我家旁边的工地半夜打桩，吵得睡不着觉", "噪声", "半夜"),
        ("老板拖欠了我四个月的工资", "欠薪", "工资"),
        ("孩子要转学，学位怎么申请", "入学", "学位"),
    ],
)
def test_it_names_the_label_and_the_words_of_the_message_that_decided(
    model: Model, message: str, label: str, word: str
) -> None:
    best = model.predict("", message)[0]
    assert best.label == label
    assert word in best.words
    assert all(one in message for one in best.words)


def test_guesses_fall_in_confidence_and_share_one(model: Model) -> None:
    guesses = model.predict("", "施工噪音扰民")
    confidences = [guess.confidence for guess in guesses]
    assert confidences == sorted(confidences, reverse=True)
    assert sum(confidences) == pytest.approx(1.0)


def test_a_title_counts_beside_the_text(model: Model) -> None:
    without = {guess.label: guess.confidence for guess in model.predict("", "请尽快处理，谢谢")}
    titled = {guess.label: guess.confidence for guess in model.predict("拖欠工资", "请尽快处理，谢谢")}
    assert titled["欠薪"] > without["欠薪"]


@pytest.mark.parametrize("message", ["", " ", "\ud800", "😀", "?!", "a" * 50_000])
def test_any_text_at_all_gets_guesses_without_an_error(model: Model, message: str) -> None:
    assert len(model.predict("", message)) == 3


def test_of_words_it_does_not_know_it_is_less_sure(model: Model) -> None:
    assert model.predict("", "qwertz")[0].confidence < model.predict("", "公司拖欠工资")[0].confidence


def test_a_model_of_two_stages_multiplies_the_shares_of_group_and_label(two_stages: Model) -> None:
    guesses = two_stages.predict("", "老板拖欠工资不发")
    assert guesses[0].label == "1101001"
    assert sum(guess.confidence for guess in guesses) == pytest.approx(1.0)
    assert sorted(two_stages.labels) == ["0301001", "0301002", "0601001", "1101001"]


def test_codes_of_the_catalogue_are_learned_in_two_stages_and_few_labels_in_one() -> None:
    assert Grouping.of([f"{number:07d}" for number in range(200)]) == Grouping(2)
    assert Grouping.of(["0301001", "0301002"]) == Grouping(0)
    assert Grouping.of([f"label {number}" for number in range(200)]) == Grouping(0)


def test_the_router_values_a_message_as_training_does() -> None:
    samples = letters()
    counted = count(samples, DEFAULT)
    numbers = np.unique([one.label for one in samples], return_inverse=True)[1]
    fitted = training.fit(counted, np.arange(len(samples)), numbers, DEFAULT, training.Tuning())
    matrix = training._valued(counted.counts, counted.keys, fitted.scales, DEFAULT) @ fitted.weights + fitted.intercept
    first = build(samples).model.first
    for row, one in enumerate(samples):
        scores = first.scores(first.known(bag(read(one.title, one.text, DEFAULT)), DEFAULT))
        assert scores == pytest.approx(matrix[row], abs=0.01)


def test_the_same_samples_in_any_order_make_the_same_version_and_others_another() -> None:
    tuning = training.Tuning()
    samples = letters()
    version = building.version_of(samples, DEFAULT, tuning)
    assert building.version_of(samples[::-1], DEFAULT, tuning) == version
    assert building.version_of(samples[1:], DEFAULT, tuning) != version


def test_there_is_nothing_to_learn_from_one_label() -> None:
    with pytest.raises(NothingToLearn):
        build([Sample("", "路灯不亮", "路灯"), Sample("", "路灯坏了", "路灯")])
    with pytest.raises(NothingToLearn):
        build([])


def test_definitions_are_learned_from_but_do_not_say_how_sure_the_model_is() -> None:
    samples = letters()
    keywords = [Sample("", word, "噪声", is_message=False) for word in ("噪音扰民", "夜间施工", "广场舞")]
    assert build([*samples, *keywords]).metrics["accuracy"] >= 0.5


def test_the_running_router_does_not_load_what_training_needs() -> None:
    code = (
        "import sys, services.router.learning.folder as f; print([m for m in ('sklearn', 'scipy') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
