"""A package, so that its shared parts end with its last test: an idle Temporal takes CPU."""
