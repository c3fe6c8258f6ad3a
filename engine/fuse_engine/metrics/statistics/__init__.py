"""How far a figure can be trusted: intervals, tests, groups."""
