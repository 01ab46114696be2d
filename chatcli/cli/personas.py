"""`chatcli personas`: who a model can be."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from chatcli import faces
from chatcli.cli.flags import Json
from chatcli.cli.offers import persona_names
from chatcli.cli.saying import complain, help_alone, leave_with, say
from chatcli.errors import PersonaError
from chatcli.settings import load

app = typer.Typer(
    help="The personas that a model can take on.", callback=help_alone, invoke_without_command=True
)


Named = Annotated[
    str,
    typer.Argument(
        metavar="NAME|PATH", help="A persona, or its file.", autocompletion=persona_names
    ),
]


@app.command("list")
def list_personas(*, as_json: Json = False) -> None:
    """List the personas, yours and the ones that ship."""
    from chatcli.cli import describing
    from chatcli.parts import persona_store
    from chatcli.personas import Persona, remarks

    settings = load()
    found = persona_store(settings).all()
    personas = [each for each in found if isinstance(each, Persona)]
    if as_json:
        print(faces.json_text([describing.in_brief(each) for each in personas]))
    else:
        print(describing.listed(settings, personas), end="")
    for other in found:
        if isinstance(other, PersonaError):
            complain(str(other))
        else:
            for remark in remarks(other):
                complain(remark.text)


@app.command("show")
def show_persona(name: Named, *, as_json: Json = False) -> None:
    """Show what a persona sets, its prompt, and what that costs."""
    from chatcli.cli import describing
    from chatcli.parts import persona_store
    from chatcli.personas import described, remarks

    settings = load()
    persona = persona_store(settings).get(name)
    price = describing.price_of(settings, persona)
    if as_json:
        print(faces.json_text(described(persona) | price.as_dict()))
    else:
        print(describing.shown(settings, persona, price), end="")
    for remark in remarks(persona):
        complain(remark.text)


@app.command("new")
def new_persona(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it shall be called.")],
    *,
    origin: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="PERSONA", help="Begin with its copy.", autocompletion=persona_names
        ),
    ] = None,
) -> None:
    """Write a persona of your own in your editor, from a template."""
    from chatcli.cli import drafting

    settings = load()
    path, text = drafting.begin(settings, name, origin)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        say(str(path))
        return
    leave_with(drafting.edit(path, settings.editor, None if origin else text))


@app.command("path")
def path_of_persona(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A persona.", autocompletion=persona_names),
    ] = None,
) -> None:
    """Print the folder of your own personas, or where a persona's file is."""
    from chatcli.parts import persona_store

    settings = load()
    if name is None:
        say(str(settings.folders.personas[0]))
    else:
        say(str(persona_store(settings).find(name)[1]))
