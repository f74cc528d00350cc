"""Rosters: who endorses stays hidden, that it is one of a trusted list does not.

Experimental; step 2 of sealed sums (docs/explanation/sealed-sums.md). A roster is a list of
companies that its issuer has checked. Each member has a credential of the issuer, a BBS signature
(`bbs`). With it a member endorses a figure without being named: its proof tells that *a* member
endorses, and a pseudonym, which is the same whenever this member endorses for this footprint and
says nothing anywhere else.

| module | what |
|---|---|
| `roster` | a roster, and what its members have agreed on |
| `membership` | applying, admitting, joining |
| `presentation` | proofs of members, one by one and many at once |
| `hidden` | endorsements of members that are not named |
| `mark` | the pseudonym of the publisher itself, so that it cannot endorse for itself |
| `rules` | what has to hold of all of them for one footprint |
| `messages` | what travels, as JSON |
| `questions` | what a customer asks a member |
| `statements` | what issuer and members sign with the keys of their nodes |
"""
