"""Sponsorship's operations: load → decide → save, each inside one transaction."""
