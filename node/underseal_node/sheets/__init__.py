"""Workbooks and CSV as people have them: read cell by cell, and written."""
