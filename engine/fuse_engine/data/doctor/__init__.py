"""The data doctor: what is wrong with a cohort before anything trains on it."""
