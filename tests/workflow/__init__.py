"""A package, so that what its tests share ends with the last of them: an idle Temporal takes CPU."""
