"""The console: what the command line does that people would rather look at than read.

Pages are made on the server from what the management endpoints answer, and from nothing else.
"""
