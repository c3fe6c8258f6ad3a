"""Compiled loops that count."""
