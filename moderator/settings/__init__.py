"""What a process is told from outside: `catalogue` declares it all, `load` reads it."""

from moderator.settings.catalogue import PREFIX, Settings, bundled
from moderator.settings.load import SettingRow, explain, load_settings

__all__ = ["PREFIX", "SettingRow", "Settings", "bundled", "explain", "load_settings"]
