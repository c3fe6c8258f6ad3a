"""The engine worker and its client: a warm process that reads files and computes for a window."""
