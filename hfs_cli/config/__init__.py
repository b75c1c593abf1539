"""The configuration, resolved once and frozen, with where each value came from."""

from hfs_cli.config.loading import load_config
from hfs_cli.config.settings import Config, ModelConfig, ProviderConfig

__all__ = [
    "Config",
    "ModelConfig",
    "ProviderConfig",
    "load_config",
]
