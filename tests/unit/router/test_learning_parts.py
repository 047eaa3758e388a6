"""Parts for cross-validation: near-duplicates stay together, labels are spread evenly."""

from collections import Counter

import numpy as np

from services.router.learning.parts import divide, families
from services.router.learning.samples import Sample

PETITION = "我们是某小区全体业主，开发商逾期交房已经一年，消防验收没有通过，恳请有关部门督促开发商尽快整改并交付房屋"


def test_a_letter_sent_again_with_other_words_around_it_is_of_the_same_family() -> None:
    samples = [
        Sample("", PETITION, "住房"),
        Sample("逾期交房", PETITION.replace("一年", "十四个月"), "住房"),
        Sample("", f"尊敬的领导您好！{PETITION}，谢谢！另外物业费也收得太早，没有交房怎么能先收物业费呢", "住房"),
        Sample("", "请问公租房轮候到多少号了，什么时候可以看房", "住房"),
    ]
    found = families(samples)
    assert found[0] == found[1] == found[2] != found[3]


def test_short_messages_of_common_words_are_not_taken_for_one() -> None:
    found = families([Sample("", "路灯不亮", "a"), Sample("", "路灯不亮，电线也掉下来了，很危险", "b")])
    assert found[0] != found[1]


def test_parts_hold_every_label_alike_and_no_family_twice() -> None:
    labels = [f"label {number % 3}" for number in range(90)]
    groups = np.arange(90) // 6 * 3 + np.arange(90) % 3
    found = divide(labels, groups, 5, seed=1)
    for group in set(groups.tolist()):
        assert len(set(found[groups == group].tolist())) == 1
    assert set(Counter(zip(labels, found.tolist(), strict=True)).values()) == {6}


def test_a_label_of_one_sample_is_in_one_part_and_nothing_breaks() -> None:
    found = divide(["a"] * 9 + ["b"], np.arange(10), 5, seed=1)
    assert Counter(found.tolist()) == dict.fromkeys(range(5), 2)
