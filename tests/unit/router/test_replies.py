"""Replies that can be sent, and replies that cannot, with the words that give them away; all of them made up here."""

import pytest
from pydantic import ValidationError

from contracts.events.intake import CaseType
from services.router.catalogue.replies import Patterns
from services.router.replies import Request, flaws
from tests.unit.router.desk import rules

RULES = rules().catalogue.replies
LIGHT = ("路灯不亮", "六联社区锦龙大道公交站旁的路灯坏了一个多星期，晚上很黑不安全")
WAGES = ("拖欠工资", "我在某工地做木工，老板拖欠了两个月工资一直不给")
SCHOOL = ("入学咨询", "请问孩子九月份上一年级需要什么材料，什么时候开始网上报名？")
NOISE = ("夜间施工", "碧岭街道某工地晚上十二点还在打桩，吵得睡不着觉")


def found(reply: str, request: tuple[str, str], kind: CaseType = "complaint") -> set[str]:
    return {one.rule for one in flaws(reply, Request(*request, kind), RULES)}


GOOD = [
    (LIGHT, "complaint", "经现场核查，锦龙大道公交站旁两盏路灯因线路老化不亮，已于11月20日更换线路并恢复照明。"),
    (LIGHT, "complaint", "路灯已于今日修复。"),
    (
        LIGHT,
        "complaint",
        "您好！您反映的路灯问题已收悉。经查，该路段路灯电缆被施工挖断，预计12月5日前修复，届时电话告知您。",
    ),
    (
        LIGHT,
        "complaint",
        "该处路灯由小区物业管理，我街道已协调物业于当晚更换灯具，现已恢复照明。如再有故障请拨打0755-12345678。",
    ),
    (WAGES, "complaint", "经劳动监察部门核查，拖欠工资情况属实，已责令用人单位于11月30日前足额支付两个月工资。"),
    (WAGES, "help", "已联系您和施工单位三方协商，施工单位承诺本周内结清所欠工资，我们将全程跟进支付情况。"),
    (
        WAGES,
        "complaint",
        "该事项涉及劳动争议，根据《劳动争议调解仲裁法》第五条，可向坪山区劳动人事争议仲裁委员会申请仲裁。",
    ),
    (
        SCHOOL,
        "consultation",
        "一年级网上报名时间为5月10日至20日，需提交户口本、房产证明或租赁凭证，在区教育局网站办理。",
    ),
    (SCHOOL, "consultation", "需准备户口簿、出生证明和居住材料，报名时间预计明年5月上旬，请以区教育局公布为准。"),
    (NOISE, "complaint", "执法人员当晚到场检查，该工地未办理夜间施工许可，已责令停止施工并立案处罚。"),
    (NOISE, "complaint", "经核实，该工地因混凝土浇筑需连续作业，已取得夜间施工证明，现场已要求其采取降噪措施。"),
    (
        NOISE,
        "complaint",
        "尊敬的市民：您好，您反映的夜间施工问题，经巡查当晚未发现施工行为，已约谈工地负责人并加强夜间巡查。",
    ),
    (LIGHT, "suggestion", "您关于增设路灯的建议已采纳，列入明年一季度照明改造计划，感谢您的建议。"),
    (("感谢社区", "六联社区工作人员帮我找到走失的老人，非常感谢"), "praise", "感谢您的认可，我们会继续努力。"),
    (LIGHT, "complaint", "因该路段道路改造尚未完工，路灯暂时不能通电，施工单位已加装临时照明。"),
    (NOISE, "complaint", "各位业主：经现场检测，该工地夜间噪声超标，已依法处以罚款，并要求夜间十点后停止打桩。"),
]


@pytest.mark.parametrize(("request_", "kind", "reply"), GOOD, ids=range(len(GOOD)))
def test_a_reply_that_says_what_was_found_and_done_passes(
    request_: tuple[str, str], kind: CaseType, reply: str
) -> None:
    assert found(reply, request_, kind) == set()


