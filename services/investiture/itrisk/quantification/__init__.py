"""The mathematics of IT's gate: pure, exact, without a clock, a socket or a random number."""
