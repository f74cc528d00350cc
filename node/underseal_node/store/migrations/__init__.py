"""The history of the schema. `make_revision` generates a new one, to be read and edited."""

HEAD = "0013"
"""The newest revision; a test compares it with the scripts."""
