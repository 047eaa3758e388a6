"""Rule-first classification: what decides, what it says, and how sure it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.catalogue.reading import load
from services.router.classifier import Classification, Classifier, Message
from services.router.classifier_words import Phrases

CATALOGUE = load(edition="2019")
CLASSIFIER = Classifier(CATALOGUE)


def classify(text: str, title: str = "", **chosen: str | None) -> Classification:
    return CLASSIFIER.classify(Message(text=text, title=title, **chosen))


def kinds(result: Classification) -> set[str]:
    return {reason.kind for reason in result.reasons}


def test_a_clear_message_is_filed_with_its_reasons() -> None:
    result = classify("马路中间塌陷了一个大洞，下面是空的", title="道路塌陷")
    assert (result.category_code, result.queued, result.method) == ("0501001", False, "rules")
    assert "塌陷" in {reason.text for reason in result.reasons if reason.kind == "keyword"}
    assert result.candidates[0].category_code == "0501001"


def test_a_category_chosen_by_hand_wins_over_every_word() -> None:
    result = classify("路灯不亮", category_code="0501001")
    assert (result.category_code, result.confidence, result.method) == ("0501001", 1.0, "explicit")
    assert result.reasons[0].kind == "given_category"


def test_a_chosen_category_lends_its_usual_type_where_the_words_are_silent() -> None:
    assert classify("见附件", category_code="0601001").type_code == "consultation"


def test_an_unknown_chosen_category_is_stated_and_passed_over() -> None:
    result = classify("路灯不亮好几天了", category_code="9999999")
    assert result.category_code == "0203001"
    assert "unknown_category" in kinds(result)


def test_a_message_without_a_known_word_waits_for_a_dispatcher() -> None:
    result = classify("事情就是这样的，麻烦你们给个说法")
    assert (result.category_code, result.confidence, result.queued) == (None, 0.0, True)
    assert "no_keyword" in kinds(result)


def test_a_message_that_fits_two_categories_alike_waits_for_a_dispatcher_with_both() -> None:
    result = classify("路灯不亮，井盖不见")
    assert result.queued
    assert {"0203001", "0201001"} <= {candidate.category_code for candidate in result.candidates}


def test_words_in_the_title_count_more() -> None:
    in_title = classify("请派人看看", title="门口的井盖不见了")
    in_text = classify("门口的井盖不见了，请派人看看")
    assert in_title.candidates[0].score > in_text.candidates[0].score


def test_a_longer_phrase_says_more_than_a_short_one() -> None:
    assert classify("这里的共享单车太多").candidates[0].score > classify("这里的单车太多").candidates[0].score


def test_words_of_what_a_category_does_not_cover_speak_against_it() -> None:
    result = classify("小区里的垃圾没有人收")
    assert result.category_code == "0802002"
    plain = {c.category_code: c.score for c in classify("路边的垃圾没有人收").candidates}
    inside = {c.category_code: c.score for c in result.candidates}
    assert inside.get("0101001", 0.0) < plain["0101001"]


def test_a_combination_counts_only_when_all_its_parts_occur() -> None:
    assert classify("工地晚上一直吵").category_code == "0301001"
    assert classify("工地上人来人往").category_code != "0301001"


@pytest.mark.parametrize(
    ("text", "type_code"),
    [
        ("请问居住证怎么办理，需要什么材料？", "consultation"),
        ("我想咨询一下积分入学的政策", "consultation"),
        ("建议在路口增加一排路灯", "suggestion"),
        ("希望增加晚上的公交班次", "suggestion"),
        ("感谢社区工作人员，特地送来锦旗", "praise"),
        ("路灯坏了一个星期没人管", "complaint"),
        ("请问你们到底管不管？投诉三次了，路灯还是不亮", "complaint"),
        ("希望尽快处理路灯不亮的事，非常感谢", "complaint"),
        ("测试", "invalid"),
        ("11111111", "invalid"),
        ("哈哈哈哈哈哈哈", "invalid"),
        ("asdfghjkl", "invalid"),
        ("。。。？？", "invalid"),
        ("", "invalid"),
    ],
)
def test_the_type_is_told_from_the_way_it_is_said(text: str, type_code: str) -> None:
    assert classify(text).type_code == type_code


@pytest.mark.parametrize("text", ["停水", "停电了", "漏气", "路灯坏"])
def test_a_short_cry_that_names_something_is_not_nonsense(text: str) -> None:
    result = classify(text)
    assert result.type_code == "complaint"
    assert result.category_code is not None


def test_a_type_chosen_by_hand_wins() -> None:
    result = classify("请问路灯什么时候修", type_code="report")
    assert result.type_code == "report"
    assert "given_type" in kinds(result)


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("坑梓街道这边路灯不亮", "440310005"),
        ("坑梓金沙社区路灯不亮", "440310005003"),
        ("六和社区和碧岭都停水", "440310001002"),
        ("大万世居旁边的井盖", "440310002001"),
        ("坪山的路灯不亮", None),
        ("大家要和平相处", None),
    ],
)
def test_a_place_word_names_the_area(text: str, area: str | None) -> None:
    assert classify(text).area_code == area


def test_an_area_chosen_by_hand_wins_over_place_words() -> None:
    assert classify("碧岭的路灯不亮", area_code="440310004").area_code == "440310004"


def test_full_width_letters_and_capitals_read_like_plain_ones() -> None:
    assert classify("楼下ＫＴＶ太吵").category_code == classify("楼下ktv太吵").category_code == "0301002"


def test_confidence_rises_with_strength_and_with_the_lead_over_the_second() -> None:
    confidence = CLASSIFIER.confidence
    assert confidence([]) == 0.0
    assert confidence([1.6]) == 1.0
    assert confidence([0.8]) == 0.5
    assert confidence([1.6, 1.6]) == 0.3
    assert confidence([1.6, 1.6]) < confidence([1.6, 1.2]) < confidence([1.6, 0.8]) == 1.0


def test_reasons_hold_only_words_of_the_catalogue_never_the_citizens_text() -> None:
    result = classify("我叫王小二，家住和平社区，路灯不亮，请问什么时候修")
    assert all("王小二" not in reason.text for reason in result.reasons)


@given(st.text(max_size=300), st.text(max_size=40))
def test_any_text_gets_an_answer_with_sane_numbers(text: str, title: str) -> None:
    result = classify(text, title=title)
    assert 0.0 <= result.confidence <= 1.0
    assert len(result.candidates) <= 5
    assert result.queued or result.category_code in CATALOGUE.categories
    assert [c.score for c in result.candidates] == sorted((c.score for c in result.candidates), reverse=True)
    assert result == classify(text, title=title)


def test_every_examples_own_words_lead_to_its_category_or_to_a_dispatcher() -> None:
    results = [(c.code, classify(example)) for c in CATALOGUE.categories.values() for example in c.examples]
    sure = [code == result.category_code for code, result in results if not result.queued]
    assert sum(sure) / len(sure) >= 0.9


@given(st.lists(st.text("路灯坏了不亮", min_size=1, max_size=4), max_size=8), st.text("路灯坏了不亮", max_size=40))
def test_all_phrases_that_occur_are_found_at_their_first_place(phrases: list[str], text: str) -> None:
    assert Phrases(phrases).find(text) == {phrase: text.find(phrase) for phrase in phrases if phrase in text}
