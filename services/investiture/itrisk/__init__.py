"""IT's risk review: asked only when business and money stand, and it always says why."""
