"""Icons, presets and help texts."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent


def presets() -> dict[str, Path]:
    """Return the experiments that come with the program, by name."""
    return {path.stem: path for path in sorted((FOLDER / "presets").glob("*.yaml"))}


def augmentation_presets() -> dict[str, Path]:
    """Return the lists of augmentations that come with the program, by name."""
    return {path.stem: path for path in sorted((FOLDER / "presets" / "augmentation").glob("*.yaml"))}


def model_presets() -> dict[str, Path]:
    """Return the models with losses and metrics that come with the program, by name."""
    return {path.stem: path for path in sorted((FOLDER / "presets" / "models").glob("*.yaml"))}
