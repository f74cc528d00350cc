"""The tables of a node, their migrations, and the only queries there are."""
