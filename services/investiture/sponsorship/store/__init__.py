"""Sponsorship's records in SQL."""
