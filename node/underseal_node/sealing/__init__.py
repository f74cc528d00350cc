"""Sealed sums in the node: endorsing for customers, asking suppliers, sealing, reading."""
