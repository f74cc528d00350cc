"""What this node does towards its peers: calls, deliveries, pulls, requests."""
