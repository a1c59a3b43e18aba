"""Rules of programs: what a revision says, which digests follow, how a path stands, how it ends.

Pure: no clock, no database, no wire format; each rule takes what it needs and answers, or refuses.
"""
