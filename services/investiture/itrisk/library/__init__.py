"""Scenarios and controls that a proposer can start from, chosen by what a program says."""
