"""JSON that two readers could understand differently is refused."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import json_values, texts

from underseal_protocol.errors import JsonError
from underseal_protocol.strict_json import JsonLimits, array_items, array_values, dumps, loads


@given(json_values())
def test_what_is_written_is_read(value: Any) -> None:
    data = dumps(value)
    assert json.loads(data) == value
    for read in (loads(data), loads(data.decode()), loads(data, exact_numbers=True)):
        assert json.dumps(read) == json.dumps(value)
    assert loads(json.dumps(value, indent=2)) == value


@given(st.text() | st.binary())
def test_any_input_is_read_or_refused(data: Any) -> None:
    try:
        value = loads(data)
    except JsonError:
        return
    assert loads(dumps(value)) == value


REFUSED = [
    # two values for one name
    (b'{"a":1,"a":1}', 'the name "a" occurs twice'),
    (b'{"b":1,"a":1,"c":1,"a":1}', 'the name "a" occurs twice'),
    (b'[{"b":{"a":1,"\\u0061":2}}]', 'the name "a" occurs twice'),
    (b'{"' + b"x" * 500 + b'":1,"' + b"x" * 500 + b'":2}', "occurs twice"),
    # what is no character
    (b'"\\ud800"', "lone surrogate"),
    (b'{"\\udc00":1}', "lone surrogate"),
    (b'"\\ude00\\ud83d"', "lone surrogate"),
    (b'"\xed\xa0\x80"', "not UTF-8"),
    (b"\xff", "byte 0 is not UTF-8"),
    (b'"\xc3"', "byte 1 is not UTF-8"),
    # what is no number
    (b"NaN", "NaN is not a number"),
    (b"[Infinity]", "Infinity is not a number"),
    (b"[-Infinity]", "-Infinity is not a number"),
    (b"1e400", "the number 1e400 is too large"),
    (b"-1e400", "too large"),
    (b"1" * 5000, "too many digits"),
    # what is no JSON
    (b"", "not JSON"),
    (b"{", "not JSON"),
    (b"[1,]", "not JSON"),
    (b"{'a':1}", "not JSON"),
    (b"[1] [2]", "line 1, column 5"),
    (b'"\n"', "not JSON"),
    (b"01", "not JSON"),
    (b"// x\n1", "not JSON"),
]


@pytest.mark.parametrize(("data", "message"), REFUSED)
def test_refusals(data: bytes, message: str) -> None:
    with pytest.raises(JsonError, match=message) as caught:
        loads(data)
    assert len(caught.value.message) < 150


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\xef\xbb\xbf[1]", [1]),
        (b'"\\ud83d\\ude00"', "😀"),
        ('"😀"'.encode(), "😀"),
        (b'"\\\\ud800"', "\\ud800"),
        (b'{"a":{"a":{"a":1}}}', {"a": {"a": {"a": 1}}}),
        (b" [ 1.5 , null , true ] ", [1.5, None, True]),
        (b'"\\u0000"', "\0"),
    ],
)
def test_readings(data: bytes, value: Any) -> None:
    assert loads(data) == value


def test_a_lone_surrogate_in_a_text_of_python() -> None:
    with pytest.raises(JsonError, match="lone surrogate"):
        loads('"\ud800"')


@pytest.mark.parametrize(
    "text",
    ["0.1", "1.50", "-0.0", "1e3", "9007199254740991", "-9007199254740991", "1e-320", "5e-324"],
)
def test_numbers_that_are_exact(text: str) -> None:
    value = loads(text, exact_numbers=True)
    assert Decimal(repr(value)) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    ["9007199254740992", "-9007199254740992", "0.1000000000000000055", "1e23000", "1e-400",
     "123456789012345678901234567890", "0.30000000000000004441", "1e-99999999999999999999"],
)  # fmt: skip
def test_numbers_that_are_not(text: str) -> None:
    with pytest.raises(JsonError, match=r"exact|too large"):
        loads(f'{{"a":[{text}]}}', exact_numbers=True)


def test_numbers_that_are_not_exact_can_be_read_all_the_same() -> None:
    assert loads("123456789012345678901234567890") == 123456789012345678901234567890
    assert math.isclose(loads("0.1000000000000000055"), 0.1)


# --- limits -----------------------------------------------------------------------------------


def test_size() -> None:
    data = '"ää"'.encode()
    assert loads(data, limits=JsonLimits(max_bytes=6)) == "ää"
    for text in (data, data.decode()):
        with pytest.raises(JsonError, match="has 6 bytes, expected at most 5"):
            loads(text, limits=JsonLimits(max_bytes=5))


@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}"), ('[1,{"b":2,"a":', "}]")])
def test_depth(start: str, end: str) -> None:
    per_step = start.count("[") + start.count("{")

    def nested(steps: int) -> str:
        return start * steps + "[]" + end * steps

    limit = 10 * per_step + 1
    assert loads(nested(10), limits=JsonLimits(max_depth=limit)) is not None
    with pytest.raises(JsonError, match=f"nested more than {limit - 1} levels deep"):
        loads(nested(10), limits=JsonLimits(max_depth=limit - 1))


def test_depth_without_a_limit_of_ones_own() -> None:
    assert loads("[" * 64 + "]" * 64) is not None
    with pytest.raises(JsonError, match="nested more than 64 levels deep"):
        loads("[" * 65 + "]" * 65)


def test_brackets_in_texts_and_side_by_side_are_not_depth() -> None:
    limits = JsonLimits(max_depth=2)
    assert loads('["[[[[[["]', limits=limits) == ["[[[[[["]
    assert loads("[[],[],[],[]]", limits=limits) == [[], [], [], []]
    assert loads('"[[[["', limits=limits) == "[[[["


def test_depth_beyond_what_python_can_follow() -> None:
    for data in (b"[" * 1_000_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 500_000):
        with pytest.raises(JsonError):
            loads(data)
    with pytest.raises(JsonError):
        array_items(b'{"data":' + b"[" * 1_000_000)


# --- writing ------------------------------------------------------------------------------------


def test_writing_is_short_and_keeps_the_order() -> None:
    assert dumps({"b": [1, 2.5, None], "a": "ä\n"}) == '{"b":[1,2.5,null],"a":"ä\\n"}'.encode()


def circle() -> list[Any]:
    items: list[Any] = []
    items.append(items)
    return items


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, Decimal("1.5"), "\ud800", {"\udc00": 1}, {1, 2}, b"x", object(), circle()],
)
def test_what_cannot_be_written(value: Any) -> None:
    with pytest.raises(JsonError):
        dumps([value])


# --- items as bytes -------------------------------------------------------------------------------


@given(
    st.lists(json_values(), max_size=4),
    st.dictionaries(texts(4).filter(lambda name: name != "data"), json_values(), max_size=2),
    st.sampled_from([None, 1, "\t"]),
    st.booleans(),
)
def test_items_are_the_bytes_that_were_received(
    items: list[Any], others: dict[str, Any], indent: Any, is_first: bool
) -> None:
    members = {"data": items, **others} if is_first else {**others, "data": items}
    data = json.dumps(members, indent=indent, ensure_ascii=False).encode()
    found = array_items(data)
    assert [json.loads(one) for one in found] == items
    assert all(one in data and one == one.strip() for one in found)


def test_nothing_of_an_item_changes() -> None:
    data = b' {"next":{"data":[0]}, "data" : [ {"b" : 1.50,"a":"\\u00e4"} ,\n[ ]\t, "x" ] } '
    assert array_items(data) == [b'{"b" : 1.50,"a":"\\u00e4"}', b"[ ]", b'"x"']
    assert array_items(b'{"pfs":[1]}', "pfs") == [b"1"]
    assert array_items(b"\xef\xbb\xbf" + b'{"data":[]}') == []


def test_a_bad_item_does_not_take_the_others_with_it() -> None:
    good, bad = array_items(b'{"data":[{"a":1},"\\ud800"]}')
    assert loads(good) == {"a": 1}
    with pytest.raises(JsonError, match="lone surrogate"):
        loads(bad)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[]", "a JSON object was expected"),
        (b"", "not JSON"),
        (b"{}", 'has no member "data"'),
        (b'{"datum":[]}', 'has no member "data"'),
        (b'{"data":{}}', 'the member "data" is not an array'),
        (b'{"data":null}', 'the member "data" is not an array'),
        (b'{"data":[1],"data":[2]}', 'the name "data" occurs twice'),
        (b'{"x":1,"x":2,"data":[]}', 'the name "x" occurs twice'),
        (b'{"data":[1,]}', "nothing follows a comma"),
        (b'{"data":[1 2]}', "a comma was expected"),
        (b'{"data":[1],}', "nothing follows a comma"),
        (b'{"data":[1]', "not JSON"),
        (b'{"data":[1', "not JSON"),
        (b'{"data":[1]}x', "something follows the object"),
        (b'{"data" [1]}', "a name and a colon were expected"),
        (b'{1:2,"data":[1]}', "a name and a colon were expected"),
        (b'{"data":["\xff"]}', "not UTF-8"),
    ],
)
def test_items_that_are_not_given(data: bytes, message: str) -> None:
    with pytest.raises(JsonError, match=message):
        array_items(data)


@pytest.mark.parametrize("item", [b'{"a":1,"a":2}', b"NaN", b"1e999", b"[" * 100 + b"]" * 100])
def test_a_bad_item_is_given_for_its_reader_to_refuse(item: bytes) -> None:
    assert array_items(b'{"data":[1,' + item + b"]}") == [b"1", item]
    with pytest.raises(JsonError):
        loads(item)


@pytest.mark.parametrize(
    ("data", "is_nul"),
    [
        (rb'"\u0000"', True),
        (rb'{"a\\\u0000": 1}', True),
        (rb'"\\u0000"', False),
        (rb'"u0000 \u00000 "', True),
        (rb'"\u0001"', False),
    ],
)
def test_nul_can_be_refused(data: bytes, is_nul: bool) -> None:
    loads(data)
    limits = JsonLimits(allow_nul=False)
    if not is_nul:
        loads(data, limits=limits)
        return
    with pytest.raises(JsonError, match=r"U\+0000"):
        loads(data, limits=limits)


@given(st.lists(json_values(), max_size=5))
def test_a_list_is_read_item_by_item(values: list[Any]) -> None:
    data = json.dumps(values, indent=1).encode()
    assert json.dumps(list(array_values(data))) == json.dumps(loads(data))


@given(st.text() | st.binary())
def test_item_by_item_no_more_is_accepted(data: Any) -> None:
    try:
        values = list(array_values(data))
    except JsonError:
        return
    assert loads(data) == values


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[1,", "line 1, column 4"),
        (b"[1 2]", "comma was expected"),
        (b"[1]]", "something follows"),
        (b'[{"a":1,"a":2}]', "occurs twice"),
        (b"[[[[1]]]]", "more than 3 levels"),
        (b'["\\ud800"]', "lone surrogate"),
        (b"[0.1, 0.1000000000000000055511151231257827]", "not exact"),
        (b'{"a":[]}', "array was expected"),
        (b"", "not JSON"),
    ],
)
def test_item_by_item_the_same_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(JsonError, match=said):
        list(array_values(data, limits=JsonLimits(max_depth=3), exact_numbers=True))
