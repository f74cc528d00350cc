"""Products of ours and emission factors, as people have them: read, checked, written."""
