"""Take turns without a model."""

from hfs_cli.messages import Attachment, ChatMessage, Opened, Place, Reply, Session, Turn
from hfs_cli.store.store import SessionStore


class Talk:
    """Take turns without a model."""

    def __init__(self, store: SessionStore) -> None:
        self.store = store

    def ask(
        self,
        prompt: str,
        session: Session | None = None,
        *,
        attachments: tuple[Attachment, ...] = (),
        model: str = "openai/gpt",
        system: str | None = None,
        no_system: bool = False,
        **place,
    ) -> Opened:
        return self.store.begin(
            Turn(
                ChatMessage("user", prompt, attachments),
                model,
                system=system,
                no_system=no_system,
                place=Place(session.id if session else None, **place),
            )
        )

    def answer(
        self, opened: Opened, text: str, *, model: str = "openai/gpt", **reply
    ) -> int | None:
        reply = {"status": "complete", **reply}
        return self.store.save_reply(opened, Reply(text, model, **reply))

    def turn(
        self,
        prompt: str,
        text: str,
        session: Session | None = None,
        *,
        model: str = "openai/gpt",
        **asked,
    ) -> Session:
        opened = self.ask(prompt, session, model=model, **asked)
        self.answer(opened, text, model=model)
        return self.store.get(opened.session.id)

    def contents(self, session: Session) -> list[str]:
        return [message.content for message in self.store.transcript(session.id)]


def talk_for_a_while(store: SessionStore, name: str) -> None:
    """Two sessions with a fork and a tail."""
    talk = Talk(store)
    one, two = (talk.turn("q1", "a1", name=f"{name} {n}") for n in (1, 2))
    for session in (one, two, one):
        talk.turn("q", "a", session)
    store.fork(one.id, at=4)
    store.undo(one.id)