BAD = [
    (LIGHT, "formula", "已转相关部门。"),
    (LIGHT, "formula", "您好，您反映的问题已收悉，我们高度重视，已转相关部门处理，感谢您的理解与支持。"),
    (LIGHT, "formula", "您的诉求已受理，请您耐心等待处理结果。"),
    (LIGHT, "formula", "该问题正在处理中，我们会尽快处理，给您带来不便敬请谅解。"),
    (WAGES, "formula", "已处理完毕。感谢您的来电。"),
    (WAGES, "formula", "您反映的事项已转交责任单位办理，如有疑问请随时与我们联系。"),
    (NOISE, "formula", "感谢您对我区工作的关心和支持，欢迎继续监督。"),
    (NOISE, "formula", "已将您的诉求及时转给属地街道处理，特此回复。"),
    (LIGHT, "too_short", "修好"),
    (WAGES, "too_short", "给了。"),
    (LIGHT, "blame", "路灯不归我们管，您应该找供电局。"),
    (LIGHT, "blame", "经核查路灯确有损坏，但该路段不属于我街道管辖范围。"),
    (WAGES, "blame", "拖欠工资一事与我局无关，请找住建局解决。"),
    (NOISE, "blame", "夜间施工是因为住建局一直不处理，责任在于住建局的失职。"),
    (NOISE, "blame", "我单位无执法权，管不了夜间施工，已申请退件。"),
    (NOISE, "blame", "由于城管局迟迟不配合，夜间施工问题没有解决。"),
    (LIGHT, "personal_data", "路灯已修复，详情请联系负责人，手机13800138000。"),
    (LIGHT, "personal_data", "王建国先生，您反映的路灯已于昨日修复。"),
    (LIGHT, "personal_data", "尊敬的李女士：锦龙大道路灯已修复并恢复照明。"),
    (WAGES, "personal_data", "工资已发放，收款人身份证号110101199003071234。"),
    (WAGES, "personal_data", "拖欠的工资已转入您尾号账户6222021234567890123，请查收。"),
    (NOISE, "personal_data", "工地车辆粤B12345夜间进出已处罚，夜间施工已停止。"),
    (LIGHT, "not_answering", "坪山河碧道二期工程将于明年完工，届时欢迎市民前往游玩休闲。"),
    (WAGES, "not_answering", "绿化养护单位今天修剪了全部行道树木，并清理了枯枝落叶。"),
    (NOISE, "no_result", "夜间施工扰民，今后将进一步加强监管。"),
    (LIGHT, "no_result", "关于路灯照明，下一步将督促养护单位加强巡查。"),
]


@pytest.mark.parametrize(("request_", "rule", "reply"), BAD, ids=range(len(BAD)))
def test_a_reply_that_cannot_be_sent_is_told_by_its_rule(request_: tuple[str, str], rule: str, reply: str) -> None:
    assert rule in found(reply, request_)


@pytest.mark.parametrize(
    ("asked", "reply", "open_"),
    [
        ("请问办理居住证需要什么材料？", "居住证是重要的身份凭证，全市统一制发。", True),
        ("请问办理居住证需要什么材料？", "办理居住证需携带身份证和租赁合同到社区窗口申请。", False),
        ("坪山图书馆收费标准是多少？", "坪山图书馆环境优美，欢迎前往阅读。", True),
        ("坪山图书馆收费标准是多少？", "坪山图书馆免费开放。", False),
        ("14号线什么时候通车？", "14号线建设进展顺利，欢迎乘坐。", True),
        ("14号线什么时候通车？", "14号线预计明年底通车。", False),
    ],
)
def test_a_question_must_be_answered_with_what_it_asked_for(asked: str, reply: str, open_: bool) -> None:
    assert ("not_answering" in found(reply, ("", asked), "consultation")) is open_


def test_a_finding_names_the_words_that_gave_it_away_and_whether_it_may_pass() -> None:
    [one] = flaws("王建国先生，锦龙大道的路灯已于昨日修复，详询13800138000。", Request(*LIGHT, "complaint"), RULES)
    assert (one.rule, one.may_override, set(one.words)) == ("personal_data", False, {"13800138000", "王建国先生"})


def test_an_office_number_and_a_form_of_address_without_a_name_are_no_personal_data() -> None:
    reply = "这位先生反映的路灯已修复，责任单位值班电话0755-28380000，先生/女士如有疑问可来电。"
    assert found(reply, LIGHT) == set()


def test_a_long_request_is_not_answered_with_a_few_words() -> None:
    long = ("小区问题", "物业长期不清理垃圾，电梯经常故障，地下车库漏水，绿化带被占用停车。" * 8)
    assert found("电梯已修复。", long) == {"too_short"}
    assert found("电梯已修复。", ("电梯", "电梯坏了好几天没人修，老人上下楼不方便")) == set()


@pytest.mark.parametrize("pattern", ["已.*转", "(a+)+", "x{2,}", "(", "字*"])
def test_a_pattern_that_repeats_without_end_or_is_none_is_refused_when_it_is_loaded(pattern: str) -> None:
    with pytest.raises(ValidationError):
        Patterns(patterns=(pattern,))


def test_a_hostile_reply_costs_no_more_than_its_length() -> None:
    for hostile in ("您好" * 2000, "感谢您" * 1300, "13" * 2000, "转交" * 2000, "[" * 4000):
        flaws(hostile, Request(*LIGHT, "complaint"), RULES)
