"""The embedded stack: Temporal, the four services and the worker on one machine, in one folder.

``embedded.Stack`` is what ``investiture up`` runs and what the demo, the end-to-end tests and the
benchmark use as a library; everything else here is a part of it.
"""
