"""What is known beside the words: the channel a request really came by, and the kind of place it names."""

import csv
from pathlib import Path

import pytest

from services.router.catalogue import reading
from services.router.catalogue.whole import Catalogue
from services.router.classifier import Classifier, Message

CHANNELS = Path(__file__).resolve().parents[3] / "services" / "intake" / "catalog" / "channels.csv"
BOTH = "隔壁烧烤店油烟大，还占道经营"
"""Of the fumes (03) and of the stall (01), and the words speak alike for either."""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return reading.load(reading.SHIPPED)


@pytest.fixture(scope="module")
def classifier(catalogue: Catalogue) -> Classifier:
    return Classifier(catalogue)


def scores(classifier: Classifier, message: Message) -> dict[str, float]:
    return {one.category_code: one.score for one in classifier.classify(message).candidates}


def test_an_old_departments_line_speaks_for_its_classes_and_says_so(classifier: Classifier) -> None:
    plain, called = Message(BOTH), Message(BOTH, channel_code="hotline_12369")
    before, after = scores(classifier, plain), scores(classifier, called)
    both = before.keys() & after.keys()
    assert {code[:2] for code in both} >= {"01", "03"}
    assert all(after[code] == pytest.approx(before[code] + 0.4 * code.startswith("03")) for code in both)
    told = [one for one in classifier.classify(called).reasons if one.kind == "channel"]
    assert [(one.text, one.weight) for one in told] == [("hotline_12369", 0.4)]


def test_what_the_words_leave_open_is_decided_by_the_line_that_was_called(classifier: Classifier) -> None:
    fumes = classifier.classify(Message(BOTH, channel_code="hotline_12369")).category_code or ""
    stall = classifier.classify(Message(BOTH, channel_code="hotline_12319")).category_code or ""
    assert (fumes[:2], stall[:2]) == ("03", "01")


def test_a_kind_of_place_counts_once_however_often_it_is_named(classifier: Classifier) -> None:
    once = scores(classifier, Message(BOTH, address="河边"))
    often = scores(classifier, Message(BOTH, address="河边，离排污口不远，也在河边"))
    assert once == often


def test_the_address_counts_where_the_words_do_not_name_the_place(classifier: Classifier) -> None:
    bare, placed = scores(classifier, Message(BOTH)), scores(classifier, Message(BOTH, address="坪山河边"))
    raised = {code for code in bare.keys() & placed.keys() if placed[code] > bare[code]}
    assert {code[:2] for code in raised} == {"03"}


@pytest.mark.parametrize("text", ["在吗", "谢谢", "一二三"])
def test_a_channel_alone_finds_no_category(classifier: Classifier, text: str) -> None:
    found = classifier.classify(Message(text, channel_code="hotline_12369", address="某小区楼道"))
    assert (found.category_code, found.candidates) == (None, ())


def test_every_channel_and_class_that_is_named_exists(catalogue: Catalogue) -> None:
    with CHANNELS.open(encoding="utf-8", newline="") as file:
        known = {row["code"] for row in csv.DictReader(file)}
    context = catalogue.classification.context
    assert set(context.channels) <= known
    clues = [*context.channels.values(), *context.places]
    assert {code for clue in clues for code in clue.classes} <= catalogue.classes.keys()
