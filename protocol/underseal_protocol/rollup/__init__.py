"""The roll-up: bill of materials, received footprints and factors make a draft footprint.

Pure: inputs in, a draft with its explanation out. `calculation.roll_up` is the way in;
docs/adr/0015-roll-up.md says what counts where, docs/explanation/roll-up.md shows it by examples.
Nothing is imported here, because the data model (`carbon`) takes the names of units from `units`.
"""
