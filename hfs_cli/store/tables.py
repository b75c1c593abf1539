"""The tables, as the migrations leave them; a test compares the two.

A branch is a session: a fork, or a tail that was set aside, is a row that names its parent
and how many of the parent's messages it shares. Shared messages are kept once. What refers to
what is the migrations' business: a reference is a number here, as in a row.
"""

from peewee import AutoField, BlobField, CompositeKey, FloatField, IntegerField, Model, TextField


class ImportRow(Model):
    """An import that has brought sessions, or is bringing them.

    Attributes:
        ended_at: None while it goes on, and for ever where its process was killed: what it has
            brought is not shown.
        owner: As of `SessionRow`.
    """

    id = AutoField()
    started_at = IntegerField()
    ended_at = IntegerField(null=True)
    owner = TextField()

    class Meta:
        """Where it is kept."""

        table_name = "import"


class SessionRow(Model):
    """A conversation or a branch of one.

    Attributes:
        message_count: Length of the transcript, shared messages included; lists read it
            instead of counting.
        use_seq: Rises with each use, so that order never depends on a clock. Below 0: it was
            imported and never used here. None: a tail that was set aside and has not been used
            since, or a session that never had a reply; lists leave them out.
        origin: How the row came to be.
        fork_position: How many messages of the parent's transcript this one begins with.
        created_at: Microseconds since 1970, UTC, like every time here.
        import_id: Which import brought it, or None.
        owner: Whose it is, on a server; uid, name and `use_seq` are unique for each. The engine
            gives it to a new row. Empty in a file, where no query asks for it.
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

    class Meta:
        """Where it is kept."""

        table_name = "session"


class MessageRow(Model):
    """One message. Positions are dense in a transcript and start at 1.

    Attributes:
        reply_to: The question that a reply answers, or the step of its turn before it.
        state: What the vendor wants back with it, as JSON, and which vendor that is.
        step: Which request of its turn it answers, from 0.
        extra: What it held in another program and has no place here, as JSON.
        stands_for: Of a summary: how many messages of the transcript, from its beginning, it
            stands for in what a model is given.
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

    class Meta:
        """Where it is kept."""

        table_name = "message"


class PieceRow(Model):
    """What a partial reply has gained since it was last saved; its text goes on with it."""

    id = AutoField()
    message_id = IntegerField()
    content = TextField()
    reasoning = TextField()

    class Meta:
        """Where it is kept."""

        table_name = "piece"


class CallRow(Model):
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


class AttachmentRow(Model):
    """The bytes of an attachment, once, however many messages carry them."""

    sha256 = TextField(primary_key=True)
    data = BlobField()

    class Meta:
        """Where it is kept."""

        table_name = "attachment"


class MessageAttachmentRow(Model):
    """That a message carries an attachment, or the address of one."""

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


class CheckpointRow(Model):
    """A point in a session; one without a label was set by a completed reply."""

    id = AutoField()
    session_id = IntegerField()
    position = IntegerField()
    label = TextField(null=True)
    created_at = IntegerField()

    class Meta:
        """Where it is kept."""

        table_name = "checkpoint"


class RequestRow(Model):
    """What a reply answered, where a turn said that it may be answered with again.

    Attributes:
        sha256: Of all that was sent: see `hfs_cli.compose.reuse`.
    """

    message_id = IntegerField(primary_key=True)
    sha256 = TextField()

    class Meta:
        """Where it is kept."""

        table_name = "request"


class DeletedRow(Model):
    """That a session, or a named checkpoint, was deleted: an import does not bring it back.

    Attributes:
        seen_at: When it was deleted, or when an import last met it; see `store/deleted.py`.
        owner: Whose it was; as of `SessionRow`.
    """

    uid = TextField()
    owner = TextField()
    seen_at = IntegerField()

    class Meta:
        """Where it is kept."""

        table_name = "deleted"
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
