"""The configuration, resolved once and frozen, with where each value came from."""

from hfs_cli.config.loading import load_config
from hfs_cli.config.paths import cache_directory, config_file, data_directory
from hfs_cli.config.values import Config, ModelConfig, ProviderConfig

__all__ = [
    "Config",
    "ModelConfig",
    "ProviderConfig",
    "cache_directory",
    "config_file",
    "data_directory",
    "load_config",
]
