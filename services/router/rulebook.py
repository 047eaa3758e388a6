"""Which rules a case is judged by: shipped editions, published versions, and the desk's own `desk.yaml`."""

import asyncio
import logging
from collections.abc import Collection
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import chinese_calendar
import yaml
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router import beside_rows, emergencies, models
from services.router.catalogue import reading, versions
from services.router.catalogue.files import Files, read_folder
from services.router.catalogue.sheet import CatalogueInvalid
from services.router.catalogue.whole import Catalogue
from services.router.classifier import Classifier
from services.router.domain.cases import Case
from services.router.domain.emergency import Alarm
from services.router.domain.precedents import Precedents
from services.router.domain.rules import SHENZHEN, DeskRules, Rules
from services.router.joint import Judge, Learned
from services.router.learning.experience import Experience
from services.router.learning.folder import DamagedModel
from services.router.people.roles import staff_rules
from shared.errors import Unavailable

log = logging.getLogger(__name__)

DESK = Path(__file__).parent / "desk.yaml"


class Edition:
    """One edition with everything a case is judged by; its classifier is made when the first message comes."""

    def __init__(self, catalogue: Catalogue, desk: DeskRules, alarm: Alarm | None = None) -> None:
        self.rules = Rules(catalogue, desk, is_working_day, alarm or Alarm())

    @cached_property
    def classifier(self) -> Classifier:
        return Classifier(self.rules.catalogue)


class EditionUnknown(Unavailable):
    """A case was filed under a version of the catalogue that is not here."""

    zh = "该事件所用目录版本暂不可用，请稍后再试"


class Rulebook:
    """All editions: those in one folder, and the published versions of the database, which running processes take over.

    Opened by the composition root, or with what ships at first use.
    """

    def __init__(self) -> None:
        self._root = reading.SHIPPED
        self._desk: DeskRules | None = None
        self._editions: dict[str, Edition] = {}
        self._shipped: frozenset[str] = frozenset()
        self._published: dict[str, date] = {}
        self._asked = False
        self.model: Learned | None = None
        """The one trained last; asked where the rules are not sure."""
        self.experience: Experience | None = None
        """What the cases handled so far teach of units and lateness; only asked for advice."""
        self._unreadable: set[str] = set()
        self.alarm = Alarm()
        """The emergencies that are on; all editions ask it."""
        self.precedents = Precedents()
        """The panel's rulings that later dispatches cite."""
        self.files: Files = {}
        """The tables of the shipped editions, which a change is laid over."""

    def open(self, root: Path | None) -> None:
        """Read every edition under `root` (what ships when None); an invalid one stops the start."""
        self._root = root or reading.SHIPPED
        self._desk = desk = read_desk(DESK)
        self.files = read_folder(self._root)
        self._editions = {name: Edition(one, desk, self.alarm) for name, one in reading.read_all(self.files).items()}
        self._shipped = frozenset(self._editions)
        self._published, self._asked = {}, False
        self.alarm.put(())
        self.precedents = Precedents()
        self.model = self.experience = None
        self._unreadable = set()

    async def refresh(self, connection: AsyncConnection) -> None:
        """Take over what was published, and let go what was withdrawn, since somebody last asked."""
        self._ready()
        await self.hear_alarm(connection)
        published = await versions.published(connection)
        stale = {name for name, day in published.items() if self._published.get(name) != day}
        await self._load(connection, stale)
        self._published, self._asked = published, True
        await self.refresh_precedents(connection)
        await self._take_learned(connection)

    async def hear_alarm(self, connection: AsyncConnection) -> None:
        """Which emergencies are on; there are none, or few."""
        self.alarm.put(await emergencies.not_lifted(connection))

    async def refresh_precedents(self, connection: AsyncConnection) -> None:
        """The panel's rulings that later dispatches cite; there are few."""
        self.precedents = Precedents(await beside_rows.precedents(connection))

    async def _take_learned(self, connection: AsyncConnection) -> None:
        """What was learned last; what cannot be read changes nothing."""
        known = {one.version for one in (self.model, self.experience) if one is not None}
        for kind, version in (await models.newest(connection)).items():
            if version in known or version in self._unreadable:
                continue
            document = await models.fetched(connection, version)
            try:
                if kind == "classifier":
                    self.model = await asyncio.to_thread(document.model)
                else:
                    self.experience = await asyncio.to_thread(document.experience)
            except DamagedModel:
                log.exception("%s %s cannot be read", kind, version)
                self._unreadable.add(version)

    async def ready(self, connection: AsyncConnection) -> None:
        """Before anything is filed it must once have been asked what is published."""
        if not self._asked:
            await self.refresh(connection)

    async def need(self, connection: AsyncConnection, editions: Collection[str]) -> None:
        """The versions these cases were filed under; no query where all are known."""
        self._ready()
        missing = [name for name in editions if name not in self._editions]
        if missing:
            await self._load(connection, missing)

    async def _load(self, connection: AsyncConnection, names: Collection[str]) -> None:
        assert self._desk is not None
        wanted = [name for name in names if name not in self._shipped]
        for document in await versions.fetched(connection, wanted) if wanted else ():
            # Reading takes a second: other requests go on meanwhile.
            try:
                loaded = await asyncio.to_thread(document.catalogue)
            except (CatalogueInvalid, KeyError):
                # What was examined before it was kept is no fault of the case that needs it: that one waits.
                log.exception("version %s of the catalogue cannot be read any more", document.id)
                raise EditionUnknown(retry_after=60) from None
            self._editions[document.id] = Edition(loaded, self._desk, self.alarm)

    def in_force(self, now: datetime) -> Edition:
        """By the date in Shenzhen; of several the one that began last."""
        self._ready()
        day = now.astimezone(SHENZHEN).date()
        usable = (*self._shipped, *(name for name in self._published if name in self._editions))
        found = reading.in_force((self._editions[name].rules.catalogue.edition for name in usable), day)
        return self._editions[found.id]

    def judge(self, edition: Edition) -> Judge:
        """The rules of an edition, and the model in use."""
        return Judge(edition.classifier, edition.rules.catalogue.classification.learned, self.model)

    def of(self, case: Case) -> Rules:
        """The edition a case was filed under; a later one never changes a running case."""
        return self.edition(case.edition).rules

    def edition(self, name: str) -> Edition:
        self._ready()
        try:
            return self._editions[name]
        except KeyError:
            raise EditionUnknown(retry_after=5) from None

    def public(self, name: str) -> Edition | None:
        """An edition everybody may read: shipped or published."""
        self._ready()
        return self._editions.get(name) if name in self._shipped or name in self._published else None

    def shipped(self) -> tuple[Edition, ...]:
        self._ready()
        return tuple(self._editions[name] for name in sorted(self._shipped))

    def _ready(self) -> None:
        if not self._editions:
            self.open(self._root)


def is_working_day(day: date) -> bool:
    """By the State Council's yearly notice; a year not announced yet is taken as Monday to Friday.

    Only the return window is counted here. The promises to citizens are counted by sla, which marks such years.
    """
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.isoweekday() <= 5  # noqa: PLR2004  Friday


def read_desk(file: Path) -> DeskRules:
    raw: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    roles = raw["roles"]
    return DeskRules(
        classify_roles=frozenset(roles["classify"]),
        not_accept_roles=frozenset(roles["not_accept"]),
        see_all_roles=staff_rules().that_see("all", "open"),
        see_open_roles=staff_rules().that_see("open"),
        department_acts_as=frozenset(raw["department_acts_as"]),
        photo_types=frozenset(raw["photo_types"]),
        always_queued=frozenset(raw["always_queued"]),
    )
