"""Requests that are refused: how they are answered, and what the audit log says of them.

This is the one place where both happen, so no endpoint has to think of it. Nothing is done here on
the way of a request that is served.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Scope

from underseal_node.clock import Clock
from underseal_node.errors import NodeError
from underseal_node.pact.access import bearer_token
from underseal_node.pact.errors import (
    UnauthenticatedError,
    WireError,
    reason_of,
    refusal,
)
from underseal_node.pact.extensions import ATTESTATIONS_PATH, STATUS_PATH
from underseal_node.pact.footprints import PATH, UUID
from underseal_node.store.audit import Act
from underseal_node.store.audit_buffer import AuditBuffer
from underseal_node.store.served import NotShownError
from underseal_node.trust.tokens import AccessTokens, TokenExpiredError, TokenInvalidError
from underseal_protocol.errors import ProtocolError
from underseal_protocol.seal.sealed_sum import SEALED_SUM_PATH

__all__ = ["Refusals"]

# The endpoints whose `id` is that of a footprint.
OF_FOOTPRINTS = frozenset(
    f"{path}/{{id}}" for path in (PATH, STATUS_PATH, ATTESTATIONS_PATH, SEALED_SUM_PATH)
)
# With these, whoever calls has not shown who it is; a token is not checked a second time.
NOBODY = (UnauthenticatedError, TokenInvalidError, TokenExpiredError)


class Refusals:
    """Answers requests that are refused, and has them counted for the audit log.

    Args:
        audit: counts; the same again within half a second costs no further entry.
        tokens: tells whose token it is.
        clock: what time it is.
        templates: the path template of each endpoint.
    """

    def __init__(
        self,
        audit: AuditBuffer,
        tokens: AccessTokens,
        clock: Clock,
        templates: Mapping[object, str],
    ) -> None:
        self._audit = audit
        self._tokens = tokens
        self._clock = clock
        self._templates = templates

    def __call__(self, scope: Scope, error: NodeError | ProtocolError) -> Response:
        """The answer to a request.

        Args:
            scope: of the request.
            error: why it is refused.
        """
        if not (isinstance(error, WireError) and error.is_recorded):
            self._record(scope, error)
        return refusal(error)

    def _record(self, scope: Scope, error: NodeError | ProtocolError) -> None:
        endpoint = self._templates.get(scope.get("endpoint"), "none")
        if isinstance(error, NotShownError):
            asked = _footprint_asked_for(scope, endpoint)
            self._audit.refused(error.act, error.peer_id, footprint_id=asked)
            return
        client_id = self._client_of(scope, error)
        # A stranger can name whatever it likes: its words would be all that the entry has.
        asked = None if client_id is None else _footprint_asked_for(scope, endpoint)
        self._audit.refused(
            Act.CALL_REFUSED,
            client_id=client_id,
            footprint_id=asked,
            detail=(("endpoint", endpoint), ("reason", reason_of(error))),
        )

    def _client_of(self, scope: Scope, error: NodeError | ProtocolError) -> str | None:
        """Whose token came with a request; None if none did that is good."""
        if isinstance(error, NOBODY):
            return None
        try:
            return self._tokens.verify(bearer_token(scope["headers"]), self._clock()).client_id
        except NodeError:
            return None


def _footprint_asked_for(scope: Scope, endpoint: str) -> str | None:
    """The footprint that a request names, if that is a well-formed id: no other text of a peer."""
    if endpoint not in OF_FOOTPRINTS:
        return None
    asked = str(scope["path_params"]["id"]).lower()
    return asked if UUID.fullmatch(asked) else None
