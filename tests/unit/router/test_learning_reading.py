"""Reading a message for the model: one normal form, and keys that depend on the piece and its block alone."""

import rjieba

from services.router.learning.reading import BLOCK_BITS, bag, normal_form, read
from services.router.learning.recipe import Block, Recipe


def recipe(*blocks: tuple[str, int], body_chars: int = 200) -> Recipe:
    return Recipe(
        blocks=tuple(Block.model_validate({"field": field, "size": size, "weight": 1.0}) for field, size in blocks),
        head_chars=4,
        body_chars=body_chars,
    )


def test_width_case_blanks_numbers_links_and_masked_places_make_no_difference() -> None:
    plain = normal_form("某市某区12号的WiFi坏了", 100)
    assert normal_form("Ａ市 A3区\n 345号的ｗｉｆｉ坏了 https://example.org/x?y=1", 100) == plain
    assert normal_form("电话***********", 100) == "电话*"


def test_no_more_than_asked_for_is_read() -> None:
    assert len(normal_form("路灯不亮" * 1000, 50)) == 50


def test_a_piece_has_one_key_wherever_it_stands_and_another_in_another_block() -> None:
    one = recipe(("body", 2), ("head", 2))
    here, there = read("", "路灯坏了", one), read("", "门口的那盏路灯", one)
    assert here.keys[0] in there.keys
    assert len(set(here.keys.tolist())) == 6


def test_every_piece_is_counted() -> None:
    found = bag(read("", "哈哈哈哈", recipe(("body", 1), ("body", 2))))
    assert dict(zip((found.keys & 15).tolist(), found.counts.tolist(), strict=True)) == {0: 4, 1: 3}
    assert BLOCK_BITS == 4


def test_words_are_those_rjieba_cuts() -> None:
    text = "孩子申请公办学校学位"
    spans = read("", text, recipe(("body", 0)))
    cut = [spans.text[start:end] for start, end in zip(spans.starts, spans.ends, strict=True)]
    assert cut == list(rjieba.cut(text))


def test_the_head_is_the_title_or_how_the_text_begins() -> None:
    heads = recipe(("head", 2))
    assert read("", "路灯不亮三天了", heads).ends.max() == 4
    titled = read("路灯", "门口不亮三天了", heads)
    assert titled.text.startswith("路灯。")
    assert titled.ends.max() == 2


def test_pieces_of_the_longest_letter_keep_their_keys() -> None:
    long = recipe(("body", 2), body_chars=20_000)
    letter = read("", "天地" * 9_999 + "路灯", long)
    assert read("", "路灯", long).keys[0] == letter.keys[-1]
