"""From a file to published footprints: read, checked, completed, signed once, stored, told."""
