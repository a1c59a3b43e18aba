"""What happens in one transaction: load, decide by the domain's rules, save, record, ring."""
