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
#
# What its models read, in tokens, how they count, whether they see images, and what they cost, in
# US dollars per million tokens. What is known without it need not be said.
# context_window = 131072
# tokenizer = "o200k_base"
# images = true
# input_price = 0.5
# output_price = 1.5
# cached_price = 0.05
#
# How replies are sampled.
# temperature = 0.7
# top_p = 0.9
# max_reply = 1000
# stop = ["THE END"]
# seed = 7
# reasoning_effort = "low"
# extra_body = { top_k = 40 }
#
# How it is reached. Paths begin at the folder of this file; "" is no proxy.
# headers = { X-Team = "seven" }
# proxy = "http://proxy.example.com:3128"
# ca_bundle = "company.pem"
# client_cert = "me.pem"
# client_key = "me.key"
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
