"""What a vector says, tried: one check for each `Function`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from underseal_protocol.errors import SealEncodingError, SealError
from underseal_protocol.seal import codec
from underseal_protocol.seal.group import decode_scalars
from underseal_protocol.seal.range_statement import RANGE_SUITE, RangeStatement
from underseal_protocol.seal.ranges import prove_ranges, verify_ranges
from underseal_protocol.seal.relation import LinearRelation
from underseal_protocol.seal.sigma import (
    CIPHERSUITE,
    Flavor,
    prove_batchable,
    prove_compact,
    verify_batchable,
    verify_compact,
)
from underseal_protocol.seal.transcript import Sponge, derive_session_id
from underseal_protocol.seal.vectors import sumcheck
from underseal_protocol.seal.vectors.drng import prover_drng, range_drng
from underseal_protocol.seal.vectors.record import MAX_SQUEEZED_BYTES, Record

__all__ = ["CHECKS", "NotReproducedError"]

PROVED_AGAIN = "verified and proved again, byte for byte"
HASH = "SHAKE128"
BYTE_ORDERS = ("little-endian", "big-endian")
FLAVORS = {"batchable": Flavor.BATCHABLE, "compact": Flavor.COMPACT}
_PROVERS = {Flavor.BATCHABLE: prove_batchable, Flavor.COMPACT: prove_compact}
_VERIFIERS = {Flavor.BATCHABLE: verify_batchable, Flavor.COMPACT: verify_compact}

Value = TypeVar("Value")


class NotReproducedError(SealError):
    """Nothing was refused, but what comes out is not what the vector says."""


def _sigma_proof(record: Record) -> str:
    record.require_one_of("Ciphersuite", (CIPHERSUITE,))
    flavor = FLAVORS[record.require_one_of("Flavor", FLAVORS)]
    tag, proof = record.ascii("Tag"), record.bytes("NargString")
    _require_session_id(record, tag)
    relation = LinearRelation.decode(record.bytes("Instance"))
    _VERIFIERS[flavor](tag, relation, proof)
    if "Relation" not in record or "Witness" not in record:
        return "verified"
    try:
        witness = decode_scalars(record.bytes("Witness"), relation.num_scalars)
        drng = prover_drng(record.text("Relation"), flavor)
        got = _PROVERS[flavor](tag, relation, witness, drng)
    except SealError as error:
        raise _not_proved_again(error) from None
    _require("NargString", got, proof)
    return PROVED_AGAIN


def _range_proof(record: Record) -> str:
    record.require_one_of("Ciphersuite", (RANGE_SUITE,))
    tag, proof = record.ascii("Tag"), record.bytes("NargString")
    _require_session_id(record, tag)
    statement = RangeStatement.decode(record.bytes("Instance"))
    verify_ranges(tag, statement, proof)
    if "Relation" not in record or "Witness" not in record:
        return "verified"
    try:
        count = len(statement.widths)
        witness = decode_scalars(record.bytes("Witness"), 2 * count)
        values, blindings = [one.value for one in witness[:count]], witness[count:]
        drng = range_drng(record.text("Relation"))
        got = prove_ranges(tag, statement, values, blindings, drng)
    except SealError as error:
        raise _not_proved_again(error) from None
    _require("NargString", got, proof)
    return PROVED_AGAIN


def _sponge(record: Record) -> str:
    _compare(record, "Output", _squeezed(record))
    return "squeezed"


def _session_id(record: Record) -> str:
    record.require_one_of("Hash", (HASH,))
    _compare(record, "Output", derive_session_id(record.bytes("Tag")))
    return "derived"


def _decode_uint(record: Record) -> str:
    if "Operations" in record:
        data = _squeezed(record)
        _compare(record, "Output", data)
    else:
        data = record.bytes("Input")
    _compare(record, "Challenge", codec.decode_uint(data, record.integer("Modulus")))
    return "decoded"


def _write_string(record: Record) -> str:
    _compare(record, "Output", codec.write_string(record.bytes("Input")))
    return "written"


def _write_uint(record: Record) -> str:
    got = codec.write_uint(record.integer("Value"), record.integer("Modulus"))
    _compare(record, "Output", got)
    return "written"


def _write_field(record: Record) -> str:
    several = "Coordinates" in record
    coordinates = record.integers("Coordinates") if several else [record.integer("Value")]
    modulus = record.integer("Modulus")
    written = [codec.write_uint(one, modulus) for one in coordinates]
    if "ByteOrder" in record and record.require_one_of("ByteOrder", BYTE_ORDERS) == "big-endian":
        written = [one[::-1] for one in written]
    _compare(record, "Output", b"".join(written))
    return "written"


def _read_string(record: Record) -> str:
    _compare(record, "Output", _all_of(codec.read_string(record.bytes("Input"))))
    return "read"


def _read_uint(record: Record) -> str:
    got = _all_of(codec.read_uint(record.bytes("Input"), record.integer("Modulus")))
    _compare(record, "Value", got)
    return "read"


def _read_field(record: Record) -> str:
    degree = record.integer("ExtensionDegree") if "ExtensionDegree" in record else 1
    got = _all_of(codec.read_field(record.bytes("Input"), record.integer("Modulus"), degree))
    if "Value" in record:
        _require("Value", list(got), [record.integer("Value")])
    else:
        _compare(record, "Coordinates", list(got))
    return "read"


def _sumcheck(record: Record) -> str:
    if "Hash" in record:
        record.require_one_of("Hash", (HASH,))
    session_id, modulus = record.bytes("SessionId"), record.integer("Modulus")
    if "Tag" in record:
        _require_session_id(record, record.bytes("Tag"))
    proof, variables = record.bytes("Narg"), record.integer("NumVariables")
    got = sumcheck.verify(session_id, variables, record.integer("ClaimedSum"), proof, modulus)
    _compare(record, "FinalEvaluation", got)
    if "Witness" not in record:
        return "verified"
    try:
        proved, evaluation = sumcheck.prove(session_id, record.integers("Witness"), modulus)
    except SealError as error:
        raise _not_proved_again(error) from None
    _require("Narg", proved, proof)
    _require("FinalEvaluation", evaluation, got)
    return PROVED_AGAIN


CHECKS: Mapping[str, Callable[[Record], str]] = {
    "SigmaProof": _sigma_proof,
    "RangeProof": _range_proof,
    "DuplexSponge": _sponge,
    "DeriveSessionID": _session_id,
    "DecodeUint": _decode_uint,
    "SerializeVarLenString": _write_string,
    "SerializeUint": _write_uint,
    "SerializeField": _write_field,
    "DeserializeVarLenString": _read_string,
    "DeserializeUint": _read_uint,
    "DeserializeField": _read_field,
    "Sumcheck": _sumcheck,
}
"""Each takes a vector and says what was done; it raises `SealError` if the vector is a reject."""


def _squeezed(record: Record) -> bytes:
    record.require_one_of("Hash", (HASH,))
    sponge, output = Sponge(record.bytes("SessionId")), b""
    for operation in record.operations():
        if operation.text("type") == "absorb":
            sponge.absorb(operation.bytes("data"))
        elif operation.text("type") == "squeeze":
            length = operation.integer("length")
            if len(output) + length > MAX_SQUEEZED_BYTES:
                raise SealEncodingError(
                    f"more than {MAX_SQUEEZED_BYTES} bytes are squeezed, expected fewer"
                )
            output += sponge.squeeze(length)
        else:
            raise SealEncodingError("an operation is neither absorb nor squeeze")
    return output


def _require_session_id(record: Record, tag: bytes) -> None:
    if "SessionId" in record and record.bytes("SessionId") != derive_session_id(tag):
        raise SealEncodingError(
            f"SessionId is {record.text('SessionId')}, expected {derive_session_id(tag).hex()}, "
            "derived from Tag"
        )


def _compare(record: Record, name: str, got: bytes | int | list[int]) -> None:
    """With what the vector says; one with a verdict need not say it."""
    if name not in record and "Expected" in record:
        return
    if isinstance(got, bytes):
        _require(name, got, record.bytes(name))
    elif isinstance(got, int):
        _require(name, got, record.integer(name))
    else:
        _require(name, got, record.integers(name))


def _require(name: str, got: Value, expected: Value) -> None:
    if got != expected:
        raise NotReproducedError(f"{name} comes out as {_shown(got)}, expected {_shown(expected)}")


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _not_proved_again(error: SealError) -> NotReproducedError:
    return NotReproducedError(f"it verifies, but cannot be proved again: {error.message}")


def _all_of(read: tuple[Value, bytes]) -> Value:
    value, rest = read
    if rest:
        raise SealEncodingError(f"{len(rest)} bytes follow, expected none")
    return value
