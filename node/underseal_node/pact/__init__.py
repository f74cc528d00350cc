"""The endpoints that peers call: tokens, footprints, events, discovery."""
