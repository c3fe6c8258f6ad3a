"""For the tests of components, ours and those of plugin authors."""

from fuse_engine.testing.contract import ContractError, check_component, example
from fuse_engine.testing.tiny import tiny_experiment

__all__ = ["ContractError", "check_component", "example", "tiny_experiment"]
