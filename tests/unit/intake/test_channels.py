"""Old channels lead to the main ones, the original is kept, and a contradictory catalogue does not load."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.channels import ChannelRegistry, ChannelsInvalid, UnknownChannel

TODAY = date(2026, 3, 2)
HEAD = "code,version,name,kind,state,merged_into,aliases,valid_from,valid_to\n"
MAIN = "hotline,1,热线,phone,kept,,12345,2010-01-01,\n"
REGISTRY = ChannelRegistry.shipped()


@pytest.mark.parametrize(
    ("name", "original", "main"),
    [
        ("hotline_12345", "hotline_12345", "hotline_12345"),
        ("12345", "hotline_12345", "hotline_12345"),
        ("@坪山", "wechat_pingshan", "wechat_pingshan"),
        ("领导信箱", "leader_mailbox", "leader_mailbox"),
        ("12319", "hotline_12319", "hotline_12345"),
        (" 12319 城管热线 ", "hotline_12319", "hotline_12345"),
        ("１２３６９", "hotline_12369", "hotline_12345"),
        ("美丽深圳", "beautiful_shenzhen", "wechat_pingshan"),
        ("政府信箱", "government_mailbox", "leader_mailbox"),
        ("固话投诉", "landline", "hotline_12345"),
        ("MAYOR_MAILBOX", "mayor_mailbox", "leader_mailbox"),
    ],
)
def test_a_channel_is_found_by_code_name_and_alias(name, original, main):
    found = REGISTRY.resolve(name, TODAY)
    assert (found.original.code, found.main.code) == (original, main)


def test_the_shipped_register_has_three_main_channels_and_all_others_lead_to_them():
    assert [each.code for each in REGISTRY.mains(TODAY)] == ["hotline_12345", "wechat_pingshan", "leader_mailbox"]
    everything = REGISTRY.all(TODAY)
    assert len(everything) >= 33
    assert {REGISTRY.resolve(each.code, TODAY).main.state for each in everything} == {"kept"}
    assert {each.state for each in everything} == {"kept", "merged", "moved", "closed"}


@given(st.sampled_from(REGISTRY.all(TODAY)), st.data())
def test_every_alias_of_the_register_finds_its_channel(channel, data):
    alias = data.draw(st.sampled_from([channel.code, channel.name, *channel.aliases]))
    assert REGISTRY.resolve(f" {alias.upper()} ", TODAY).original == channel


@pytest.mark.parametrize("name", ["", "110", "hotline", "\0", "x" * 10_000], ids=lambda each: each[:20])
def test_an_unknown_channel_is_refused_with_a_pointer_and_the_main_ones(name):
    with pytest.raises(UnknownChannel) as refused:
        REGISTRY.resolve(name, TODAY, pointer="/source")
    [field] = refused.value.fields
    assert field.pointer == "/source"
    assert "hotline_12345, wechat_pingshan, leader_mailbox" in field.detail


def test_a_channel_changes_its_state_on_its_day():
    registry = ChannelRegistry.read(
        HEAD
        + MAIN
        + "old,1,旧热线,phone,kept,,12319,2010-01-01,2018-01-01\n"
        + "old,2,旧热线,phone,merged,hotline,12319|城管热线,2018-01-01,\n"
    )
    before, after = (registry.resolve("12319", day) for day in (date(2017, 12, 31), date(2018, 1, 1)))
    assert (before.main.code, before.original.version) == ("old", 1)
    assert (after.main.code, after.original.code, after.original.version) == ("hotline", "old", 2)
    with pytest.raises(UnknownChannel):
        registry.resolve("城管热线", date(2017, 12, 31))
    with pytest.raises(UnknownChannel):
        registry.resolve("12319", date(2009, 12, 31))


def test_a_channel_merged_into_a_merged_one_ends_at_the_main_one():
    registry = ChannelRegistry.read(
        HEAD + MAIN + "b1,1,乙,phone,merged,hotline,,2010-01-01,\nc1,1,丙,web,moved,b1,,2010-01-01,\n"
    )
    found = registry.resolve("丙", TODAY)
    assert (found.main.code, found.original.code) == ("hotline", "c1")


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ("", "no channel is kept"),
        ("Hot Line,1,热线,phone,kept,,,2010-01-01,\n", "line 2: code 'Hot Line' must be snake_case"),
        (MAIN + "b1,1,乙,pigeon,merged,hotline,,2010-01-01,\n", "line 3: kind 'pigeon' is none of"),
        (MAIN + "b1,1,乙,phone,asleep,hotline,,2010-01-01,\n", "state 'asleep' is none of"),
        (MAIN + "b1,1,乙,phone,merged,,,2010-01-01,\n", "must say where its users go"),
        (MAIN + "b1,1,乙,phone,kept,hotline,,2010-01-01,\n", "leads nowhere else"),
        (MAIN + "b1,1, ,phone,merged,hotline,,2010-01-01,\n", "name is empty"),
        (MAIN + "b1,1,乙,phone,merged,hotline,,1 January,\n", "line 3"),
        (MAIN + "b1,one,乙,phone,merged,hotline,,2010-01-01,\n", "line 3"),
        (MAIN + "b1,1,乙,phone,merged,hotline,,2010-01-01,2009-01-01\n", "valid_to must come after"),
        (MAIN + "b1,1,乙,phone\n", "too few or too many"),
        (MAIN + "b1,1,乙,phone,merged,hotline,,2010-01-01,,,\n", "too few or too many"),
        (MAIN + MAIN.replace("热线", "线").replace("12345", "1"), "version 1 more than once"),
        (MAIN + "b1,1,乙,phone,merged,hotline,１２３４５,2010-01-01,\n", "'12345' means both hotline v1 and b1 v1"),
        (MAIN + "b1,1,乙,phone,merged,nowhere,,2010-01-01,\n", "b1 v1 leads to no kept channel on 2010-01-01"),
        (
            MAIN + "b1,1,乙,phone,merged,c1,,2010-01-01,\nc1,1,丙,phone,merged,b1,,2010-01-01,\n",
            "c1 v1 leads to no kept channel",
        ),
        (
            MAIN.replace("01,\n", "01,2020-01-01\n") + "b1,1,乙,phone,merged,hotline,,2010-01-01,\n",
            "no kept channel on 2020-01-01",
        ),
    ],
)
def test_a_contradictory_register_does_not_load(rows, complaint):
    with pytest.raises(ChannelsInvalid) as refused:
        ChannelRegistry.read(HEAD + rows)
    assert any(complaint in fault for fault in refused.value.faults)


def test_a_register_with_other_columns_does_not_load():
    with pytest.raises(ChannelsInvalid, match="columns"):
        ChannelRegistry.read("code,name\nhotline,热线\n")


def test_a_register_saved_by_a_spreadsheet_loads():
    assert ChannelRegistry.read("\ufeff" + (HEAD + MAIN).replace("\n", "\r\n")).resolve("热线", TODAY)
