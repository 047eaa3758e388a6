"""The list of tags that ships, what a list must be, and which tags the rules give to which words and facts."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.router.catalogue.diff import changes
from services.router.catalogue.files import checksum, pack, read_folder
from services.router.catalogue.reading import SHIPPED, examine, read_all
from services.router.catalogue.sheet import Problem
from services.router.catalogue.versions import Document
from services.router.tagger import Past, Signs
from tests.unit.router.desk import START, rules
from tests.unit.router.sample import TAGS, build

JANUARY = datetime(2026, 1, 12, 2, 0, tzinfo=UTC)
SYSTEM_SET = {
    *("repeated", "repeated_elsewhere", "anonymous", "confidential", "supervised"),
    *("overdue", "near_due", "redone", "return_disputed"),
}


def tags(text: str = "", **more: Any) -> set[str]:
    """The tags a request gets; a complaint of September that waits for a dispatcher if nothing else is said."""
    values = {
        "title": "",
        "text": text,
        "category_code": None,
        "type_code": "complaint",
        "channel_code": "hotline_12345",
        "area_code": None,
        "grade": None,
        "anonymous": False,
        "confidential": False,
        "received_at": START,
        **more,
    }
    return set(rules().tagger.tags_for(Signs(**values)))


def past(days: int, category: str = "0101001", channel: str = "hotline_12345") -> Past:
    return Past(category, channel, START - timedelta(days=days))


def test_thirty_five_tags_in_five_groups_ship_nine_of_them_set_by_the_system() -> None:
    shipped = rules().catalogue.tags
    assert (len(shipped.tags), len(shipped.groups)) == (35, 5)
    assert {tag.code for tag in shipped.tags if tag.set_by == "system"} == SYSTEM_SET
    assert Counter(tag.group for tag in shipped.tags) == {
        "repeat": 5,
        "person": 9,
        "supervision": 9,
        "special": 7,
        "risk": 5,
    }


def test_the_shipped_tags_name_only_categories_and_areas_that_exist() -> None:
    _, problems = examine(read_folder(SHIPPED))
    assert [str(problem) for problem in problems if problem.file == "tags.yaml"] == []


def test_every_tag_that_names_roles_can_be_seen_by_them() -> None:
    of_units = {"unit_manager", "handler"}
    for tag in rules().catalogue.tags.tags:
        assert tag.seen_by == "units" or of_units.isdisjoint((*tag.may_set, *tag.may_remove)), tag.code


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("我们全体业主要求更换物业", "collective"),
        ("这是历史遗留的办证问题", "legacy"),
        ("街道和交警互相推诿，没人处理", "difficult"),
        ("作为区人大代表，我建议增设斑马线", "delegate"),
        ("孔雀计划补贴迟迟没有到账", "talent"),
        ("我是低保户，交不起维修费", "vulnerable"),
        ("楼下老人爬不动楼梯", "elderly"),
        ("我坐轮椅，路口没有坡道", "disabled"),
        ("我司在园区办厂，用电报装一直没批", "business"),
        ("电视台已经报道过这条臭水沟", "media"),
        ("在人民网上留言后转到区里", "from_above"),
        ("环保督察组来的时候停工，走了又排", "environment_inspection"),
        ("都在创建文明城市，这里还是脏乱", "civilised_city"),
        ("一下雨这里就内涝", "flood_season"),
        ("孩子学位没有了怎么办", "school_places"),
        ("公租房轮候到哪一批了", "public_housing"),
        ("再不给工资我就从楼上跳楼", "sensitive"),
        ("楼道堆满电动车，有消防隐患", "hazard"),
        ("煤气泄漏，味道很大", "repair_first"),
        ("我已经发到抖音上了", "public_opinion"),
    ],
)
def test_words_give_a_tag(text: str, tag: str) -> None:
    assert tag in tags(text)
    assert tag in tags("", title=text)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("想买联名款的杯子被骗了", "collective"),
        ("我司机开出租，乘客没给钱", "business"),
        ("老人机听筒坏了商家不退", "elderly"),
        ("残疾人三轮车在路口拉客", "disabled"),
        ("创文化街区的牌子掉漆", "civilised_city"),
        ("硕士学位证书补贴怎么申请", "school_places"),
        ("进京证在哪里办", "sensitive"),
        ("再不管我就向媒体曝光", "media"),
    ],
)
def test_an_exception_blots_a_word_out(text: str, tag: str) -> None:
    assert tag not in tags(text)


def test_an_exception_leaves_the_same_word_elsewhere() -> None:
    assert "school_places" in tags("我的学位证丢了，另外孩子的学位也没有着落")
    assert {"media", "public_opinion"} <= tags("记者采访过了，我还要向媒体曝光")


def test_a_season_holds_by_the_month_in_shenzhen_the_request_came_in() -> None:
    assert "flood_season" not in tags("路口积水", received_at=JANUARY)
    assert "school_places" not in tags("孩子学位没有了怎么办", received_at=JANUARY)
    # 31 March, 23:30 in London's winter time is 1 April in Shenzhen.
    assert "flood_season" in tags("路口积水", received_at=datetime(2026, 3, 31, 23, 30, tzinfo=UTC))


def test_categories_count_by_class_subclass_and_code() -> None:
    assert "hazard" in tags(category_code="0504001", grade="B")
    assert "disabled" in tags(category_code="1210002")
    assert "legacy" in tags(category_code="0702010")
    assert "business" in tags("我公司的车被拖走了", category_code="0404001")
    assert "business" not in tags("我公司三个月没发工资", category_code="1101001")


def test_grade_and_words_together_tell_what_is_repaired_first() -> None:
    assert "repair_first" in tags("井盖不见了", grade="A", category_code="0205001")
    assert "repair_first" not in tags("井盖不见了", grade="C", category_code="0205001")
    assert "hazard" in tags("井盖不见了", grade="A", category_code="0205001")


def test_facts_of_the_request_give_their_tags() -> None:
    assert tags(anonymous=True) == {"anonymous"}
    assert tags(confidential=True) == {"confidential"}
    assert tags(type_code="praise") == {"praise"}
    assert tags("巷口的垃圾堆了三天没人拉", category_code="0101001", grade="C") == set()


def test_a_repeat_is_the_same_citizen_and_category_within_the_days() -> None:
    again = {"category_code": "0101001", "grade": "C"}
    assert tags(**again, past=[past(29)]) == {"repeated"}
    assert tags(**again, past=[past(31)]) == set()
    assert tags(**again, past=[past(-1)]) == set()
    assert tags(**again, past=[past(3, category="0102001")]) == set()
    assert tags(**again, past=[past(3, channel="wechat_pingshan")]) == {"repeated", "repeated_elsewhere"}
    assert tags(**again, past=[past(20), past(40), past(80)]) == {"repeated", "difficult"}
    assert tags(past=[past(3)]) == set()
    assert tags(**again, type_code="consultation", past=[past(3)]) == set()


def test_a_tag_says_what_it_was_given_for() -> None:
    signs = Signs(
        title="",
        text="孩子学位没有了，学区也变了",
        category_code="0101001",
        type_code="complaint",
        channel_code="wechat_pingshan",
        area_code="440310001001",
        grade="C",
        anonymous=False,
        confidential=False,
        received_at=START,
        past=[past(2)],
    )
    found = rules().tagger.tags_for(signs)
    assert [(one.kind, one.text) for one in found["school_places"]] == [
        ("keyword", "学位"),
        ("keyword", "学区"),
        ("season", "5-9"),
    ]
    assert [(one.kind, one.text) for one in found["repeated_elsewhere"]] == [("type", "complaint"), ("repeat", "1/30")]
    assert found == rules().tagger.tags_for(signs)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return build(tmp_path / "catalog")


def wrong(folder: Path, old: str, new: str) -> tuple[Problem, ...]:
    """What is said of the sample's tags when one place of them is spoiled."""
    assert TAGS.count(old) == 1
    (folder / "tags.yaml").write_text(TAGS.replace(old, new), "utf-8")
    return examine(read_folder(folder))[1]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("code: overdue", "code: repeated", "the code repeated stands twice"),
        ("name: 领导批示", "name: 超期", "the name 超期 stands twice"),
        ("- {key: repeat, name: 重复}", "- {key: person, name: 人物}", "person, repeat"),
        ("set_by: rule", "set_by: hand", "set by hand has no conditions"),
        ("set_by: hand", "set_by: rule", "set by rule has clauses"),
        ("set_on: [clock.breached.handle]", "", "has clauses or follows an event"),
        ("[{repeat: {count: 1, days: 30}}]", "[{words: [又来]}]", "follows facts, not words"),
        ("words: [掉下去, 绊倒]", "words: [掉下去], except_words: [掉下去]", "is a word and an exception"),
        ("words: [掉下去, 绊倒]", "words: [绊倒, 绊倒]", "stands twice in one list"),
        ('{categories: ["0201"], words: [掉下去, 绊倒]}', "{except_words: [绊倒]}", "holds of every case"),
        ('{categories: ["0201"], words: [掉下去, 绊倒]}', "{season: {first: 4, last: 10}}", "only in a season"),
        ("clock.breached.handle", "clock.broken", "clock.breached.handle"),
        ("[leader]\n    may_remove", "[mayor]\n    may_remove", "dispatcher"),
        ("days: 30", "days: 0", "greater than or equal to 1"),
        ('"0201"', '"02011"', "match pattern"),
    ],
)
def test_a_wrong_list_of_tags_keeps_the_catalogue_from_being_used(folder: Path, old: str, new: str, told: str) -> None:
    problems = wrong(folder, old, new)
    assert {(problem.file, problem.level) for problem in problems} == {("tags.yaml", "fault")}
    assert any(told in problem.detail for problem in problems), problems


