"""`python -m chatcli.cli`: the same as `chatcli`."""

from __future__ import annotations

from chatcli.cli import main

main()
