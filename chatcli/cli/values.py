"""What was typed, as the commands get it: what is a text already stays what it is.

typer has pydantic look at every value, even at one that was left out, and importing pydantic takes
a fifth of the time that one waits for the prompt. Here only a value that has to become something
else, a number or a path, goes that way.
"""

from __future__ import annotations

from typing import Any

from typer._click import Command, Context, Parameter
from typer._coercion import RuntimeParam, build_runtime_param
from typer.core import TyperArgument, TyperGroup, TyperOption


class AsTyped(RuntimeParam):
    """Takes a value that has its parameter's type; any other goes typer's own way."""

    def _coerce_value(self, value: Any, param: Any, ctx: Context) -> Any:
        if type(value) is self.annotation:
            return value
        return build_runtime_param(param.type_descriptor).coerce(value, param, ctx)


def take_as_typed(command: Command, parent: Context | None = None) -> None:
    """Have a command, and all that are below it, take their values as they were typed."""
    context = Context(command, parent=parent, **command.context_settings)
    for param in command.get_params(context):
        _take_as_typed(param)
    if isinstance(command, TyperGroup):
        for each in command.commands.values():
            take_as_typed(each, context)


def _take_as_typed(param: Parameter) -> None:
    if isinstance(param, TyperArgument | TyperOption) and not param.type_descriptor.is_file:
        kind = param.type_descriptor
        # typer has no other place to say this.
        param._runtime_param = AsTyped(kind.parameter_info, kind.annotation)  # noqa: SLF001
