"""Rosters (experimental): keeping one, being a member of one, trusting one.

Everything between issuer, members and readers travels in files that are signed with the keys of
nodes; no path of the public listener has to do with it.
"""
