"""The business side: who is who, who pledges, which units stand behind it."""
