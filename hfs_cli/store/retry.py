"""Answer a question again: begin its turn, and set aside the replies that it has."""

from __future__ import annotations

from hfs_cli.errors import NotFoundError
from hfs_cli.messages import Message, Opened, Turn
from hfs_cli.store import messages, rows, sessions
from hfs_cli.store.branches import set_aside
from hfs_cli.store.engine import Connection
from hfs_cli.store.tables import MessageRow


def begin(db: Connection, turn: Turn, question_id: int) -> Opened:
    """Begin a turn whose question is kept already.

    The new reply sets aside the earlier ones when it is kept: if none comes, the session is as it
    was.
    """
    assert turn.place.session_id is not None
    session = sessions.get(db, turn.place.session_id)
    history = messages.transcript(db, session.id, session.messages)
    earlier = said_before(history, question_id)
    question = _question(history, question_id)
    if question.error is not None:  # its request runs once more
        MessageRow.update(error=None).where(MessageRow.id == question.id).execute(db)
    sessions.note_question(db, session.id, rows.now())
    return Opened(
        session=session,
        user_message_id=question.id,
        messages=(*messages.context(earlier), turn.prompt),
        # A system prompt for this reply alone is not kept: the question stays where it is.
        system=messages.system_for(turn, earlier),
    )


def _question(history: list[Message], question_id: int) -> Message:
    for message in history:
        if message.id == question_id:
            return message
    raise NotFoundError("the message to answer again is not in the session any more")


def said_before(history: list[Message], question_id: int) -> list[Message]:
    """The messages before a question, and replies to earlier questions that came after it.

    A summary of what was said before it may have come later, too.

    Raises:
        NotFoundError: The question is not there any more.
    """
    position = _question(history, question_id).position
    return [
        m
        for m in history
        if m.position < position
        or (m.role == "assistant" and m.reply_to)
        or (m.stands_for is not None and m.stands_for < position)
    ]


def set_replies_aside(db: Connection, session_id: int, question_id: int, position: int) -> None:
    """Make room for another reply to a question: the earlier ones become a branch.

    Where a reply to an earlier question is among them (turns overlapped) they stay, and the new
    reply comes after them: the last reply to a question is the one that counts. What comes before a
    summary stays, too, because the new reply goes on from the summary.
    """
    own, last = {None, question_id}, position
    for message in messages.transcript(db, session_id)[position:]:
        last = message.position
        if message.stands_for is not None:
            position = last
            continue
        if message.role != "assistant" or message.reply_to not in own:
            return
        own.add(message.id)
    if last == position:
        return
    set_aside(db, session_id, position, "retry")
