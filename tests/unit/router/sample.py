"""A small catalogue of two editions to try things on, with the units, places and rules that ship."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

from services.router.catalogue.reading import SHIPPED
from services.router.catalogue.sheet import Problem

type Rows = list[list[str]]

SHARED = ("areas.csv", "units.csv", "unit_kinds.csv", "dispatch.csv", "processes.yaml", "orders.yaml")
EDITIONS = """
editions:
  - id: "2017"
    title: 二〇一七版
    effective_from: 2017-04-01
    effective_to: 2019-08-01
    complaint_limit: {shortest: {amount: 1, unit: urgent_hour}, longest: {amount: 15, unit: work_day}}
    expected: {classes: 2, subclasses: 3, categories: 4}
  - id: "2019"
    title: 二〇一九版
    effective_from: 2019-08-01
    complaint_limit: {shortest: {amount: 1, unit: urgent_hour}, longest: {amount: 7, unit: work_day}}
    expected: {classes: 2, subclasses: 3, categories: 6}
likeness: {names: 0.6, texts: 0.5, shortest_within: 4}
"""
TAGS = """
groups:
  - {key: repeat, name: 重复}
  - {key: risk, name: 风险}
tags:
  - code: repeated
    name: 重复投诉
    group: repeat
    set_by: system
    meaning: 同一人三十日内再次反映
    may_remove: [dispatcher]
    seen_by: units
    when: [{repeat: {count: 1, days: 30}}]
  - code: overdue
    name: 超期
    group: risk
    set_by: system
    meaning: 时限已过而未办完
    seen_by: units
    set_on: [clock.breached.handle]
  - code: hazard
    name: 安全隐患
    group: risk
    set_by: rule
    meaning: 可能伤人的缺损
    may_set: [dispatcher]
    seen_by: units
    when: [{categories: ["0201"], words: [掉下去, 绊倒]}]
  - code: instructed
    name: 领导批示
    group: risk
    set_by: hand
    meaning: 领导作过批示的事件
    may_set: [leader]
    may_remove: [leader]
    seen_by: desk
"""
CLASSES = """code,name,covers
01,市容环卫,街面清扫保洁、占道经营等看得见的城市面貌
02,市政设施,道路、井盖、路灯等公共设施的缺失与损坏
"""
SUBCLASSES = {
    "01": "code,name\n0101,垃圾清运\n0102,占道经营\n",
    "02": "code,name\n0201,道路附属设施\n",
}
HEADER = (
    "code,name,since,until,covers,excludes,example_1,example_2,keywords,exclude_words,"
    "unit_kind,legal_basis,default_type,grade,process\n"
)
CATEGORIES = {
    "01": HEADER
    + """0101001,路面垃圾堆积,2017,,道路、街巷、绿地边成堆的垃圾无人清运,不含住宅小区围墙之内的,巷口的垃圾堆了三天没人拉,菜市场后门的烂菜叶堆成山,垃圾堆|垃圾没人清|烂菜叶,小区里,street_cleaning,《市容管理条例》清扫保洁责任,complaint,C,simple
0101002,垃圾桶满溢,2019,,公共场所的果皮箱与垃圾桶装满未及时倒空,不含成堆散落在地面的（归路面垃圾堆积）,公园门口的桶满得盖不上了,公交站的果皮箱天天满出来,果皮箱|桶满|垃圾桶,,street_cleaning,《市容管理条例》清扫保洁责任,complaint,C,simple
0102001,流动摊贩占道,2017,,流动商贩在人行道、路口、天桥摆卖,不含商铺把货摆到门外（归店铺越线经营）,放学时校门口全是小摊,夜宵摊占了整条人行道,小摊|夜宵摊|摊贩,店铺,street_order,《市容管理条例》临街摆卖；《旧市容办法》摊点管理,complaint,C,simple
0102002,店铺越线经营,2019,,临街商铺超出门窗摆放货物、桌椅、炉具,不含没有固定铺面的（归流动摊贩占道）,五金店的货架都摆到盲道上了,饭店每晚把桌子摆满路边,越线|货架+盲道|桌子+路边,,street_order,《市容管理条例》门前责任,complaint,C,general
""",
    "02": HEADER
    + """0201001,井盖缺损,2017,,各类检查井的盖板丢失、破裂、松动作响,不含路面本身的坑洼（归路面坑洼）,路中间的井没了盖子差点掉下去,楼下井盖一过车就哐当响,井盖|窨井|井+没盖,,urban_management,《城市道路管理条例》井盖与附属设施的维护,complaint,A,general
0201002,路面坑洼,2017,,机动车道与人行道的坑洞、裂缝、沉陷,不含检查井盖板的损坏（归井盖缺损）,这段路全是坑骑车摔了一跤,人行道的砖翘起来绊倒老人,坑洼|路面+坑|砖翘,,urban_management,《城市道路管理条例》养护与维修,complaint,B,general
""",
}
STANDARDS = {
    "01": """category,no,name,keywords,filing_condition,closing_condition,limit_amount,limit_unit,photo_required
0101001,1,一般情形,,地面可见成堆垃圾超过一平方米,垃圾清走并冲洗干净,1,work_day,1
0101002,1,一般情形,,容器装满外溢,容器倒空并擦洗,4,work_hour,1
0102001,1,一般情形,,现场有人摆卖占用通道,摊贩离开且地面干净,1,work_day,1
0102002,1,一般情形,,货物或桌椅超出门窗,货物收回店内,1,work_day,1
""",
    "02": """category,no,name,keywords,filing_condition,closing_condition,limit_amount,limit_unit,photo_required
0201001,1,松动作响,哐当|作响|松动,过车时盖板跳动出声,盖板垫稳不再出声,2,work_day,1
0201001,2,盖板丢失,没盖|没了盖子|盖子+丢,井口敞开无遮挡,先行围挡并补齐盖板,2,urgent_hour,1
0201001,3,盖板破裂,破裂|裂开,盖板断裂仍在井口,换上完好的新盖,4,work_hour,1
0201002,1,一般情形,,坑深超过三厘米,修补平整并恢复通行,5,work_day,1
""",
}
LAWS = """name,issuer,valid_from,valid_to,replaced_by,note
市容管理条例,市人大常委会,2018-01-01,,,
旧市容办法,市政府,2004-01-01,2020-01-01,市容管理条例,
城市道路管理条例,国务院,1996-10-01,,,
"""


def build(folder: Path) -> Path:
    """The sample, written into a folder as the shipped catalogue lies in its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*SHARED, "classification.yaml"):
        shutil.copy(SHIPPED / name, folder / name)
    files = {"editions.yaml": EDITIONS, "tags.yaml": TAGS, "classes.csv": CLASSES, "laws.csv": LAWS}
    for number in ("01", "02"):
        (folder / number).mkdir()
        files[f"{number}/subclasses.csv"] = SUBCLASSES[number]
        files[f"{number}/categories.csv"] = CATEGORIES[number]
        files[f"{number}/standards.csv"] = STANDARDS[number]
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def change(path: Path, edit: Callable[[Rows], None]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    edit(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def put(path: Path, line: int, column: str, value: str) -> None:
    """`line` counts from 1, which is the header."""

    def edit(rows: Rows) -> None:
        rows[line - 1][rows[0].index(column)] = value

    change(path, edit)


def places(problems: tuple[Problem, ...]) -> set[tuple[str, int, str]]:
    return {(problem.file, problem.row, problem.column) for problem in problems}
