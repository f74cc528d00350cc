"""The published vectors of BBS signatures: what goes in, and the SHA-256 of what has to come out.

`BLS12-381-SHA-256` of draft-irtf-cfrg-bbs-signatures-10 (appendix Test Vectors). Those of blind
issuance and pseudonyms are of the reference implementation of
draft-irtf-cfrg-bbs-per-verifier-linkability, for one secret (blind signing of version 02).
"""

from __future__ import annotations

import hashlib

from underseal_protocol.bbs import suite
from underseal_protocol.seal.scalars import (
    UNIFORM_BYTES,
    RandomBytes,
    Scalar,
    expand_message,
)

MATERIAL = b"this-IS-just-an-Test-IKM-to-generate-$e(r@t#-key"
INFO = b"this-IS-some-key-metadata-to-be-used-in-test-key-gen"
SEED = b"3.141592653589793238462643383279"
HEADER = bytes.fromhex("11223344556677889900aabbccddeeff")
BOUND = bytes.fromhex("bed231d880675ed101ead304512e043ade9958dd0241ea70b4b3957fba941501")
CONTEXT = bytes.fromhex("bbb4750cdce6d2122bb4c4f039b6ad5a79f028eb448013a38636a95d63af360a")
MESSAGES = tuple(
    map(
        bytes.fromhex,
        (
            "9872ad089e452c7b6e283dfac2a80d58e8d0ff71cc4d5e310a1debdda4a45f02",
            "c344136d9ab02da4dd5908bbba913ae6f58c2cc844b802a6f811f5fb075f9b80",
            "7372e9daa5ed31e6cd5c825eac1b855e84476a1d94932aa348e07b73",
            "77fe97eb97a1ebe2e81e4e3597a3ee740a66e9ef2412472c",
            "496694774c5604ab1b2544eababcf0f53278ff50",
            "515ae153e22aae04ad16f759e07237b4",
            "d183ddc6e2665aa4e2f088af",
            "ac55fb33a75909ed",
            "96012096",
            "",
        ),
    )
)
COMMITTED = tuple(
    map(
        bytes.fromhex,
        (
            "5982967821da3c5983496214df36aa5e58de6fa25314af4cf4c00400779f08c3",
            "a75d8b634891af92282cc81a675972d1929d3149863c1fc0",
            "835889a40744813a892eff9deb1edaeb",
            "e1ca9729410dc6ba",
            "",
        ),
    )
)
PROVER_NYM = Scalar(0x6830EA571E9FCA0194D9EBD5C571369D8B81655AFE0BBB9C6F5EFE934F699418)
ENTROPY = Scalar(0x3D40961FCE6C09EEC24A371322732932503B458D7A4CF7891BDAA765B30027C5)
BLINDING = Scalar(0x3BA0A2583BC7229FA9F2AE3A6697091032947C3A48F302B7FD2B08CA9D193041)
NYM_COUNT = (1).to_bytes(8, "big")  # ends the header

DIGESTS = {
    "secret key": "1d2b04813b705e27212aeb4ff69302ee27feb3f4a69f76ad5cfb203b89eebed2",
    "public key": "2768c0a2ff848dba40684a92396c350fe58d3896bf25bb113c15a08290da5175",
    "P1": "dfe5e7e4b23b497669e0016eb64b1e12c9012b828195e67a046e58d7cef6e6c5",
    "signature of one": "f1f2c6fd4f15418dd926dea76f94ec6b863dd36186935dd62f93741f7110771c",
    "signature of ten": "e39a23989c2ddd1f68b813820063a4adf3dc8dbafe64b4804f4bca14627a902d",
    "signature without header": "c02444dbb7edeeb0aef0c904df033c2d83a20770e35f3297d91d8b4e255d774a",
    "proof of one": "edbd57f7a82d8b85229881f13c82609895868ddafd43dfab5ba748374df4aae0",
    "proof of all": "66bd5766cfeb399c6ff339fe5799514f9feab985c53708e6580c2516490318d3",
    "proof of some": "d91c1ec3336934bd54b44466bd17b7ec18b160eecf920869576e8034f2935d56",
    "commitment": "f3387bbab168cd79fab27746048879c2cbf01236b2d7d8f781394d43bca15d92",
    "blind signature": "aa9ebd087b23f2cd7fee6a2b850fd0362522a29a995edf16d26271b7d56bad70",
    "pseudonym": "6af15b577b5afcc74fcee525947e0edf53951ffc8ada7cf47ad88af488081efa",
    "signature with pseudonym": "c028a2791b70bcc73eb68e3e513948ca03dca4f328cffbb4b364b0b37c517c16",
    "proof with pseudonym": "8de38bf9213cfdaf64e7b1ff4c96b7ae97aafa71423bcdf2f8437de1942057ec",
}


def digest(data: bytes) -> str:
    """SHA-256, as `DIGESTS` has it."""
    return hashlib.sha256(data).hexdigest()


def scalars(messages: tuple[bytes, ...], api_id: bytes) -> list[Scalar]:
    """Messages as scalars."""
    return [suite.message_scalar(one, api_id) for one in messages]


def mocked(domain: bytes, count: int) -> RandomBytes:
    """`mocked_calculate_random_scalars` of the appendix, which is not random."""
    drawn = expand_message(SEED, domain + b"MOCK_RANDOM_SCALARS_DST_", UNIFORM_BYTES * count)
    starts = iter(range(0, len(drawn), UNIFORM_BYTES))

    def give(length: int) -> bytes:
        start = next(starts)
        return drawn[start : start + length]

    return give
