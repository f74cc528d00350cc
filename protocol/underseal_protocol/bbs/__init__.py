"""BBS signatures: a signature of many messages of which its holder shows a few, unlinkably.

Experimental, for endorsements of sealed sums that do not tell who endorses. Written from
draft-irtf-cfrg-bbs-signatures-10 with the ciphersuite BLS12-381-SHA-256; blind issuance and
pseudonyms have the shape of draft-irtf-cfrg-bbs-blind-signatures and
draft-irtf-cfrg-bbs-per-verifier-linkability, of which no final versions exist.

| module | what |
|---|---|
| `suite` | the ciphersuite: generators, messages as scalars, what gets hashed |
| `keys` | secret and public keys of issuers |
| `setup` | what signer, holder and verifier agree on |
| `signature` | signing and verifying all messages |
| `proof` | showing some messages, with a pseudonym or without |
| `commitment` | the messages that the signer does not see |
| `blind` | signing them, and what the holder makes of that |

Points are those of `seal.group`, and refusals are `SealError`. Nothing runs in constant time.
"""
