"""The words that depend on the user: which, in what order, and never a sound."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hfs_cli.completion.config_words import weights
from hfs_cli.config.settings import AUTH, PROFILE_SETTINGS, REASONING_LEVELS, TURN_OPTIONS
from hfs_cli.messages import ChatMessage, Place, Reply, Turn
from hfs_cli.store.store import SessionStore
from tests.benchmarks.databases import make_database
from tests.completion.conftest import add_sessions, rename_in_place


@pytest.fixture
def words(hfs):
    """Ask for words as the completion scripts do."""

    def ask(kind: str, prefix: str = "", before: str = "", **kwargs) -> list[tuple[str, str]]:
        lines = hfs.ok("__complete", kind, prefix, before, **kwargs).splitlines()
        return [(line.split("\t")[0], line.split("\t")[1]) for line in lines]

    hfs.data.mkdir(parents=True)
    return ask


def snapshot(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def test_with_nothing_typed_each_session_is_an_id_told_by_name_and_age(hfs, words):
    add_sessions(hfs.database, "older", "newer")
    assert words("sessions") == [("2", "newer · now"), ("1", "older · now")]


def test_letters_fit_names_and_digits_fit_ids_and_names(hfs, words):
    add_sessions(hfs.database, "1st try", "second", "1st and last")
    assert words("sessions", "1") == [
        ("1", "1st try · now"),
        ("1st and last", "3 · now"),
        ("1st try", "1 · now"),
    ]
    assert words("sessions", "s") == [("second", "2 · now")]
    assert words("sessions", "S") == []


def test_the_last_used_ones_go_by_that_too(hfs, words):
    add_sessions(hfs.database, "older", "newer")
    assert words("sessions", "@") == [("@last", "newer · now"), ("@last~1", "older · now")]


@pytest.mark.parametrize(
    "name",
    ["-rf", "@last", "12", "", "\x1b]52;c;aGk=\x07", "two\nlines", "tab\t", "\u202eevil", "\x9b2J"],
)
def test_a_name_that_cannot_stand_on_a_command_line_goes_by_its_id(hfs, words, name):
    add_sessions(hfs.database, "x")
    rename_in_place(hfs.database, 1, name)
    assert [word for word, _ in words("sessions")] == ["1"]
    assert words("sessions", name[:1] or "x") in ([], [("@last", "@last · now")]) or name == "12"
    raw = hfs("__complete", "sessions", "").stdout.decode()
    assert raw.count("\n") == 1
    assert not any(bad in raw for bad in "\x1b\x07\u202e\x9b")


def test_names_that_are_not_text_do_not_hide_the_others(hfs, words):
    add_sessions(hfs.database, "good", "bad")
    with closing(sqlite3.connect(hfs.database)) as db, db:
        db.execute("UPDATE session SET name = CAST(x'ff41' AS TEXT) WHERE id = 2")
    assert [word for word, _ in words("sessions")] == ["2", "1"]


def test_checkpoints_go_by_their_names(hfs, words):
    with SessionStore(hfs.database) as store:
        for name in ("older", "newer"):
            place = Place(name=name)
            opened = store.begin(Turn(ChatMessage("user", "?"), "openai/x", place=place))
            store.save_reply(opened, Reply("!", "openai/x", "complete"))
            store.create_checkpoint(opened.session.id, f"{name} draft")
            store.create_checkpoint(opened.session.id, "both")
    assert words("checkpoints") == [
        ("both", "message 2 of newer"),
        ("newer draft", "message 2 of newer"),
        ("older draft", "message 2 of older"),
    ]
    assert words("sessions+checkpoints", "n") == [
        ("newer", "2 · now"),
        ("newer draft", "message 2 of newer"),
    ]


def test_models_are_aliases_configured_ones_defaults_and_those_used(hfs, words):
    add_sessions(hfs.database, "x")
    hfs.configure('[aliases]\nfast = "openai/gpt-5-nano"\n[models."work/big"]\n')
    assert ("fast", "alias of openai/gpt-5-nano") in words("models")
    assert [word for word, _ in words("models", "work/")] == ["work/big"]
    assert "openai/gpt-6-luna" in [word for word, _ in words("models", "openai/")]


def test_the_models_that_are_asked_by_default_are_offered(hfs, words):
    hfs.configure('model = "work/a"\nfallback = ["work/b", 1, "alias"]\n')
    assert words("models", "work/") == [
        ("work/a", "model of the configuration"),
        ("work/b", "fallback of the configuration"),
    ]
    hfs.configure('model = 1\nfallback = "work/c, work/d"\n')
    assert words("models", "work/") == [
        ("work/c", "fallback of the configuration"),
        ("work/d", "fallback of the configuration"),
    ]


def test_models_that_a_provider_listed_are_offered(hfs, words):
    cache = hfs.home / ".cache/hfs"
    cache.mkdir(parents=True)
    (cache / "models-work.json").write_text('{"models": ["b", "a"]}')
    (cache / "models-broken.json").write_text("[")
    (cache / "models-odd.json").write_text('{"models": 1}')
    assert words("models", "work/") == [
        ("work/b", "listed by work"),
        ("work/a", "listed by work"),
    ]


def test_models_need_no_database(words):
    assert ("local/smollm2", "default of local") in words("models")


def test_providers_are_the_known_ones_and_those_of_the_configuration(hfs, words):
    hfs.configure('[providers.work]\nbase_url = "http://localhost/v1"\n')
    assert ("work", "http://localhost/v1") in words("providers")
    assert "openai" in [word for word, _ in words("providers")]
    assert ("azure", "needs its address: base_url") in words("providers")
    assert ("local", "in this process") in words("providers")


def test_setting_names_follow_the_configuration(hfs, words):
    hfs.configure("[providers.work]\nbase_url = 'http://localhost/v1'\n")
    assert words("settings", "idle") == [("idle_timeout", "")]
    assert ("providers.work.api_key_cmd", "") in words("settings", "providers.work.")


def test_what_the_file_sets_is_told_as_the_list_of_settings_has_it(hfs, words):
    hfs.configure(
        "stream = false\nretries = 4\nfallback = ['a/b', 'c/d']\nidle_timeout = 'soon'\n"
        "database_cmd = 'printf postgres://me:s3cret@h/d'\ndatabase = 'postgresql://me:s3cret@h/d'\n"
    )
    told = dict(words("settings"))
    assert (told["stream"], told["retries"], told["idle_timeout"]) == ("false", "4", "")
    assert told["fallback"] == '["a/b", "c/d"]'
    assert (told["database_cmd"], told["database"]) == ("printf …", "postgresql://me@h/d")


def test_the_settings_of_a_table_that_is_not_there_yet_are_offered_once_it_is_named(words):
    assert ("providers.box.type", "") in words("settings", "providers.box.")
    assert words("settings", "mcp.files.ur") == [("mcp.files.url", "")]
    assert words("settings", "budget") == [("budget.daily", "")]


def test_what_is_unset_is_what_the_file_sets(hfs, words):
    hfs.configure(
        "retries = 1\n[profiles.work]\nformat = 'json'\n[budget]\ndaily = 2\n"
        "[models.'a/b']\ncontext = 9\n"
    )
    assert [word for word, _ in words("settings", "", "unset")] == [
        *("retries", "profiles.work.format", 'models."a/b".context', "budget.daily"),
    ]


@pytest.mark.parametrize(
    ("key", "offered"),
    [
        ("render", [("auto", "the default"), ("markdown", ""), ("plain", "")]),
        ("profiles.work.stdin", [("auto", "the default"), ("never", ""), ("always", "")]),
        ("save", [("true", "the default"), ("false", "")]),
        ("tools.x.confirm", [("true", ""), ("false", "the default")]),
        ("reasoning", [(level, "") for level in REASONING_LEVELS]),
        ("providers.box.auth", [(way, "") for way in AUTH]),
        ("profiles.work.format", [("text", ""), ("json", ""), ("jsonl", "")]),
        ("profiles.work.extract", [("true", "")]),
        ("retries", []),
        ("nosuch", []),
        ("profiles.work.option.top_p", []),
        ("a.b.c.d.e", []),
        ("", []),
    ],
)
def test_the_values_of_a_setting_are_those_that_it_takes(words, key, offered):
    assert words("values", "", key) == offered


@pytest.mark.parametrize("key", ["model", "fallback", "aliases.x", "profiles.work.model"])
def test_the_values_of_a_model_are_the_models(words, key):
    assert ("openai/gpt-6-luna", "default of openai") in words("values", "openai/", key)


def test_the_values_of_a_profiles_tools_are_the_tools(hfs, words):
    hfs.configure("[tools.lines]\ncommand = ['wc']\ndescription = 'Count.'\n")
    assert words("values", "l", "profiles.work.tool") == [("lines", "Count.")]


def test_a_profile_is_offered_all_that_it_may_hold(hfs, words):
    hfs.configure("[profiles.work]\nmodel = 'a/b'\n")
    offered = {name.rpartition(".")[2] for name, _ in words("settings", "profiles.work.")}
    assert offered == {*PROFILE_SETTINGS, *TURN_OPTIONS}


def test_the_weights_that_can_be_fetched_and_files_of_weights_are_offered(
    words, tmp_path, monkeypatch
):
    for name in ("a.gguf", "b.txt"):
        (tmp_path / name).touch()
    assert ("qwen3-1.7b", "1.8 GB") in words("weights")
    assert words("weights", f"{tmp_path}/") == [(f"{tmp_path}/a.gguf", "")]
    monkeypatch.chdir(tmp_path)
    assert ("a.gguf", "") in weights("a")
    assert words("weights", "/nosuch/") == []


def test_profiles_are_told_by_what_they_set(hfs, words):
    hfs.configure("[profiles.work]\nmodel = 'a/b'\nretries = 1\n")
    assert words("profiles") == [("work", "model, retries")]


@pytest.fixture
def typed(hfs, words):
    """Ask for words behind a command line."""

    def ask(kind: str, prefix: str, line: str, **kwargs) -> list[tuple[str, str]]:
        lines = hfs.ok("__complete", kind, prefix, *line.split(), **kwargs).splitlines()
        return [tuple(line.split("\t")) for line in lines]

    return ask


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("hfs chat --at", "newer"),
        ("hfs chat -c --at", "newer"),
        ("hfs chat -S older --at", "older"),
        ("hfs chat -q --session=1 --at", "older"),
        ("hfs chat -S old --at", "older"),
        ("hfs chat -S @last~1 --at", "older"),
        ("hfs sessions fork -n newer older --at", "older"),
        ("hfs sessions fork --at", "newer"),
        ("hfs sessions rewind older --to", "older"),
    ],
)
def test_messages_are_those_of_the_session_that_is_meant(hfs, typed, line, name):
    hfs.keep("older", "a pipe?", "older says yes")
    hfs.keep("newer", "a pipe?", "newer says yes")
    assert typed("messages", "", line) == [
        ("2", f"assistant: {name} says yes"),
        ("1", "user: a pipe?"),
    ]
    assert typed("messages", "1", line) == [("1", "user: a pipe?")]
    assert typed("messages", "x", line) == []


def test_a_session_that_is_set_is_meant_and_an_unknown_one_has_no_messages(hfs, typed):
    hfs.keep("older", "hi", "older")
    hfs.keep("newer", "hi", "newer")
    env = {"HFS_SESSION": "older"}
    assert typed("messages", "2", "hfs chat --at", env=env) == [("2", "assistant: older")]
    assert typed("messages", "2", "hfs chat -c --at", env=env) == [("2", "assistant: newer")]
    assert typed("messages", "", "hfs chat -S nosuch --at") == []
    assert typed("messages", "", "hfs chat -S @last~9 --at") == []


def test_the_messages_of_a_fork_are_those_that_it_shares_and_its_own(hfs, typed):
    with SessionStore(hfs.database) as store:
        place = Place(name="whole")
        for said in ("one", "two"):
            opened = store.begin(Turn(ChatMessage("user", said), "openai/x", place=place))
            store.save_reply(opened, Reply(f"{said}!", "openai/x", "complete"))
            place = Place(session_id=opened.session.id)
        fork = store.fork(opened.session.id, at=2, name="half")
        store.begin(Turn(ChatMessage("user", "three"), "openai/x", place=Place(fork.id)))
    assert [told for _, told in typed("messages", "", "hfs chat -S half --at")] == [
        "user: three",
        "assistant: one!",
        "user: one",
    ]


def test_no_key_in_a_message_is_shown(hfs, typed):
    key = "sk-ant-api03-" + "Ab3dEf6hIj9lMn2pQr5tUv8x" * 4
    hfs.keep("keys", f"use {key}", "x" * 195 + key, "tok3n-of-mine\n is set", "ok")
    told = typed("messages", "", "hfs chat --at", env={"MY_TOKEN": "tok3n-of-mine"})
    assert len(told) == 4
    shown = " ".join(text for _, text in told)
    assert "sk-ant" not in shown
    assert "tok3n" not in shown
    assert told[1] == ("3", "user: [hidden] is set")


def test_placeholders_are_those_of_the_templates_that_are_named(hfs, typed):
    directory = hfs.config.parent / "templates"
    directory.mkdir(parents=True)
    (directory / "letter.toml").write_text(
        'prompt = "Dear $who, $input. $greeting"\nsystem = "Be $mood."\n'
        '[defaults]\ngreeting = "s3cret"\n'
    )
    letter = [("who", "needs a value"), ("greeting", "has a default"), ("mood", "needs a value")]
    assert typed("placeholders", "", "hfs chat -t letter -p") == letter
    assert typed("placeholders", "g", "hfs chat --template=letter --param") == letter[1:2]
    assert typed("placeholders", "", "hfs chat -t letter -p who me -p mood=glad -p") == letter[1:2]
    assert typed("placeholders", "", "hfs batch x.csv -t translate -t letter -p")[:2] == letter[:2]
    assert typed("placeholders", "", "hfs chat -p") == []
    assert typed("placeholders", "", "hfs chat -t nosuch -p") == []


@pytest.mark.parametrize(
    "arguments",
    [(), ("sessions",), ("nonsense", ""), ("sessions", "", "more"), ("sessions", b"\xff")],
)
def test_a_question_that_makes_no_sense_gets_no_answer(hfs, arguments):
    done = hfs("__complete", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


# --- whatever state the database is in -------------------------------------------------------


def test_an_absent_database_is_not_made(hfs):
    assert hfs.ok("__complete", "sessions", "") == ""
    assert not hfs.data.exists()


@pytest.mark.parametrize(
    "content", [b"", b"no database at all", bytes(range(256)) * 16], ids=["empty", "text", "bytes"]
)
def test_what_is_not_a_database_is_left_alone(hfs, words, content):
    hfs.database.write_bytes(content)
    assert words("sessions") == []
    assert snapshot(hfs.data) == {"hfs.db": content}


@pytest.mark.parametrize("cut", [100, 512, 4096, 9000])
def test_a_cut_database_is_left_alone(hfs, words, cut):
    add_sessions(hfs.database, "x")
    hfs.database.write_bytes(hfs.database.read_bytes()[:cut])
    before = snapshot(hfs.data)
    words("sessions")
    assert snapshot(hfs.data) == before


def test_a_pipe_in_its_place_is_not_waited_for(hfs, words):
    os.mkfifo(hfs.database)
    assert hfs("__complete", "sessions", "").stdout == b""


def test_a_locked_database_is_read_all_the_same(hfs, words):
    add_sessions(hfs.database, "kept")
    with closing(sqlite3.connect(hfs.database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE session SET name = 'not yet'")
        assert words("sessions") == [("1", "kept · now")]


def test_a_database_locked_for_everybody_is_not_waited_for(hfs, words):
    add_sessions(hfs.database, "kept")
    with closing(sqlite3.connect(hfs.database, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = DELETE")
        writer.execute("BEGIN EXCLUSIVE")
        words("sessions")


def test_nothing_is_made_beside_the_database(hfs, words):
    add_sessions(hfs.database, "x")
    before = snapshot(hfs.data)
    assert set(before) == {"hfs.db", "hfs.db.lock"}
    assert words("sessions")
    assert snapshot(hfs.data) == before


def test_a_directory_that_cannot_be_written_will_do(hfs, words):
    add_sessions(hfs.database, "x")
    hfs.data.chmod(0o500)
    try:
        assert words("sessions") == [("1", "x · now")]
    finally:
        hfs.data.chmod(0o700)


def test_what_another_process_has_just_kept_is_seen(hfs, words):
    with SessionStore(hfs.database) as store:
        place = Place(name="in the log still")
        opened = store.begin(Turn(ChatMessage("user", "?"), "openai/x", place=place))
        store.save_reply(opened, Reply("!", "openai/x", "complete"))
        assert (hfs.data / "hfs.db-wal").stat().st_size > 0
        assert [word for word, _ in words("sessions", "in")] == ["in the log still"]


def test_ten_thousand_sessions_give_the_newest_few(hfs, words):
    make_database(hfs.database, 10_000, messages=0)
    assert [word for word, _ in words("sessions")][:2] == ["10000", "9999"]
    assert len(words("sessions")) == 200
    assert words("sessions", "plan 9995.")[0][0] == "plan 9995... - 2026-11-22_18-05"
    assert words("sessions", "plan ")[0][0] == "plan 9995... - 2026-11-22_18-05"
    assert words("sessions", "999")[0][0] == "9999"
