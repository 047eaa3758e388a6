"""Owns telling which legal bases are no longer, or not yet, in force, and which laws nobody cites."""

from collections.abc import Iterable
from datetime import date

from services.router.catalogue.check import Tables
from services.router.catalogue.editions import Edition
from services.router.catalogue.entries import Law
from services.router.catalogue.sheet import Report


def check_validity(tables: Tables, editions: Iterable[Edition], today: date, report: Report) -> None:
    """Warnings only: a basis that has expired is for a clerk to replace and keeps nothing from being used."""
    laws: dict[str, Law] = {}
    for row, law in tables.laws:
        first = laws.setdefault(law.name, law)
        if (first.valid_from, first.valid_to) != (law.valid_from, law.valid_to):
            row.doubtful("valid_from", "another row of this law has other dates", "与同名法律的另一行日期不一致")
    for row, category in tables.categories:
        days = {one.used_until(today) for one in editions if one.holds(category)}
        for basis in category.bases:
            cited = laws.get(basis.law)
            if cited is None:
                continue
            if any(cited.expired(day) for day in days):
                instead = f", replaced by {cited.replaced_by}" if cited.replaced_by else ""
                after = f"，现行为{cited.replaced_by}" if cited.replaced_by else ""
                detail = f"{basis.law} expired on {cited.valid_to}{instead}"
                row.doubtful("legal_basis", detail, f"《{basis.law}》已于{cited.valid_to}废止{after}")
            if cited.valid_from and all(cited.valid_from > day for day in days):
                detail = f"{basis.law} is not in force before {cited.valid_from}"
                row.doubtful("legal_basis", detail, f"《{basis.law}》自{cited.valid_from}起方施行")
    cited_names = {basis.law for _, category in tables.categories for basis in category.bases}
    for row, law in tables.laws:
        if law.name not in cited_names:
            report.warn(row.file, row.number, "name", "no category cites this law", "没有事项引用该法律")
