"""`chatcli sessions`: the stored conversations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatcli import faces
from chatcli.cli.flags import Json, SessionsDir, Stored, given, library_of
from chatcli.cli.offers import session_names
from chatcli.cli.saying import agreed, complain, help_alone, leave_with, say
from chatcli.settings import load

if TYPE_CHECKING:
    from chatcli.storage.library import Library

app = typer.Typer(
    help="The stored conversations.", callback=help_alone, invoke_without_command=True
)


@app.command("list")
def list_sessions(
    *,
    everything: Annotated[bool, typer.Option("--all", help="All, not only the newest 20.")] = False,
    as_json: Json = False,
    sessions_dir: SessionsDir = None,
) -> None:
    """List the stored conversations, newest first."""
    stored = library_of(sessions_dir).stored()
    if as_json:
        rows = [{"name": s.name, "path": str(s.path), "changed": s.changed} for s in stored]
        print(faces.json_text(rows))
        return
    for found in stored if everything else stored[:20]:
        say(found.name)


@app.command("show")
def show_session(
    name: Stored,
    *,
    branch: Annotated[
        str | None, typer.Option("--branch", metavar="B", help="Another branch than its newest.")
    ] = None,
    as_json: Json = False,
    sessions_dir: SessionsDir = None,
) -> None:
    """Show what was said in a stored conversation."""
    from chatcli.storage import shelf

    settings = load(given(sessions_dir=sessions_dir))
    path, talk = shelf.read_stored(library_of(sessions_dir), name)
    talk = shelf.on_branch(talk, branch)
    if as_json:
        print(faces.json_text(shelf.described(path, talk)))
    else:
        print(faces.session_text(settings, path.stem, talk), end="")


@app.command("search")
def search_sessions(
    text: Annotated[list[str], typer.Argument(metavar="TEXT", help="Words that were said.")],
    *,
    most: Annotated[int, typer.Option("--most", metavar="N", min=1, help="How many hits.")] = 50,
    as_json: Json = False,
    sessions_dir: SessionsDir = None,
) -> None:
    """Search all stored conversations on all branches, newest first."""
    from chatcli.storage import search

    found = search.search(library_of(sessions_dir).stored(), " ".join(text), most)
    if as_json:
        print(faces.json_text(search.described(found)))
        return
    for hit in found.hits:
        say(f"{hit.session} {hit.place}: {hit.snippet}")
    for line in search.told(found, "--most N shows more"):
        complain(line)
    leave_with(int(not found.hits))


@app.command("rename")
def rename_session(
    old: Stored,
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
    *,
    sessions_dir: SessionsDir = None,
) -> None:
    """Give a stored conversation another name."""
    from chatcli.storage import shelf

    say(f"{old} is {shelf.rename(library_of(sessions_dir), old, new)} now")


@app.command("remove")
def remove_sessions(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME", help="Stored sessions.", autocompletion=session_names),
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    sessions_dir: SessionsDir = None,
) -> None:
    """Delete stored conversations, for good."""
    from chatcli.storage import shelf

    paths = shelf.to_remove(library_of(sessions_dir), names)
    if yes or agreed(f"Delete {', '.join(path.stem for path in paths)} for good?"):
        for path in paths:
            shelf.remove(path)
            say(f"{path.stem} is deleted")


@app.command("export")
def export_session(
    name: Stored,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Without it, Markdown is printed.")
    ] = None,
    *,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="FORMAT", help="json, md or tree; else by FILE's ending."),
    ] = None,
    sessions_dir: SessionsDir = None,
) -> None:
    """Write a conversation into a file that is new, or print it.

    FILE's ending says how: .md for Markdown, .json for messages, .tree.json for all branches.
    """
    from chatcli.storage import exporting, shelf
    from chatcli.terminal.sanitize import clean

    _, talk = shelf.read_stored(library_of(sessions_dir), name)
    if file is not None:
        say(str(exporting.give_away(talk, file, form)))
        return
    text = exporting.text_of(talk, form or "md")
    print(clean(text) if form in {None, "md"} else faces.json_shown(text), end="")


@app.command("import")
def import_sessions(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE", help="What others have kept.")],
    *,
    sessions_dir: SessionsDir = None,
) -> None:
    """Store conversations of other programs, and print their names.

    Reads messages as JSON, ChatGPT's conversations.json, llm's logs.db, aichat's sessions, and
    chatcli's own files.
    """
    library = library_of(sessions_dir)
    leave_with(max(_import(library, path) for path in paths))


def _import(library: Library, path: Path) -> int:
    """Store what a file holds, and return the exit code."""
    from chatcli.storage.importing import Taken, take_in

    taken = Taken()
    for name in take_in(library, path, taken):
        say(name)
    for line in taken.told(path):
        complain(line)
    return max((error.exit_code for error in taken.errors), default=int(not taken.count))
