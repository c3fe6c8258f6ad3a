"""The document, the batch dict, components and their registry; no torch."""
