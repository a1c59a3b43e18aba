"""The durable workflows of a launch: they sequence, wait, escalate and undo; services decide."""
