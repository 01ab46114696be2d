"""The records of a session file as strict pydantic models: what a stranger's file must look like.

pydantic takes a tenth of a second to import, so this module is imported when the first file is
read. Keys that are not named here are allowed, and stay in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError

from chatcli.conversation.images import MOST_IMAGES
from chatcli.conversation.messages import Role
from chatcli.conversation.records import Mark
from chatcli.errors import BadSession

VERSION: Final = 1

_Id = Annotated[str, Field(min_length=1, max_length=128)]
# Without FailFast, a list of four million numbers would cost as many errors, and gigabytes.
_Ids = Annotated[list[_Id], FailFast()]
_Label = Annotated[str, Field(max_length=512)]
_Tokens = Annotated[int, Field(ge=0, lt=2**53)]


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class HeaderForm(_Form):
    chatcli: int
    id: _Id
    created: _Label
    persona: _Label | None = None
    model: _Label | None = None


class UsageForm(_Form):
    prompt_tokens: _Tokens
    completion_tokens: _Tokens
    cached_tokens: _Tokens = 0
    written_tokens: _Tokens | None = None


class ImageForm(_Form):
    name: _Label = "image"
    data: str


class MessageForm(_Form):
    id: _Id
    parent: _Id | None
    role: Role
    content: str
    images: Annotated[list[ImageForm], FailFast(), Field(max_length=MOST_IMAGES)] = []
    time: _Label = ""
    model: _Label | None = None
    usage: UsageForm | None = None
    finish: _Label | None = None


class MoveForm(_Form):
    branch: Annotated[str, Field(min_length=1, max_length=128)]
    head: _Id | None
    undone: _Ids = []


class NoteForm(_Form):
    title: _Label | None = None
    persona: _Label | None = None
    model: _Label | None = None


class MarkForm(_Form):
    marked: _Id
    mark: Annotated[Mark | None, Field(alias="as")] = None


class SummaryForm(_Form):
    summary: str
    id: _Id
    until: _Id
    covers: _Ids = []
    time: _Label = ""
    model: _Label | None = None
    replaces: _Id | None = None
    usage: UsageForm | None = None


class SpentForm(_Form):
    spent: _Label
    model: _Label
    usage: UsageForm
    time: _Label = ""


class MergeForm(_Form):
    merged: _Id
    source: _Id


Form = TypeVar("Form", bound=_Form)


def checked(form: type[Form], fields: Mapping[str, object], number: int) -> Form:
    """Return record `number` as a form, or raise BadSession saying what is wrong with it.

    A field that a record can do without costs no more than itself.
    """
    try:
        return form.model_validate(fields)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        spoiled = {str(each["loc"][0]) for each in wrong if each["loc"]}
        needed = {name for name, about in form.model_fields.items() if about.is_required()}
        if spoiled and not spoiled & needed:
            kept = {name: value for name, value in fields.items() if name not in spoiled}
            return checked(form, kept, number)
        place = ".".join(str(part) for part in wrong[0]["loc"]) or "it"
        raise BadSession(f"record {number}: `{place}`: {wrong[0]['msg'].lower()}") from None


def checked_header(fields: Mapping[str, object]) -> HeaderForm:
    """Return the file's first record, of a version that can be read here."""
    header = checked(HeaderForm, fields, 1)
    if header.chatcli != VERSION:
        raise BadSession(
            f"it is in version {header.chatcli} of the session format", "update chatcli to read it"
        )
    return header
