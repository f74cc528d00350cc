"""What two companies must agree on to exchange product carbon footprints.

Pure: no network, no disk, no database and no clock of its own.
"""
