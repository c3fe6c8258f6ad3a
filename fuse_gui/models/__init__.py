"""State, logic and words of every panel, without a toolkit."""
