"""Who gets the order: place, kind, fallback, and never the accused unit."""

from dataclasses import replace
from datetime import date

import pytest

from services.router.catalogue.reading import load
from services.router.units import NoUnitLeft, UnknownUnitKind

CATALOGUE = load(edition="2019")
DISPATCH = CATALOGUE.dispatch


def test_street_matters_go_to_the_subdistrict_of_the_place() -> None:
    dispatch = DISPATCH.resolve("street_order", "440310005")
    assert (dispatch.lead, dispatch.fallback_used, dispatch.reason.kind) == ("PS-S05", False, "dispatch_table")


def test_a_community_lies_in_its_subdistrict() -> None:
    assert DISPATCH.resolve("street_order", "440310005003").lead == "PS-S05"


def test_what_one_department_does_for_the_whole_district_needs_no_place() -> None:
    assert DISPATCH.resolve("education", None).lead == "PS-D13"


def test_the_row_of_a_subdistrict_goes_before_the_districts() -> None:
    assert DISPATCH.resolve("water_supply", "440310005").lead == "PS-E06"
    assert DISPATCH.resolve("water_supply", "440310001").lead == "PS-E03"


def test_co_units_come_with_the_lead() -> None:
    assert DISPATCH.resolve("telecom", "440310001").co_units == ("PS-E07", "PS-E08")


def test_a_street_matter_without_a_known_place_falls_back_to_the_centre() -> None:
    for area in (None, "440310999"):
        dispatch = DISPATCH.resolve("street_order", area)
        assert (dispatch.lead, dispatch.fallback_used, dispatch.reason.kind) == ("PS-C00", True, "area_unknown")


def test_the_accused_department_never_gets_the_order_the_subdistrict_takes_it() -> None:
    dispatch = DISPATCH.resolve("education", "440310001", accused="PS-D13")
    assert (dispatch.lead, dispatch.fallback_used, dispatch.reason.kind) == ("PS-S01", True, "accused_avoided")


def test_an_accused_subdistrict_is_passed_over_for_the_centre() -> None:
    assert DISPATCH.resolve("street_order", "440310001", accused="PS-S01").lead == "PS-C00"


def test_an_accused_co_unit_is_left_out() -> None:
    assert DISPATCH.resolve("telecom", "440310001", accused="PS-E07").co_units == ("PS-E08",)


def test_a_complaint_about_the_centre_still_reaches_the_units_under_it_but_not_the_centre() -> None:
    assert DISPATCH.resolve("discipline", None, accused="PS-C00").lead == "PS-D21"
    with pytest.raises(NoUnitLeft):
        DISPATCH.resolve("centre", None, accused="PS-C00")


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(UnknownUnitKind):
        DISPATCH.resolve("no_such_kind", "440310001")


@pytest.mark.parametrize("accused", [None, *(unit.code for unit in CATALOGUE.units if unit.code != "PS-C00")])
def test_every_category_has_a_lead_in_every_community_that_is_not_the_accused(accused: str | None) -> None:
    for kind in {category.unit_kind for category in CATALOGUE.categories.values()}:
        for area in CATALOGUE.places:
            dispatch = DISPATCH.resolve(kind, area.code, accused=accused)
            assert accused not in {dispatch.lead, *dispatch.co_units}


def test_the_tree_runs_from_every_unit_up_to_the_centre() -> None:
    for unit in CATALOGUE.units:
        assert unit.level == "district_centre" or CATALOGUE.units.ancestors(unit.code)[-1] == "PS-C00"
    below = {unit.level for code in ("PS-S01", "PS-D09") for unit in CATALOGUE.units.children(code)}
    assert below == {"community", "sub_unit"}
    assert set(CATALOGUE.units.under("PS-C00")) == {unit.code for unit in CATALOGUE.units}


def test_six_subdistricts_have_their_twenty_four_communities_each_with_a_station_and_a_grid() -> None:
    stations = {unit.area: unit for unit in CATALOGUE.units if unit.level == "community"}
    communities = {area.code: area for area in CATALOGUE.places if area.level == "community"}
    assert stations.keys() == communities.keys() == {grid.community for grid in CATALOGUE.places.grids}
    assert len(stations) == 24
    for code, unit in stations.items():
        assert CATALOGUE.units[unit.parent or ""].area == communities[code].parent


def test_every_area_has_a_fallback_unit() -> None:
    for area in CATALOGUE.places:
        row = DISPATCH.row("fallback", CATALOGUE.places.subdistrict_of(area.code))
        assert row is not None
        assert row.area == CATALOGUE.places.subdistrict_of(area.code)


def test_a_unit_stands_from_its_first_day_to_the_day_before_its_end() -> None:
    unit = replace(CATALOGUE.units["PS-U01"], effective_to=date(2026, 1, 1))
    days = [date(2019, 7, 31), date(2019, 8, 1), date(2025, 12, 31), date(2026, 1, 1)]
    assert [unit.stands(day) for day in days] == [False, True, True, False]
