"""Checking an exported log: whose it is, and what the check leaves open."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.protocol.exported_log import ExportedLog

from underseal_protocol.audit_check import ProblemKind
from underseal_protocol.audit_export import check_export, log_line
from underseal_protocol.audit_result import Checked, KeysFrom
from underseal_protocol.keys import PublicKeySet

SINCE = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def log() -> ExportedLog:
    return ExportedLog().grow(3).grow(2)


def kinds(checked: Checked) -> list[ProblemKind]:
    return [one.kind for one in checked.problems]


def test_a_whole_log_is_sound_and_says_what_is_open(log: ExportedLog) -> None:
    checked = check_export(log.lines(), keys=log.keys, expected_url=log.url)
    assert (checked.size, checked.heads, checked.problems) == (5, 2, [])
    assert (checked.url, checked.keys_from) == (log.url, KeysFrom.GIVEN)
    anew, cut = checked.not_proved
    assert "made anew with the keys of the node: nothing that others hold was compared" in anew
    assert "did not go on after entry 5" in cut


def test_the_reach_of_what_others_hold_is_said(log: ExportedLog) -> None:
    held = log.held()
    log.grow(2)
    lines = log.lines()
    # The acknowledgement itself is in no entry of this log.
    checked = check_export(lines, keys=log.keys, witness_lines=[held])
    assert (checked.witnessed, kinds(checked)) == (5, [ProblemKind.DELETED])
    assert "what others hold reaches to entry 5" in checked.not_proved[0]
    checked = check_export(lines, keys=log.keys, witness_lines=[held, log.held()])
    assert (checked.witnessed, len(checked.not_proved)) == (7, 1)


def test_without_heads_it_is_not_sound(log: ExportedLog) -> None:
    lines = log.lines()
    first, entries = lines[0], log.entries
    for cut in ([first, *entries], [first, *entries[:2]], [first]):
        checked = check_export(cut, keys=log.keys)
        assert kinds(checked) == [ProblemKind.UNSIGNED]
        assert kinds(check_export(cut)) == [ProblemKind.UNSIGNED]
    assert kinds(check_export([first, log.heads[0], *entries], keys=log.keys)) == [
        ProblemKind.UNSIGNED
    ]


def test_cut_back_to_a_head_it_is_sound_without_an_earlier_statement(log: ExportedLog) -> None:
    cut = [log.lines()[0], log.heads[0], *log.entries[:3]]
    assert check_export(cut, keys=log.keys).problems == []
    checked = check_export(cut, keys=log.keys, witness_lines=[log.held()])
    assert ProblemKind.TRUNCATED in kinds(checked)


def test_keys_of_the_file_are_said_to_prove_nothing(log: ExportedLog) -> None:
    checked = check_export(log.lines())
    assert (checked.keys_from, checked.problems) == (KeysFrom.LOG, [])
    assert checked.not_proved[0].startswith("whose log this is: no keys were given")


def test_no_keys_are_not_the_keys_of_the_file(log: ExportedLog) -> None:
    checked = check_export(log.lines(), keys=PublicKeySet([]))
    assert set(kinds(checked)) == {ProblemKind.UNKNOWN_SIGNATURE, ProblemKind.UNSIGNED}
    assert (checked.heads, checked.keys_from) == (0, KeysFrom.GIVEN)


def test_another_log_has_none_of_the_statements(log: ExportedLog) -> None:
    other = ExportedLog("https://buyer.example").grow(4)
    checked = check_export(other.lines(), witness_lines=[log.held(), log.held()])
    assert (checked.witnesses, checked.foreign, kinds(checked)) == (0, 2, [ProblemKind.OTHER_LOG])
    assert "nothing of what others hold is about this log" in checked.problems[0].message
    assert "'https://seller.example'" in checked.problems[0].message
    both = [log.held(), other.held()]
    assert ProblemKind.OTHER_LOG not in kinds(check_export(other.lines(), witness_lines=both))


def test_another_log_is_not_the_expected_one(log: ExportedLog) -> None:
    other = ExportedLog("https://buyer.example").grow(4)
    checked = check_export(other.lines(), expected_url=log.url)
    assert kinds(checked) == [ProblemKind.OTHER_LOG]
    # The first line is signed by nobody.
    renamed = [log_line(log.url, other.keys), *other.lines()[1:]]
    checked = check_export(renamed, expected_url=log.url, witness_lines=[log.held()])
    assert kinds(checked) == [ProblemKind.OTHER_LOG, ProblemKind.UNKNOWN_SIGNATURE]
    assert "but by 'https://buyer.example'" in checked.problems[0].message
    assert checked.url == other.url


def test_after_a_move_either_address_is_the_expected_one(log: ExportedLog) -> None:
    held = log.held()
    log.url = "https://moved.example"
    log.grow(1)
    for url in ("https://seller.example", log.url):
        checked = check_export(log.lines(), keys=log.keys, expected_url=url)
        assert (checked.problems, checked.url) == ([], log.url)
    others = PublicKeySet([ExportedLog().key.public_key()])
    checked = check_export(
        log.lines(), keys=others, witness_lines=[held], urls=["https://seller.example"]
    )
    assert checked.foreign == 0


def test_a_revoked_key_is_a_limit_and_no_problem(log: ExportedLog) -> None:
    held, kid = log.held(), log.key.kid
    log.rotate()
    log.grow(1)
    checked = check_export(log.lines(), keys=log.keys, revoked={kid: SINCE, "other": SINCE})
    assert checked.problems == []
    said = f"whoever had the key {kid}, which is revoked since 2026-02-01T00:00:00Z: 2 of the heads"
    assert [said in one for one in checked.not_proved] == [True, False, False]
    checked = check_export(log.lines(), keys=log.keys, revoked={kid: SINCE}, witness_lines=[held])
    assert "3 of the heads and statements" in checked.not_proved[0]
