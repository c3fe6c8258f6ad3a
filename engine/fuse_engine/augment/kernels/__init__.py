"""Loops over pixels, compiled once and kept on disk; every one is tested against a slow plain reference."""
