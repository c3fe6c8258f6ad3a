"""The panels drawn with Qt."""
