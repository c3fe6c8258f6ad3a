"""Where samples come from: each module reads one kind of list."""
