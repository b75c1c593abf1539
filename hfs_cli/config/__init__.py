"""The configuration: resolved once, frozen, and with the origin of each value."""

from hfs_cli.config.loading import load_config
from hfs_cli.config.settings import Config, ModelConfig, ProviderConfig

__all__ = ["Config", "ModelConfig", "ProviderConfig", "load_config"]
