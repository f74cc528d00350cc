"""The JSON Schemas of what `--json` prints and the management API answers: docs/reference/schemas.

Most are the shapes of the management API (node/underseal_node/manage/shapes). What a command
makes without a node is described here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from underseal_node.manage.shapes import (
    attestations,
    attested,
    audit,
    energy,
    exchange,
    footprints,
    keys,
    node,
    openings,
    peers,
    products,
    refusals,
    releases,
    rosters,
    sealed,
    seals,
    suppliers,
)
from underseal_node.manage.shapes.base import Listing, Part

DIALECT = "https://json-schema.org/draft/2020-12/schema"

SHAPES: dict[str, type[BaseModel]] = {
    "node": node.NodeShape,
    "alert-list": Part[node.AlertShape],
    "check-list": Listing[node.CheckShape],
    "import": footprints.ImportShape,
    "footprint-list": Part[footprints.FootprintShape],
    "footprint": footprints.FootprintDetail,
    "footprint-change": footprints.ChangedShape,
    "draft-made": attestations.DraftedShape,
    "product-drafted": attestations.ProductDraftedShape,
    "draft-list": Listing[attestations.DraftShape],
    "draft-published": attestations.DraftPublishedShape,
    "attestation-made": attestations.AttestationMadeShape,
    "attestation-attached": attestations.AttachedShape,
    "footprint-reissue": footprints.ReissuedShape,
    "energy-import": energy.EnergyImportShape,
    "energy": energy.EnergyShape,
    "received-list": Part[footprints.ReceivedShape],
    "received": footprints.ReceivedDetail,
    "received-uses": suppliers.UsesShape,
    "spend-import": suppliers.SpendImportShape,
    "spend-list": Listing[suppliers.SpendPeriodShape],
    "spend-removed": suppliers.SpendRemovedShape,
    "supplier-list": suppliers.SuppliersShape,
    "supplier": suppliers.SupplierDetail,
    "attestation-list": Listing[attested.JudgedShape],
    "peer-list": Listing[peers.PeerShape],
    "peer": peers.PeerShape,
    "peer-detail": peers.PeerDetailShape,
    "peer-approved": peers.ApprovedShape,
    "peer-added": peers.PeerAddedShape,
    "peer-credentials": peers.CredentialsShape,
    "peer-removed": peers.RemovedShape,
    "peer-rotated": peers.RotatedShape,
    "invitation-accepted": peers.AcceptedShape,
    "grant-list": Listing[peers.GrantShape],
    "grant-effects": Listing[peers.EffectShape],
    "grant-preview": footprints.PreviewShape,
    "items-imported": products.ItemsImportedShape,
    "product-list": Listing[products.ProductShape],
    "product": products.ProductDetail,
    "product-history": products.ProductHistoryShape,
    "factor-list": Listing[products.FactorShape],
    "match-list": products.LinesShape,
    "calculation": products.CalculationShape,
    "what-if": products.WhatIfShape,
    "product-published": products.ProductPublishedShape,
    "refresh": Listing[products.RefreshShape],
    "status": products.StatusShape,
    "peer-declaration": releases.DeclarationShape,
    "release-list": Listing[releases.ReleaseShape],
    "pull": exchange.PullShape,
    "endorsement-list": Listing[seals.QuestionShape],
    "endorsement": seals.QuestionShape,
    "seal": seals.PreparedSealShape,
    "rosters": rosters.RostersShape,
    "roster": rosters.EpochShape,
    "roster-admitted": rosters.AdmittedShape,
    "roster-removed": rosters.RemovedMemberShape,
    "roster-membership": rosters.MembershipShape,
    "roster-trusted": rosters.TrustedRosterShape,
    "sealed-sum": sealed.ReceivedSealShape,
    "request-list": Part[exchange.RequestShape],
    "request": exchange.RequestShape,
    "outbox-list": Listing[exchange.OutboxShape],
    "outbox-event": exchange.OutboxShape,
    "key-list": keys.KeysShape,
    "key-change": keys.KeyChangeShape,
    "move": keys.MoveShape,
    "audit-list": Part[audit.AuditEntryShape],
    "audit-check": audit.AuditCheckShape,
    "refusal": refusals.RefusalShape,
}
"""Name of the file -> shape."""

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
FLAG = {"type": "boolean"}
COUNT = {"type": "integer", "minimum": 0}
INSTANT = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T[0-9:.]+Z$"}


def closed(
    title: str, properties: Mapping[str, Any], *, optional: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """An object with these members and no others."""
    return {
        "title": title,
        "type": "object",
        "properties": {**properties, **(optional or {})},
        "required": list(properties),
        "additionalProperties": False,
    }


def inner(shape: type[BaseModel]) -> dict[str, Any]:
    """A shape without others inside it, as part of a schema."""
    return shape.model_json_schema(by_alias=True, mode="serialization")


def with_members(shape: type[BaseModel], title: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """A shape without others inside it, with further optional members."""
    schema = inner(shape)
    return {**schema, "title": title, "properties": {**schema["properties"], **more}}


ENDORSER = closed(
    "Endorser",
    {
        "supplier": TEXT,
        "kid": TEXT,
        "isKnown": FLAG,
        "standing": TEXT,
        "credential": TEXT,
        "declaredUnitAmount": TEXT,
        "declaredUnitOfMeasurement": TEXT,
        "referencePeriodStart": INSTANT,
        "referencePeriodEnd": INSTANT,
    },
)
SEALED_SUM_OPENED = closed(
    "SealedSumOpened",
    {
        "digest": TEXT,
        "property": TEXT,
        "isWhole": FLAG,
        "inBooks": COUNT,
        "quantities": {
            "type": "array",
            "items": closed(
                "SealedQuantity", {"line": TEXT, "quantity": TEXT}, optional={"value": TEXT}
            ),
        },
    },
)
SEALED_SUM = closed(
    "SealedSumHeld",
    {
        "grade": TEXT,
        "property": TEXT,
        "total": TEXT,
        "precision": TEXT,
        "footprint": TEXT,
        "publisher": TEXT,
        "coveragePercent": COUNT,
        "statedCoveragePercent": COUNT,
        "endorsers": {"type": "array", "items": ENDORSER},
        "factors": {
            "type": "array",
            "items": closed("Factor", {"name": TEXT, "unit": TEXT, "nanoKgCo2ePerUnit": TEXT}),
        },
        "digest": TEXT,
        "statement": TEXT,
        "reductions": TEXTS,
        "notShown": TEXTS,
    },
    optional={
        "roster": closed(
            "HiddenEndorsers",
            {
                "issuer": TEXT,
                "name": TEXT,
                "isKnown": FLAG,
                "publisherEntity": TEXT,
                "members": COUNT,
                "inputs": COUNT,
            },
        )
    },
)
VERIFIED = closed(
    "Verified",
    {
        "verified": {"const": True},
        "id": TEXT,
        "trust": TEXT,
        "issuer": TEXT,
        "issuedAt": INSTANT,
        "kid": TEXT,
        "credential": TEXT,
        "disclosed": TEXTS,
        "withheld": TEXTS,
        "status": closed("Status", {"value": TEXT, "isProven": FLAG}, optional={"asOf": INSTANT}),
        "receipts": {
            "type": "array",
            "items": closed(
                "ReceiptHeld",
                {"issuer": TEXT, "audience": TEXT, "issuedAt": INSTANT, "entry": COUNT},
            ),
        },
        "attestations": {
            "type": "array",
            "items": closed(
                "Attested",
                {
                    "verifier": TEXT,
                    "verifierIds": TEXTS,
                    "kid": TEXT,
                    "coverage": TEXT,
                    "providerName": TEXT,
                    "completedAt": TEXT,
                    "standardName": TEXT,
                    "level": TEXT,
                    "statement": {"type": "object", "additionalProperties": TEXT},
                    "issuedAt": INSTANT,
                    "validFrom": INSTANT,
                    "validUntil": INSTANT,
                },
                optional={"comments": TEXT, "root": TEXT, "completeness": TEXT, "sealedSum": TEXT},
            ),
        },
        "proved": TEXTS,
        "notProved": TEXTS,
    },
    optional={
        "opening": closed(
            "OpeningHeld",
            {
                "verifier": TEXT,
                "issuer": TEXT,
                "kid": TEXT,
                "issuedAt": INSTANT,
                "root": TEXT,
                "size": COUNT,
                "isWhole": FLAG,
                "lines": {"type": "array", "items": inner(openings.LineShape)},
            },
            optional={"sealedSum": SEALED_SUM_OPENED},
        ),
        "sealedSum": SEALED_SUM,
    },
)
NOT_VERIFIED = closed(
    "NotVerified",
    {"verified": {"const": False}, "trust": TEXT, "message": TEXT},
    optional={"id": TEXT, "hint": TEXT},
)
OUTCOME = {"oneOf": [VERIFIED, NOT_VERIFIED]}

LOCAL: dict[str, dict[str, Any]] = {
    "init": closed(
        "Init",
        {"home": TEXT, "companyName": TEXT, "companyIds": TEXTS, "url": TEXT},
        optional={"recoveryKey": TEXT, "recoveryKeyFile": TEXT},
    ),
    "recovery-key": with_members(
        keys.KeyChangeShape, "RecoveryKey", {"recoveryKey": TEXT, "recoveryKeyFile": TEXT}
    ),
    "file": closed("File", {"file": TEXT, "bytes": COUNT}),
    "roster-file": closed("RosterFile", {"name": TEXT, "file": TEXT, "fingerprint": TEXT}),
    "console": closed("Console", {"url": TEXT, "seconds": COUNT}),
    "backup": closed("Backup", {"file": TEXT, "bytes": COUNT, "withKey": FLAG}),
    "restore": closed(
        "Restore",
        {"home": TEXT, "createdAt": INSTANT, "pausedEvents": COUNT, "hasMasterKey": FLAG},
    ),
    "store-move": closed(
        "StoreMove",
        {
            "database": TEXT,
            "tables": {
                "type": "array",
                "items": closed("TableMoved", {"name": TEXT, "rows": COUNT, "sha256": TEXT}),
            },
            "resumed": FLAG,
            "copiedAgain": FLAG,
            "wasComplete": FLAG,
            "kept": TEXT,
            "inEnvironment": FLAG,
        },
    ),
    "invitation": {
        "title": "Invitation",
        "description": "Of one company; with --from, what came of each row of the table.",
        "oneOf": [
            inner(peers.InvitationShape),
            closed(
                "Invitations",
                {
                    "data": {
                        "type": "array",
                        "items": closed(
                            "InvitedRow",
                            {
                                "row": COUNT,
                                "name": TEXT,
                                "result": {"enum": ["invited", "kept", "known", "failed"]},
                            },
                            optional={"file": TEXT, "message": TEXT},
                        ),
                    }
                },
            ),
        ],
    },
    "opening": {
        "title": "Opening",
        "description": "What was opened; with --list, what can be.",
        "oneOf": [
            inner(openings.OpenedShape),
            closed("Lines", {"data": {"type": "array", "items": inner(openings.LineShape)}}),
        ],
    },
    "grant-removed": closed("GrantRemoved", {"removed": {"type": "integer"}}),
    "checked": closed(
        "Checked",
        {
            "data": {
                "type": "array",
                "items": closed(
                    "CheckedFootprint",
                    {
                        "place": TEXT,
                        "id": TEXT,
                        "problems": {"type": "array", "items": inner(refusals.ProblemShape)},
                        "findings": {"type": "array", "items": inner(footprints.FindingShape)},
                    },
                ),
            }
        },
    ),
    "verification": {
        "title": "Verification",
        "description": "Of one footprint, or a list for a file that holds several.",
        "oneOf": [
            VERIFIED,
            NOT_VERIFIED,
            closed("Verifications", {"data": {"type": "array", "items": OUTCOME}}),
        ],
    },
}
"""Name of the file -> what only a command makes."""


def schemas() -> dict[str, dict[str, Any]]:
    """All schemas by the names of their files."""
    found = {
        name: shape.model_json_schema(by_alias=True, mode="serialization")
        for name, shape in SHAPES.items()
    }
    return {name: {"$schema": DIALECT, **schema} for name, schema in {**found, **LOCAL}.items()}


def part() -> dict[str, str]:
    """For `generate`."""
    return {
        f"schemas/{name}.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas().items()
    }
