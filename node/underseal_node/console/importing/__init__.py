"""Importing files: look at them, map their columns, let the node check them, and take them up."""
