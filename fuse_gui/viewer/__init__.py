"""The napari side: the window, its docks, and the layers that show the screen's pictures."""
