"""The tables, as the migrations leave them; a test compares the two.

A branch is a session: a fork, or a tail that was set aside, is a row that names its parent
and how many of the parent's messages it shares. Shared messages are kept once. Foreign keys are
the migrations' business: here a reference is a plain number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from peewee import AutoField, BlobField, CompositeKey, FloatField, IntegerField, Model, TextField

if TYPE_CHECKING:
    from peewee import ModelSelect

    from hfs_cli.store.engine import ByOwners


def _table_of(model: type[Model]) -> str:
    return model.__name__.removesuffix("Row").lower()


class _Row(Model):
    class Meta:
        """A model's table has its name: that of `SessionRow` is ``session``."""

        table_function = _table_of


class ImportRow(_Row):
    """An import that has brought sessions, or is bringing them.

    Attributes:
        ended_at: None while it goes on, and for ever if its process was killed; what it has brought
            is not shown then.
        owner: See `SessionRow`.
    """

    id = AutoField()
    started_at = IntegerField()
    ended_at = IntegerField(null=True)
    owner = TextField()


class SessionRow(_Row):
    """A conversation or a branch of one.

    Attributes:
        message_count: Length of the transcript, shared messages included; lists read it
            instead of counting.
        use_seq: Rises with each use, so that what is continued never depends on a clock. Below 0:
            it was imported and has not been used here. None: a tail that was set aside and has not
            been used since, or a session that never had a reply; lists leave these out.
        origin: How the row came to be.
        fork_position: How many messages of the parent's transcript this one begins with.
        created_at: Microseconds since 1970, UTC, like every time here.
        import_id: Which import brought it, or None.
        owner: Whose it is, on a server; uid, name and `use_seq` are unique for each owner. The
            engine fills it in. Empty in a file, where no query asks for it.
    """

    id = AutoField()
    uid = TextField()
    name = TextField()
    origin = TextField()
    model = TextField(null=True)
    message_count = IntegerField()
    last_status = TextField(null=True)
    created_at = IntegerField()
    updated_at = IntegerField()
    use_seq = IntegerField(null=True)
    parent_id = IntegerField(null=True)
    fork_position = IntegerField(null=True)
    import_id = IntegerField(null=True)
    owner = TextField()

    @classmethod
    def select(  # type: ignore[override]  # it is the point that nobody reads sessions as other rows
        cls, *columns: object, of: ByOwners | None
    ) -> ModelSelect[Self]:
        """Read sessions.

        Args:
            columns: What to read; all columns by default.
            of: Which sessions are there for the query: those that the user sees
                (`sessions.is_shown`), the owner's (`engine.own`), or None for any, where it goes by
                a number that the user came by, or keeps the tables in order. It has no default, so
                that no query shows what is not to be seen because somebody forgot to ask.
        """
        query = super().select(*columns)
        return query if of is None else query.where(of)


class MessageRow(_Row):
    """One message. Positions are dense in a transcript and start at 1.

    Attributes:
        reply_to: The question that a reply answers, or the step of its turn before it.
        state: What the vendor wants to be sent back with it, and which vendor that is, as JSON.
        step: Which request of its turn it answers, from 0.
        extra: What it held in another program and has no column here, as JSON.
        stands_for: For a summary: how many messages, from the transcript's beginning, it stands
            for in what a model is sent.
    """

    id = AutoField()
    session_id = IntegerField()
    position = IntegerField()
    role = TextField()
    content = TextField()
    reasoning = TextField()
    status = TextField()
    finish_reason = TextField(null=True)
    finish_raw = TextField(null=True)
    model = TextField(null=True)
    input_tokens = IntegerField(null=True)
    output_tokens = IntegerField(null=True)
    cached_tokens = IntegerField(null=True)
    reasoning_tokens = IntegerField(null=True)
    state = TextField(null=True)
    error = TextField(null=True)
    first_token_s = FloatField(null=True)
    total_s = FloatField(null=True)
    created_at = IntegerField()
    reply_to = IntegerField(null=True)
    citations = TextField(null=True)
    step = IntegerField()
    extra = TextField(null=True)
    stands_for = IntegerField(null=True)


class PieceRow(_Row):
    """A piece of a partial reply's text: what came between two saves."""

    id = AutoField()
    message_id = IntegerField()
    content = TextField()
    reasoning = TextField()


class CallRow(_Row):
    """A tool that a reply asked for, with what came of it; see `hfs_cli.messages.Call`.

    Attributes:
        result: None while there is none.
        started_at: None where it never ran.
    """

    id = AutoField()
    message_id = IntegerField()
    position = IntegerField()
    call_id = TextField()
    name = TextField()
    arguments = TextField()
    result = TextField(null=True)
    failed = IntegerField()
    extra = TextField(null=True)
    started_at = IntegerField(null=True)
    ended_at = IntegerField(null=True)

    class Meta:
        """Its table."""

        table_name = "tool_call"


class AttachmentRow(_Row):
    """The bytes of an attachment, kept once for all messages that have it."""

    sha256 = TextField(primary_key=True)
    data = BlobField()


class MessageAttachmentRow(_Row):
    """An attachment of a message, or the address of one."""

    message_id = IntegerField()
    position = IntegerField()
    name = TextField()
    media_type = TextField()
    sha256 = TextField(null=True)
    url = TextField(null=True)

    class Meta:
        """Its table and its key."""

        table_name = "message_attachment"
        primary_key = CompositeKey("message_id", "position")


class CheckpointRow(_Row):
    """A point in a session; one without a label was set by a completed reply."""

    id = AutoField()
    session_id = IntegerField()
    position = IntegerField()
    label = TextField(null=True)
    created_at = IntegerField()


class RequestRow(_Row):
    """The request that a reply answered, where the turn allowed the reply to be used again.

    Attributes:
        sha256: Of all that was sent: see `hfs_cli.compose.reuse`.
    """

    message_id = IntegerField(primary_key=True)
    sha256 = TextField()


class DeletedRow(_Row):
    """A session, or a named checkpoint, that was deleted: an import does not bring it back.

    Attributes:
        seen_at: When it was deleted, or when an import last met it; see `store/deleted.py`.
        owner: Whose it was; see `SessionRow`.
    """

    uid = TextField()
    owner = TextField()
    seen_at = IntegerField()

    class Meta:
        """Its key."""

        primary_key = CompositeKey("uid", "owner")


TABLES: tuple[type[Model], ...] = (
    ImportRow,
    SessionRow,
    MessageRow,
    PieceRow,
    CallRow,
    AttachmentRow,
    MessageAttachmentRow,
    CheckpointRow,
    RequestRow,
    DeletedRow,
)
