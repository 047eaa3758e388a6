"""Owns what the desk's own handled cases teach: which unit such a case went to in the end, and how often it was late."""

import gzip
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import orjson

from services.router.learning.folder import DamagedModel
from services.router.learning.overtime import OvertimeRisk, Risk
from services.router.learning.records import NothingToLearnFrom, Records
from services.router.learning.suggestion import Suggester, Suggestion
from services.router.units import Places


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of a case when its unit is chosen, in the codes of the catalogue."""

    category_code: str
    area_code: str | None
    channel_code: str
    type_code: str
    at: datetime

    def codes(self, places: Places) -> dict[str, str]:
        """As a past record has them; what is not known is empty. The levels of a category are parts of its code."""
        street = places.subdistrict_of(self.area_code) or ""
        code = self.category_code
        return {
            "class": code[:2],
            "subclass": code[:4],
            "category": code,
            "street": street,
            "community": self.area_code if self.area_code and self.area_code != street else "",
            "channel": self.channel_code,
            "nature": self.type_code,
        }


@dataclass(frozen=True, slots=True)
class Experience:
    """Advisory only: the dispatch table says whose a case is (国办函〔2025〕66号, 派单目录)."""

    version: str
    suggester: Suggester
    risk: OvertimeRisk | None
    """None where all cases had the same outcome."""
    cases: int

    @classmethod
    def learn(cls, records: Records) -> Self:
        """About two milliseconds a case; the same records make the same version. Raises `NothingToLearnFrom`."""
        risk: OvertimeRisk | None = None
        try:
            risk = OvertimeRisk.learn(records)
        except NothingToLearnFrom:
            risk = None
        learned = cls("", Suggester.learn(records), risk, len(records.rows))
        digest = hashlib.sha256(learned.packed()).hexdigest()[:12]
        return cls(f"experience-{digest}", learned.suggester, learned.risk, learned.cases)

    def units(self, said: Circumstances, places: Places, *, barred: Iterable[str] = ()) -> tuple[Suggestion, ...]:
        """The three likeliest, best first; never one of those barred."""
        without = frozenset(barred)
        found = self.suggester.suggest(said.codes(places), said.at, count=3 + len(without))
        return tuple(one for one in found if one.unit not in without)[:3]

    def late(self, said: Circumstances, places: Places, *, unit: str = "") -> Risk | None:
        """How likely it is to be closed late; with the unit, once it is known."""
        return None if self.risk is None else self.risk.risk({**said.codes(places), "unit": unit}, said.at)

    def packed(self) -> bytes:
        """Codes and counts, no words: nothing of a person is in it."""
        document: dict[str, Any] = {
            "cases": self.cases,
            "suggester": self.suggester.as_document(),
            "risk": self.risk.as_document() if self.risk else None,
        }
        return gzip.compress(orjson.dumps(document), mtime=0)

    @classmethod
    def unpacked(cls, version: str, content: bytes) -> Self:
        """Raises `DamagedModel`."""
        try:
            document: Mapping[str, Any] = orjson.loads(gzip.decompress(content))
            suggester = Suggester.from_document(document["suggester"])
            risk = OvertimeRisk.from_document(document["risk"]) if document["risk"] else None
        except (OSError, EOFError, ValueError, KeyError, TypeError, NothingToLearnFrom) as error:
            raise DamagedModel(f"{version}: {error.__class__.__name__}") from error
        return cls(version, suggester, risk, document["cases"])
