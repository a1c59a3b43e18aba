"""Five proposals travel the path on a stack of their own, with every decider played."""
