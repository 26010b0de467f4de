"""The community slice: so far its manifest."""
