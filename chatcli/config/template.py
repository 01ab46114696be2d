"""config.toml as it is when it is new: every setting, what it does, and what holds without it."""

from __future__ import annotations

import json
from typing import Final

from chatcli.config.table import SETTINGS, Setting

HEAD: Final = """\
# The settings of chatcli.
#
# A line that begins with `# ` and a name is a setting at its default, or an example where its
# default depends on other things: take the `# ` away to set it. Flags, the environment and ./.env
# come before this file. `chatcli config show` tells what holds, and where that was set.
"""

PROFILES: Final = """\
# An endpoint of your own that speaks the chat-completions protocol: --model mine:MODEL asks it. The
# name of a profile that ships changes what that one says. No key belongs in here: `chatcli config
# key set mine` keeps one, key_variable names a variable that holds it, key_command prints it.
# [profiles.mine]
# base_url = "https://models.example.com/v1"
# key_variable = "MINE_API_KEY"
# key_command = "pass show mine"
# model = "llama-3.3-70b"
# context_window = 131072
# images = true
# temperature = 0.7
"""


def template() -> str:
    """Return the text of a new config.toml, in which nothing is set."""
    settings = "".join(_lines(name, setting) for name, setting in SETTINGS.items())
    return f"{HEAD}{settings}\n{PROFILES}"


def _lines(name: str, setting: Setting) -> str:
    shown = setting.example if setting.default is None else setting.default
    # One without words of its own belongs to the one before it.
    about = f"\n# {setting.about}\n" if setting.about else ""
    return f"{about}# {name} = {toml_value(shown)}\n"


def toml_value(value: object) -> str:
    """Return a text, a number or a truth value as TOML has it."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)
