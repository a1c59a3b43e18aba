"""The front door: programs and revisions, the path, pilots, go and proof."""
