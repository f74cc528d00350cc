"""The statements of `serving`: each begins with the requester and shows what its grants cover.

A requester is named by its client id, as in an access token, or, when the operator looks at what a
peer sees, by the key of the peer. Both are filled into the same texts, so that what the operator is
shown is what the peer is served.

Reading one footprint does the same work whether it is there and not granted, or not there at all:
in place of one that is not there, the newest is looked at, and not shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from underseal_node.store.attestation_tables import AttestationRole
from underseal_node.store.page_sql import (
    ACTIVE_GRANT,
    DISCLOSING,
    GRANT_CHANGE,
    GRANTED,
    IS_VISIBLE,
    LEVEL_AND_GRANT,
    MAX_BRANCHES,
    SHOWING_ATTESTATIONS,
)
from underseal_node.store.tables import KeyKind
from underseal_protocol.disclosure import Level

__all__ = ["BY_CLIENT", "BY_PEER", "CLIENT", "COUNT", "GRANTS_SUMMARY", "WHO_COLUMNS", "Statements"]

_WHO = (
    "c.peer_id, c.revoked_at, c.expires_at, p.state, p.token_not_before, {key_revoked}, p.name, "
    "p.base_url"
)
WHO_COLUMNS = len(_WHO.split(","))

# When the key was revoked that signed the token: asked with every request, so that no worker goes
# on with what it knew a moment ago. In so small a table that costs less than a microsecond.
_TOKEN_KEY = "(SELECT revoked_at FROM signing_key WHERE kid = :kid)"
_NO_TOKEN = "NULL"
_OF_CLIENT = ("client_credential c JOIN peer p ON p.id = c.peer_id", "c.client_id = :asker")
_OF_PEER = (
    "(SELECT id AS peer_id, NULL AS revoked_at, NULL AS expires_at FROM peer WHERE id = :asker) c "
    "JOIN peer p ON p.id = c.peer_id",
    "p.id = :asker",
)

# The level of the requester's grants for the footprint `f`, and which of them gives it. A grant of
# everything at the highest level needs no further look.
_GRANTED_TO_ASKER = (
    f"coalesce((SELECT {LEVEL_AND_GRANT} FROM access_grant g WHERE g.kind = '{KeyKind.ALL}' "  # noqa: S608
    f"AND g.value = '' AND g.peer_id = c.peer_id AND g.level = {Level.FULL.rank} "
    f"AND {ACTIVE_GRANT} AND f.seq IS NOT NULL), {GRANTED.replace(':peer', 'c.peer_id')})"
)
_THAT_OR_NEWEST = (
    "LEFT JOIN footprint f ON f.seq = coalesce((SELECT seq FROM footprint WHERE id = :id), "
    "(SELECT seq FROM footprint ORDER BY seq DESC LIMIT 1))"
)
_ONE = (
    f"SELECT {_WHO}, f.{{column}}, f.status, {_GRANTED_TO_ASKER}, f.id FROM {{source}} "  # noqa: S608
    f"{_THAT_OR_NEWEST} WHERE {{which}}"
)
# One row for each attestation beside a footprint, or one row without any; without the level that
# shows them, too, so that their number is not read off the time.
_ATTESTATIONS = (
    f"SELECT {_WHO}, a.token, f.status, {_GRANTED_TO_ASKER}, f.id FROM {{source}} "  # noqa: S608
    f"{_THAT_OR_NEWEST} "
    f"LEFT JOIN attestation a ON a.footprint_id = CASE WHEN {_GRANTED_TO_ASKER} >= "
    f"{SHOWING_ATTESTATIONS * 2**32} AND f.id = :id THEN f.id END "
    f"AND a.role = '{AttestationRole.ATTACHED}' "
    "WHERE {which} ORDER BY a.created_at, a.digest"
)
# Whether the requester may see the sealed sum of the footprint `:id`, and there is one.
_SEALED_GRANTS = (
    f"FROM access_grant g WHERE g.kind = '{KeyKind.SEALED}' AND g.value = :id "
    f"AND g.peer_id = c.peer_id AND {ACTIVE_GRANT}"
)
_SEALED_FOR_ASKER = f"EXISTS (SELECT 1 {_SEALED_GRANTS})"
_HAS_SEAL = f"{_SEALED_FOR_ASKER} AND EXISTS (SELECT 1 FROM seal WHERE footprint_id = :id)"  # noqa: S608
_FOOTPRINT = _ONE.replace(", f.id FROM", f", f.id, {_HAS_SEAL} FROM")
_SEALED_SUM = (
    f"SELECT {_WHO}, s.document, f.status, "  # noqa: S608 - constants
    f"CASE WHEN {_GRANTED_TO_ASKER} IS NOT NULL THEN (SELECT min(g.id) {_SEALED_GRANTS}) END, "
    "f.id, s.binding FROM {source} "
    f"{_THAT_OR_NEWEST} LEFT JOIN seal s ON s.footprint_id = CASE WHEN {_SEALED_FOR_ASKER} "
    "THEN f.id END AND f.id = :id WHERE {which}"
)
# One row for each sealed sum that the requester may see with its footprint, or one without any.
_SEALED_SUMS = (
    f"SELECT {_WHO}, g.id, s.footprint_id, s.digest FROM {{source}} "  # noqa: S608 - constants
    "LEFT JOIN (access_grant g JOIN seal s ON s.footprint_id = g.value "
    "JOIN footprint f ON f.id = s.footprint_id) "
    f"ON g.peer_id = c.peer_id AND g.kind = '{KeyKind.SEALED}' AND {ACTIVE_GRANT} "
    f"AND g.id > :after AND {IS_VISIBLE.replace(':peer', 'c.peer_id')} "
    "WHERE {which} ORDER BY g.id LIMIT :count"
)
# One row for each grant, or one row without any.
_REACH = (
    f"SELECT {_WHO}, (SELECT last FROM change_counter), g.kind, g.value, g.level, {GRANT_CHANGE}, "  # noqa: S608
    f"g.id FROM {{source}} LEFT JOIN access_grant g ON g.peer_id = c.peer_id AND {ACTIVE_GRANT} "
    f"AND {DISCLOSING} WHERE {{which}} LIMIT {MAX_BRANCHES + 1}"
)
_GRANTS = (
    f"SELECT {_WHO}, g.id, g.kind, CASE g.shown_value WHEN '' THEN g.value "  # noqa: S608
    "ELSE g.shown_value END, g.level, g.starts, g.ends, g.terms, g.purpose "
    f"FROM {{source}} LEFT JOIN access_grant g ON g.peer_id = c.peer_id AND {ACTIVE_GRANT} "
    f"AND {DISCLOSING} AND g.id > :after WHERE {{which}} ORDER BY g.id LIMIT :count"
)
_STANDING = f"SELECT {_WHO}, (SELECT last FROM change_counter) FROM {{source}} WHERE {{which}}"  # noqa: S608
_REQUESTER = f"SELECT {_WHO} FROM {{source}} WHERE {{which}}"  # noqa: S608 - constants

CLIENT = (
    f"SELECT {_WHO.format(key_revoked=_NO_TOKEN)}, c.secret_hash, c.method, p.awaits, "  # noqa: S608
    "p.state_reason, p.key_set, p.ended_by_peer_at IS NOT NULL "
    f"FROM {_OF_CLIENT[0]} WHERE {_OF_CLIENT[1]}"
)
GRANTS_SUMMARY = (
    f"SELECT max(CASE WHEN g.kind = '{KeyKind.ALL}' THEN g.level END), "  # noqa: S608 - constants
    f"max(CASE WHEN g.kind = '{KeyKind.ALL}' THEN {GRANT_CHANGE} END), max(g.level), min(g.level) "
    f"FROM access_grant g WHERE g.peer_id = :peer AND {ACTIVE_GRANT} AND {DISCLOSING}"
)
# For the operator only: it reads every key that a grant of the peer covers.
COUNT = (
    "SELECT level, count(*) FROM (SELECT k.seq, max(g.level) AS level "  # noqa: S608 - constants
    "FROM access_grant g CROSS JOIN footprint_key k "
    f"WHERE g.peer_id = :peer AND {ACTIVE_GRANT} AND k.kind = g.kind AND k.value = g.value "
    "GROUP BY k.seq) AS seen GROUP BY level"
)


@dataclass(frozen=True, slots=True)
class Statements:
    """What is asked about one requester; all take `:asker`, all but the first two also `:now`, and
    those by client the key `:kid` of its token.

    Attributes:
        requester: who it is.
        standing: the same and the change counter.
        footprint: the packed bytes of the footprint `:id`, its status, rank and grant in one
            number (`page_sql.LEVEL_AND_GRANT`), its id, and whether there is a sealed sum that the
            requester may see.
        status_statement: the same with the signed statement of its status.
        attestations: the same with what verifiers attest beside it, a row for each.
        sealed_sum: the sealed document, if the requester may see that and the footprint; its
            status, the grant of the sealed sum, its id, and what its publisher stands by it with.
        sealed_sums: grant, footprint and digest of each sealed sum that the requester may see,
            those whose grant has an id after `:after`.
        reach: the change counter, and kind, value, rank, change and id of each grant.
        grants: its grants in force as it may know them, those with an id after `:after`.
    """

    requester: str
    standing: str
    footprint: str
    status_statement: str
    attestations: str
    sealed_sum: str
    sealed_sums: str
    reach: str
    grants: str


def _statements(source: str, which: str, key_revoked: str) -> Statements:
    def of(text: str, column: str = "") -> str:
        return text.format(source=source, which=which, column=column, key_revoked=key_revoked)

    return Statements(
        requester=of(_REQUESTER),
        standing=of(_STANDING),
        footprint=of(_FOOTPRINT, "segments"),
        status_statement=of(_ONE, "status_statement"),
        attestations=of(_ATTESTATIONS),
        sealed_sum=of(_SEALED_SUM),
        sealed_sums=of(_SEALED_SUMS),
        reach=of(_REACH),
        grants=of(_GRANTS),
    )


BY_CLIENT = _statements(*_OF_CLIENT, _TOKEN_KEY)
BY_PEER = _statements(*_OF_PEER, _NO_TOKEN)
