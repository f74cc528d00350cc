"""Keys, secrets and access tokens of a node."""
