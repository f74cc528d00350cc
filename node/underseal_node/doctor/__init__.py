"""`underseal doctor`: the node as a peer would see it, and what waits for the operator."""
