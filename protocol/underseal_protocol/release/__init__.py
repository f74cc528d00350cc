"""The release gate: what could a peer compute, asked before anything leaves.

Pure: exposures, knowledge and a ledger in, a verdict out. `gate.judge_publication` and
`gate.judge_grant` are the ways in, `gate.permit` turns a verdict into a permission or an error;
`reading.exposure_of` makes of a roll-up what they need. docs/adr/0016-release-gate.md says what is
decided, docs/explanation/release-gate.md shows it by an example.
"""
