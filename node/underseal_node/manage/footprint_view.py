"""Own footprints as the operator's tools see them."""

from __future__ import annotations

from underseal_node.exchange.verification import STORED_LIMITS
from underseal_node.manage.shapes.footprints import FootprintShape, SignatureShape
from underseal_node.store.footprints import OwnFootprint
from underseal_protocol.credential import reopen
from underseal_protocol.strict_json import loads

__all__ = ["footprint_shape", "signature_shape"]


def signature_shape(body: bytes, digest: str) -> SignatureShape:
    """Who has signed a footprint.

    Args:
        body: the footprint as JSON, which holds what was signed.
        digest: of its credential, which was verified before.
    """
    proven = reopen(loads(body, limits=STORED_LIMITS), digest=digest)
    return SignatureShape(
        issuer=proven.issuer,
        kid=proven.kid,
        issued_at=proven.issued_at,
        digest=proven.digest,
        is_committed=proven.commitment is not None,
    )


def footprint_shape(own: OwnFootprint) -> FootprintShape:
    """An own footprint in a list."""
    summary = own.summary
    return FootprintShape(
        id=own.id,
        status=own.status,
        product_name_company=summary["productNameCompany"],
        product_ids=summary["productIds"],
        pcf_excluding_biogenic_uptake=summary["pcfExcludingBiogenicUptake"],
        declared_unit_amount=summary["declaredUnitAmount"],
        declared_unit_of_measurement=summary["declaredUnitOfMeasurement"],
        created=summary["created"],
        published_at=own.published_at,
        valid_from=own.valid_from,
        valid_until=own.valid_until,
        preceding_pf_ids=summary.get("precedingPfIds"),
    )
