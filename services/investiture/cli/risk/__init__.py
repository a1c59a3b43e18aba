"""Risk in numbers, as people see it: tables, pictures, and the file they come from."""
