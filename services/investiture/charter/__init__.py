"""The governance charter as code: typed, versioned by digest, linted; pure.

Read a charter with :func:`investiture.charter.load.load`. What it says is in ``model``; what
follows from it is computed by ``ownership`` (who must agree), ``authority`` (who may approve),
``triage`` (how deep a review goes), ``timetable`` and ``business_time`` (when things are due).
``lint`` says what is wrong with it, ``difference`` what changed.

Nothing here knows a clock, a socket or a database; holidays come from the ``holidays`` package.
"""
