"""The endpoints that the operator calls; the CLI and the console use these and nothing else."""
