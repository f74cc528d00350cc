"""One company's node: it publishes, serves, requests and receives footprints."""
