"""Finding cases about the same among two hundred thousand, on a PostgreSQL of its own.

`python -m tests.bench.merging` prints the table and writes `build/bench/merging.json`: what signing a case costs, what
its row costs, and how long a dispatcher waits for the candidates of a case. It fails when the plan scans a whole table.
"""

import json
import platform
import random
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import uvloop
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from contracts.events.intake import Place
from services.router import alike, candidates, rows
from services.router.app import MANIFEST
from services.router.catalogue import reading
from services.router.catalogue.merging import Candidates
from services.router.domain.cases import Case
from shared import db, migrate
from shared.bulk import copy_in
from tests.bench.timers import postgres

CASES, ASKED, BATCH = 200_000, 60, 5_000
DAYS = 400
RESULT = Path("build/bench/merging.json")
ROADS = ("锦龙大道", "坪山大道", "金牛路", "龙田路", "比亚迪路", "丹梓大道", "东纵路", "兰竹路", "沙湖路", "石井路")
PLACES = (
    "花园小区",
    "幼儿园门口",
    "工业区后门",
    "公交站旁",
    "菜市场东侧",
    "地铁口",
    "停车场",
    "公园南门",
    "学校对面",
    "河边",
)
MATTERS = ("垃圾没有人清运", "路灯不亮", "夜间施工噪声很大", "井盖破损", "车辆乱停挡住通道", "污水外溢有臭味", "电梯经常故障",
           "店铺占道经营", "树枝挡住红绿灯", "工地扬尘严重", "拖欠工人工资", "餐馆油烟直排", "水压很低", "广场舞音响太吵")  # fmt: skip
TIMES = ("已经三天了", "从上周开始", "每天晚上都这样", "持续一个多月", "今天早上发现", "昨天下午开始", "最近经常这样")
ENDS = (
    "老人小孩出行不便",
    "影响居民休息",
    "存在安全风险",
    "请派人来看看",
    "物业一直不管",
    "周围住户意见很大",
    "已经反映过一次",
)


def letter(chance: random.Random) -> tuple[str, str]:
    said = (chance.choice(words) for words in (TIMES, ENDS))
    where = f"{chance.choice(ROADS)}{chance.randrange(1, 400)}号{chance.choice(PLACES)}"
    matter = chance.choice(MATTERS)
    return matter, f"{where}{matter}，{'，'.join(said)}，{chance.randrange(1, 30)}栋附近"


def case(number: int, chance: random.Random, since: datetime) -> Case:
    """Spread over the days, the ids in their order, four in five still in hand."""
    title, said = letter(chance)
    at = since + timedelta(days=DAYS * number / CASES)
    case_id = UUID(int=(int(at.timestamp() * 1000) << 80) | (7 << 76) | number)
    area = f"44031000{chance.randrange(1, 7)}{chance.randrange(1, 5):03d}"
    return Case(
        case_id=case_id, case_no=f"PS{number:012d}", state="handling" if chance.random() < 0.8 else "closed",
        received_at=at, channel_code="wechat_pingshan", citizen_id=UUID(int=chance.randrange(1, CASES // 2)),
        anonymous=False, confidential=False, reply_wanted=True, accused_unit_code=None, title=title, text=said,
        place=Place(area_code=area), said_type=None, said_category=None, edition="2023", type_code="complaint",
        category_code=f"01{MATTERS.index(title):02d}001", area_code=area,
    )  # fmt: skip


async def fill(database: db.Database, rules: Candidates, since: datetime) -> dict[str, float]:
    chance, signing, writing = random.Random(4), 0.0, 0.0
    for first in range(0, CASES, BATCH):
        made = [case(number, chance, since) for number in range(first, first + BATCH)]
        began = time.process_time()
        signed = [(one.case_id, alike.keys_of(one.title, one.text, one.received_at, rules.text)) for one in made]
        signing += time.process_time() - began
        async with database.begin(db.Tx) as tx:
            await copy_in(tx.connection, "cases", rows.CASE_COLUMNS, [rows.case_record(one) for one in made])
            began = time.perf_counter()
            await copy_in(tx.connection, "signatures", ("case_id", "keys"), signed)
            writing += time.perf_counter() - began
    async with database.begin(db.Tx) as tx:
        await tx.connection.execute(text("ANALYZE"))
    return {"signing_us": 1e6 * signing / CASES, "writing_us": 1e6 * writing / CASES}


async def measure(url: str) -> dict[str, object]:
    await migrate.upgrade(url, schema="router", folder=MANIFEST.migrations)
    database, rules = db.Database(url, schema="router", pool=2), reading.load().merging.candidates
    since, chance = datetime.now(UTC) - timedelta(days=DAYS), random.Random(9)
    cost = await fill(database, rules, since)
    took, found, plans = [], [], set[str]()
    async with database.begin(db.Tx) as tx:
        for number in range(ASKED + 5):
            asked = case(chance.randrange(CASES // 2, CASES), random.Random(number), since)
            began = time.perf_counter()
            items = await candidates.find(tx.connection, asked, rules)
            took.append(1000 * (time.perf_counter() - began))
            found.append(len(items))
        plans |= set(await candidates.plan(tx.connection, asked, rules))
    await database.close()
    if scans := [line for line in plans if "Seq Scan on" in line]:
        sys.exit(f"the plan scans: {scans}")
    took = sorted(took[5:])
    return {
        "cases": CASES, "days": DAYS, **{name: round(value, 1) for name, value in cost.items()},
        "candidates_ms_p50": round(statistics.median(took), 1), "candidates_ms_p95": round(took[int(0.95 * len(took))], 1),
        "candidates_found_median": statistics.median(found),
    }  # fmt: skip


def main() -> None:
    with postgres() as server:
        results = uvloop.run(measure(server.url()))
    table = Table("figure", "value")
    for name, value in results.items():
        table.add_row(name, str(value))
    Console(width=100).print("Cases about the same", table)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine(), "at": datetime.now(UTC).isoformat()}
    RESULT.write_text(json.dumps({**results, **machine}, indent=2))


if __name__ == "__main__":
    main()
