"""Checks vector files in the JSON format of the two drafts: `python -m ... FILE...`.

- A vector of a proof is accepted if its instance and its proof can be read and the proof verifies
  under its tag; a parse failure is a reject. What is accepted and has `Relation` and `Witness` is
  also proved again, and has to come out byte for byte.
- Any other vector is accepted if the function that it names gives what it says.
- `Expected` is `accept` or `reject`, and `accept` where it is left out.
- What this implementation does not have (another ciphersuite, another hash) is not as expected,
  whatever is expected: a reject out of ignorance shows nothing.

`drng` is the deterministic generator of the drafts' appendices. It is here, where nothing that
makes real proofs imports it (tests/architecture).
"""
