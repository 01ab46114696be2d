"""The commands that are groups of commands, each put together when it is asked for.

typer looks at every option of every command at each start. A chat has no use for those of the
groups, and its prompt would come a twentieth later for them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperGroup

from chatcli.cli import config, models, personas, sessions

if TYPE_CHECKING:
    from typer._click import Command, Context

GROUPS: Final = {
    "sessions": sessions.app,
    "personas": personas.app,
    "models": models.app,
    "config": config.app,
}


class Commands(TyperGroup):
    """The root of the command line: its own commands, then the groups."""

    def list_commands(self, ctx: Context) -> list[str]:
        return list(dict.fromkeys([*super().list_commands(ctx), *GROUPS]))

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        if cmd_name in GROUPS and cmd_name not in self.commands:
            self.add_command(_put_together(cmd_name, ctx))
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        if args[0] not in self.list_commands(ctx):
            # Any of them may be what was meant.
            for name in GROUPS:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


def _put_together(name: str, root: Context) -> Command:
    parent = typer.Typer(rich_markup_mode=None)
    parent.add_typer(GROUPS[name], name=name)
    group = typer.main.get_group(parent).commands[name]
    spare_pydantic(group, root)
    return group


def spare_pydantic(command: Command, parent: Context | None = None) -> None:
    """Have a command take its values as they were typed, where typer has a place to say so.

    With a typer that has its parts elsewhere, starting takes longer, and nothing else changes.
    """
    with suppress(ImportError, AttributeError):
        from chatcli.cli.values import take_as_typed

        take_as_typed(command, parent)
