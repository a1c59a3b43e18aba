"""The money: envelopes, the double-entry ledger, reservations and spend."""
