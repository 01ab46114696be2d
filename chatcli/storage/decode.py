"""From parsed records to a conversation, each of them checked on the way."""

from __future__ import annotations

from collections.abc import Mapping

from chatcli.conversation.images import Image, together
from chatcli.conversation.messages import Message, Node, Usage, now
from chatcli.conversation.records import (
    Conversation,
    Header,
    Marked,
    Merged,
    Moved,
    Noted,
    Record,
    Spent,
    Summary,
    Tuned,
    Unknown,
)
from chatcli.conversation.replaying import replay
from chatcli.conversation.text import whole_text
from chatcli.errors import AttachmentError, BadSession
from chatcli.storage import sampling
from chatcli.storage.dataurls import decoded
from chatcli.storage.forms import (
    ImageForm,
    MarkForm,
    MergeForm,
    MessageForm,
    MoveForm,
    NoteForm,
    SpentForm,
    SummaryForm,
    UsageForm,
    checked,
    checked_header,
)
from chatcli.storage.ids import new_session_id


class Decoder:
    """Takes a file's records one by one, each message hung on the one it names as its parent.

    `ids` holds every message by its id, `began` tells whether the header was among the records. A
    message whose parent does not stand before it follows the message that does: what a damaged
    file has lost takes nothing else with it.
    """

    def __init__(self) -> None:
        self.ids: dict[str, Node] = {}
        self.began = False
        self._header = Header(new_session_id(), now())
        self._records: list[Record] = []
        self._last: Node | None = None
        self._number = 0
        self._moved = 0
        self._spoiled = 0

    def take(self, fields: dict[str, object], line: bytes) -> dict[str, object] | None:
        """Take a record, whole in its `line`, and return its fields as they are to stand there.

        None where it has no place there. Raises BadSession for a record that is none.
        """
        self._number += 1
        if "chatcli" in fields and not self.began:
            form = checked_header(fields)
            self.began = True
            self._header = Header(form.id, form.created, form.persona, form.model)
            return fields
        if "role" in fields:
            return self._node(fields)
        if "branch" in fields:
            return self._move(fields)
        self._note(fields, line)
        return fields

    def conversation(self) -> Conversation:
        """Return what all records add up to."""
        return replay(self._header, self._records)

    def told(self) -> tuple[str, ...]:
        """Return what the user should know of what was taken."""
        told = []
        if not self.began and self._records:
            told.append("its first record was lost: which persona and model it had is not known")
        if self._moved:
            many = "messages follow" if self._moved > 1 else "message follows"
            told.append(f"{self._moved} {many} what stood before, for what came in between is lost")
        if self._spoiled:
            some = "images don't go" if self._spoiled > 1 else "image does not go"
            told.append(f"{self._spoiled} {some} along any more, for it can't be read")
        return tuple(told)

    def _node(self, fields: dict[str, object]) -> dict[str, object]:
        form = checked(MessageForm, fields, self._number)
        if form.id in self.ids:
            raise BadSession(f"record {self._number} has the id of an earlier message")
        parent = self.ids.get(form.parent) if form.parent is not None else None
        lost = parent is None and form.parent is not None
        if lost:
            self._moved += 1
            parent = self._last
        # A list that is none was taken from the form, and is one thing that can't be read.
        self._spoiled += bool(fields.get("images")) and not form.images
        message = Message(form.role, whole_text(form.content), self._images(form))
        usage = _usage(form.usage) if form.usage else None
        node = Node(form.id, parent, message, form.time, form.model, usage, form.finish)
        self.ids[node.id] = self._last = node
        self._records.append(node)
        return {**fields, "parent": parent.id if parent else None} if lost else fields

    def _images(self, form: MessageForm) -> tuple[Image, ...]:
        """Return the images of a message; one that is spoiled costs no more than itself."""
        images: tuple[Image, ...] = ()
        for each in form.images if form.role == "user" else ():
            try:
                images = together(*images, _image(each))
            except AttachmentError:
                self._spoiled += 1
        return images

    def _move(self, fields: dict[str, object]) -> dict[str, object] | None:
        form = checked(MoveForm, fields, self._number)
        head = self.ids.get(form.head) if form.head is not None else None
        if head is None and form.head is not None:
            return None
        undone = [self.ids[name] for name in form.undone if name in self.ids]
        self._records.append(Moved(form.branch, head, tuple(undone)))
        return fields

    def _note(self, fields: dict[str, object], line: bytes) -> None:
        """Take a record about messages that are there, or about the conversation."""
        if "merged" in fields:
            self._records += self._merge(checked(MergeForm, fields, self._number))
        elif "marked" in fields:
            mark = checked(MarkForm, fields, self._number)
            self._records += [Marked(n, mark.mark) for n in self._named(mark.marked)]
        elif "summary" in fields:
            self._records += self._summary(checked(SummaryForm, fields, self._number))
        elif "spent" in fields:
            form = checked(SpentForm, fields, self._number)
            self._records.append(Spent(form.spent, form.model, _usage(form.usage), form.time))
        elif "set" in fields:
            self._records.append(Tuned(sampling.read(fields["set"])))
        else:
            note = checked(NoteForm, fields, self._number)
            if note.title is not None:
                self._records.append(Noted("title", note.title))
            if note.persona is not None:
                self._records.append(Noted("persona", note.persona))
            if note.model is not None:
                self._records.append(Noted("model", note.model))
            if not NoteForm.model_fields.keys() & fields:
                self._records.append(Unknown(line.decode("utf-8", "surrogatepass")))

    def _named(self, name: str) -> list[Node]:
        return [self.ids[name]] if name in self.ids else []

    def _merge(self, form: MergeForm) -> list[Record]:
        sources = self._named(form.source)
        return [Merged(q, source) for q in self._named(form.merged) for source in sources]

    def _summary(self, form: SummaryForm) -> list[Record]:
        text, covers = whole_text(form.summary), tuple(form.covers)
        usage = _usage(form.usage) if form.usage else None
        return [
            Summary(form.id, until, text, form.time, form.model, covers, form.replaces, usage)
            for until in self._named(form.until)
        ]


def unfinished(fields: dict[str, object], ids: Mapping[str, Node]) -> Node | None:
    """Return the reply that a crash cut short, None where it has no place in the conversation."""
    try:
        form = checked(MessageForm, fields, 1)
    except BadSession:
        return None
    question = ids.get(form.parent or "")
    if form.id in ids or question is None or question.role != "user":
        return None
    message = Message(form.role, form.content)
    return Node(form.id, question, message, form.time, form.model, finish=form.finish)


def _image(form: ImageForm) -> Image:
    return decoded(whole_text(form.name), form.data)


def _usage(form: UsageForm) -> Usage:
    return Usage(
        form.prompt_tokens, form.completion_tokens, form.cached_tokens, form.written_tokens
    )
