"""What every gate's case does alike: opening, standing, waiting, escalating, releasing.

`words`, `facts`, `case` and `openings` are pure; `store`, `wire`, `statements`, `operations` and
`handlers` are the edges.
"""
