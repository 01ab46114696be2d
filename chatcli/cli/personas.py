"""`chatcli personas`: who a model can be."""

from __future__ import annotations

import typer

from chatcli import faces
from chatcli.cli.flags import Json
from chatcli.cli.saying import say
from chatcli.settings import load

app = typer.Typer(help="The personas that a model can take on.", no_args_is_help=True)


@app.command("list")
def list_personas(*, as_json: Json = False) -> None:
    """List the personas, yours and the ones that ship."""
    from chatcli.parts import persona_store

    personas = persona_store(load()).list()
    if as_json:
        rows = [{"name": each.name, "description": each.description} for each in personas]
        print(faces.json_text(rows))
        return
    width = max((len(each.name) for each in personas), default=0)
    for each in personas:
        say(f"{each.name:<{width}}  {each.description}")