def test_a_missing_list_of_tags_is_a_fault(folder: Path) -> None:
    (folder / "tags.yaml").unlink()
    found, problems = examine(read_folder(folder))
    assert (found, [(one.file, one.detail) for one in problems]) == ({}, [("tags.yaml", "is missing")])


def test_a_category_or_area_that_is_nowhere_is_a_warning(folder: Path) -> None:
    problems = wrong(folder, 'categories: ["0201"]', 'categories: ["0201", "0999"], areas: ["440310099"]')
    assert [(one.level, one.column, one.detail) for one in problems] == [
        ("warning", "tags.hazard.when.0", "there is no area 440310099"),
        ("warning", "tags.hazard.when.0", "there is no category 0999"),
    ]


def test_a_changed_tag_is_told_with_the_other_changes(folder: Path) -> None:
    before = read_all(read_folder(folder))["2019"]
    changed = (
        TAGS.replace("days: 30", "days: 60")
        .replace("name: 超期", "name: 逾期")
        .replace("code: instructed", "code: told")
    )
    (folder / "tags.yaml").write_text(changed, "utf-8")
    after = read_all(read_folder(folder))["2019"]
    assert [str(one) for one in changes(before, after)] == [
        "删除 removed instructed 领导批示",
        "更名 renamed overdue 逾期 [name] 超期 → 逾期",
        '修改 changed repeated 重复投诉 [when] [{"repeat": {"count": 1, "days": 30}}] → [{"repeat": {"count": 1, "days": 60}}]',
        "新增 added told 领导批示",
    ]


def test_a_season_may_go_over_the_turn_of_the_year(folder: Path) -> None:
    assert wrong(folder, "words: [掉下去, 绊倒]", "words: [绊倒], season: {first: 11, last: 2}") == ()
    clause = read_all(read_folder(folder))["2019"].tags.by_code["hazard"].when[0]
    assert clause.season is not None
    assert [month for month in range(1, 13) if clause.season.holds(month)] == [1, 2, 11, 12]


def test_a_version_stored_before_there_were_tags_has_those_that_ship(folder: Path) -> None:
    files = {name: content for name, content in read_folder(folder).items() if name != "tags.yaml"}
    stored = Document("2019", None, pack(files), checksum(files))
    assert len(stored.catalogue().tags.tags) == 35
