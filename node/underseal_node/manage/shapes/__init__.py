"""What the management endpoints take and give, and what `--json` prints: one definition.

Names are in the camelCase of PACT; `client_id`, `client_secret`, `token_url` and `base_url`, which
are handed on to OAuth clients, keep their names. Lists are `{"data": [...]}`. The JSON Schemas of
these shapes are in docs/reference/schemas; tests hold what the commands print against them.
Decimals are text, instants RFC 3339 in UTC. Members without a value are left out.
"""
