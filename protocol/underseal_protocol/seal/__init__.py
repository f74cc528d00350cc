"""Sealed sums: commitments and proofs that a total adds up (experimental).

Pure: values in, bytes out, and back. From the bottom up:

- `group`: scalars and points of BLS12-381 G1, the only importer of the curve library;
- `codec` and `transcript`: the Fiat-Shamir transformation (draft-irtf-cfrg-fiat-shamir);
- `relation` and `sigma`: linear relations and proofs of them (draft-irtf-cfrg-sigma-protocols);
- `generators`, `inner_product`, `ranges`: commitments, and proofs that their values are in range;
- `numbers`, `context`, `terms`: the integers that are sealed, and what is said with them;
- `endorsement` with `endorsed_value`, `endorsement_checks` and `endorsement_exchange`: what a
  supplier signs about a figure, its opening, and the messages by which it is asked for;
- `document` and `document_format`: the parts of a sealed document, and its bytes;
- `plan`, `sealing`, `prover`: from a calculation to integers, and from these to a document;
- `statement`: what is proved, for prover and verifier alike;
- `verifier`, `verdict`, `trust`: whether a document holds, what it shows to whom, and what not;
- `vectors`: checks vector files, `python -m underseal_protocol.seal.vectors FILE...`.

Nothing here runs in constant time: the library multiplies faster by small scalars. Whoever can
measure how long a proof takes may learn of its secrets, so proofs are made off the request path.
"""
