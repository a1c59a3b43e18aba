"""A package, so that its shared parts end with its last test: an idle stack takes CPU."""
