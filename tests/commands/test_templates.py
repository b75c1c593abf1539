"""`hfs chat -t`, `hfs templates`, and profiles that hold options of a turn."""

from __future__ import annotations

import json
import stat
import tomllib

import pytest

from hfs_cli.config.settings import SETTINGS, TURN_OPTIONS
from tests.scripted_server import openai_sse

_CONFIG = 'model = "mock/m"\n[providers.mock]\ntype = "openai"\nbase_url = "{url}"\n'
_FULL = """
prompt = "Say $what."
system = "Speak $tongue."
temperature = 0.5
max-tokens = 9
option = { top_p = 0.25 }
[defaults]
tongue = "Latin"
"""


@pytest.fixture
def asked(hfs, server):
    """Take a turn; the request's body, its system prompt and the user message."""
    hfs.configure(_CONFIG.format(url=server.url))

    def ask(*args: str, reply: str = "ok", **kwargs) -> tuple[dict, str | None, str]:
        server.reply(openai_sse(reply))
        hfs.ok("chat", *args, **kwargs)
        body = server.requests[-1].json
        roles = {message["role"]: message["content"] for message in body["messages"]}
        return body, roles.get("system"), roles["user"]

    return ask


@pytest.fixture
def template(hfs):
    """Write a template of the user's own."""

    def write(name: str, text: str) -> None:
        directory = hfs.config.parent / "templates"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{name}.toml").write_text(text)

    return write


def test_a_template_gives_prompt_system_and_options(asked, template):
    template("t", _FULL)
    body, system, user = asked("-t", "t", "-p", "what", "hello")
    assert (system, user) == ("Speak Latin.", "Say hello.")
    assert (body["temperature"], body["max_tokens"], body["top_p"]) == (0.5, 9, 0.25)


def test_the_words_follow_the_prompt_and_standard_input_follows_the_words(asked, template):
    template("t", 'prompt = "Translate:"\n')
    assert asked("-t", "t", "these", "words", stdin=b"and this\n")[2] == (
        "Translate:\n\nthese words\n\nand this"
    )


def test_standard_input_has_its_place_where_the_prompt_names_it(asked, template):
    template("t", 'prompt = """\n<$input>\n"""\n')
    assert asked("-t", "t", "then this", stdin=b"in\n")[2] == "<in>\n\nthen this"


@pytest.mark.parametrize("more", [{}, {"stdin": b""}, {"stdin": b"\n"}])
def test_the_words_are_the_input_where_nothing_is_piped_in(asked, template, more):
    template("t", 'prompt = "<$input>"\n[defaults]\ninput = "nothing"\n')
    assert asked("-t", "t", "these", "words", **more)[2] == "<these words>"
    assert asked("-t", "t", " ", **more)[2] == "<nothing>"


@pytest.mark.parametrize(
    "value", ["$x", "${input}", "$$", "`id`", "$(id)", "{0}", "\\1", "{{x}}", "%s", "a\nb"]
)
def test_a_value_is_put_in_as_it_stands(asked, template, value):
    template("t", 'prompt = "$x|${x}|$$x|$5|$"\n')
    assert asked("-t", "t", "-p", f"x={value}")[2] == f"{value}|{value}|$x|$5|$"
    template("i", 'prompt = "$input"\n')
    assert asked("-t", "i", stdin=f"({value})".encode())[2] == f"({value})"


@pytest.mark.parametrize(
    ("args", "stdin", "said"),
    [
        (("-t", "t"), b"", "a value for who: pass -p who VALUE"),
        (("-t", "t", "-p", "who", "me"), b"", "needs an input: pipe it in, or give a prompt"),
        (("-t", "t", "-p", "whom", "me"), b"x", 'no placeholder "whom" in the template t'),
        (("-p", "who", "me", "hi"), b"", "name one with -t"),
        (("-t", "t", "--save-template", "u", "hi"), b"", "leave out -t"),
    ],
)
def test_what_has_no_value_is_named_and_nothing_is_sent(hfs, server, template, args, stdin, said):
    hfs.configure(_CONFIG.format(url=server.url))
    template("t", 'prompt = "For $who: $input"\n')
    done = hfs("chat", *args, stdin=stdin)
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert not server.requests
    assert not hfs.database.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("promt = 'x'", "did you mean prompt?"),
        ("prompt = 3", "prompt in"),
        ("temperature = 'hot'", "temperature in"),
        ("max-tokens = 0", "max-tokens in"),
        ("extract = 'yes'", "must be true or false"),
        ("reasoning = 'lots'", "reasoning in"),
        ("option = 3", "must be a table"),
        ("defaults = 3", "must be a table"),
        ("template = 'u'", "unknown key 'template'"),
        ("prompt = ", "is not valid TOML"),
    ],
)
def test_a_file_that_is_not_a_template_is_refused(hfs, template, text, said):
    template("t", text)
    done = hfs("chat", "-t", "t", "hi")
    assert done.returncode == 3
    assert said in done.stderr.decode()
    assert b"t.toml" in done.stderr


@pytest.mark.parametrize("name", ["comit-message", "../keys", "x/y.toml", "", "-x"])
def test_a_template_that_is_not_there(hfs, name):
    done = hfs("chat", f"--template={name}", "hi")
    assert done.returncode == 4
    assert done.stderr.startswith(b"hfs: error: no template")


def test_later_templates_win_and_a_path_is_one(asked, template, tmp_path):
    template("a", 'prompt = "one $x"\ntemperature = 0.1\nmax-tokens = 5\n[defaults]\nx = "a"\n')
    (tmp_path / "b.toml").write_text('prompt = "two $x $y"\ntemperature = 0.2\ndefaults.y = 2\n')
    body, _, user = asked("-t", "a", "-t", str(tmp_path / "b.toml"))
    assert user == "two a 2"
    assert (body["temperature"], body["max_tokens"]) == (0.2, 5)


def test_a_flag_beats_a_template_which_beats_the_profile(hfs, server, asked, template):
    template("t", 'prompt = "p"\nsystem = "template"\ntemperature = 0.2\nschema = "a int"\n')
    with hfs.config.open("a") as file:
        file.write(
            '[profiles.work]\nsystem = "profile"\ntemperature = 0.3\nmax-tokens = 7\n'
            "option = { top_p = 0.5, seed = 1 }\n"
        )
    body, system, _ = asked("--profile", "work", "hi")
    assert (system, body["temperature"], body["max_tokens"]) == ("profile", 0.3, 7)
    assert (body["top_p"], body["seed"]) == (0.5, 1)
    json_reply = '{"a": 1}'
    body, system, _ = asked("--profile", "work", "-t", "t", reply=json_reply)
    assert (system, body["temperature"], body["max_tokens"]) == ("template", 0.2, 7)
    assert body["response_format"]["type"] == "json_schema"
    body, system, _ = asked("-t", "t", "-s", "flag", "--temperature", "1", reply=json_reply)
    assert (system, body["temperature"]) == ("flag", 1)
    body, system, _ = asked("-t", "t", "--no-system", "-o", "temperature=0.9", reply=json_reply)
    assert (system, body["temperature"]) == (None, 0.9)
    # What excludes an option by hand takes it out of the template.
    body, _, _ = asked("-t", "t", "-x", reply="```\n1\n```")
    assert "response_format" not in body


def test_a_profile_holds_what_a_turn_has_and_nothing_unknown(hfs):
    help_text = hfs.ok("chat", "--help")
    for name in TURN_OPTIONS:
        assert f"--{name}" in help_text
        assert name.replace("-", "_") not in SETTINGS
    hfs.configure("[profiles.work]\ntemprature = 1\n")
    done = hfs("chat", "hi")
    assert done.returncode == 3
    assert b"did you mean temperature?" in done.stderr
    hfs.configure('[profiles.work]\ntemperature = "hot"\n')
    done = hfs("chat", "--profile", "work", "hi")
    assert done.returncode == 3
    assert b"temperature in [profiles.work]" in done.stderr


def test_what_is_typed_becomes_a_template(hfs, asked):
    args = ("-m", "mock/m", "-s", "Speak $to", "-o", "top_p=0.5", "--max-tokens", "9", "-x")
    done = hfs("chat", "--save-template", "mine", *args, "-p", "to", "Latin", "Say $input")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    file = hfs.config.parent / "templates/mine.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert tomllib.loads(file.read_text()) == {
        "prompt": "Say $input",
        "model": "mock/m",
        "system": "Speak $to",
        "option": {"top_p": "0.5"},
        "max-tokens": 9,
        "extract": True,
        "defaults": {"to": "Latin"},
    }
    body, system, user = asked("-t", "mine", reply="```\nx\n```", stdin=b"salve\n")
    assert (system, user, body["top_p"]) == ("Speak Latin", "Say salve", 0.5)
    again = hfs("chat", "--save-template", "mine", "other")
    assert again.returncode == 2
    assert b"--force replaces it" in again.stderr
    assert hfs("chat", "--save-template", "mine", "--force", "other").returncode == 0
    assert hfs.ok("templates", "show", "mine") == 'prompt = "other"\n'
    assert hfs("chat", "--save-template", "../x", "other").returncode == 2


def test_a_value_whose_placeholder_the_shell_has_taken_is_told_so(hfs):
    done = hfs("chat", "--save-template", "shout", "-p", "to", "English", "Say in : ")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"there is no $to in the prompt: write it in single quotes" in done.stderr
    assert not (hfs.config.parent / "templates").exists()


def test_the_list_has_both_kinds_and_ones_own_hides(hfs, template):
    found = json.loads(hfs.ok("templates", "list", "--json"))
    assert len(found) == 10
    assert all(row["built_in"] and row["description"] for row in found)
    template("title", 'description = "mine"\n')
    rows = hfs.ok("templates", "list").splitlines()
    assert "title\tmine\tyours" in rows
    assert hfs.ok("templates", "show", "title") == 'description = "mine"\n'
    assert "words" in hfs.ok("templates", "show", "--builtin", "title")
    listed = [line.split("\t")[0] for line in hfs.ok("templates", "show", "--builtin").splitlines()]
    assert {"title", "review", "translate"} <= set(listed)
    assert len(listed) == 10
    assert hfs("templates", "show").returncode == 2
    assert "title\tmine\n" in hfs.ok("__complete", "templates", "ti")
    template("broken", "prompt = 3")
    done = hfs("templates", "list")
    assert done.returncode == 0
    assert b"broken" in done.stderr


def test_one_is_removed_and_a_built_in_one_is_not(hfs, template):
    template("title", 'description = "mine"\n')
    assert hfs.ok("templates", "path").strip() == str(hfs.config.parent / "templates")
    hfs.ok("templates", "remove", "title")
    assert hfs("templates", "remove", "title").returncode == 2
    assert hfs("templates", "remove", "nothing").returncode == 4
    assert hfs("templates", "edit", "title").returncode == 2  # no terminal here
    assert not (hfs.config.parent / "templates/title.toml").exists()


@pytest.mark.parametrize(
    ("args", "stdin", "system", "user"),
    [
        (("commit-message",), b"+x\n", "commit messages", "at 72 characters. Answer with the"),
        (("explain-error",), b"E: no\n", None, "the first thing to try.\n\nE: no"),
        (("summarise", "-p", "sentences", "5"), b"long\n", None, "at most 5 sentences."),
        (("translate", "-p", "to", "French", "Hi"), b"", "into French", "into French:\n\nHi"),
        (("regex", "an address"), b"", None, "(Python) for what follows."),
        (("extract-json", "-p", "fields", "a, b"), b"text\n", None, "in the text: a, b. Answer"),
        (("changelog",), b"fix\n", None, "who use the program: what"),
        (("title",), b"text\n", None, "at most 8 words."),
        (("ask-file", "-f", "f.txt", "Why?"), b"", "from nothing else", "the files:\n\nWhy?"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_built_in_template_asks_so(asked, tmp_path, monkeypatch, args, stdin, system, user):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.txt").write_text("because\n")
    body, sent_system, sent = asked("-t", *args, stdin=stdin, reply="```\nx\n```")
    assert user in sent
    assert (system or "") in (sent_system or "")
    assert "$" not in sent
    assert body["model"] == "m"


def test_the_review_is_json_that_fits(asked):
    finding = {"file": "a.py", "line": 1, "severity": "low", "finding": "no"}
    body, _, user = asked("-t", "review", stdin=b"+x\n", reply=json.dumps({"findings": [finding]}))
    assert user.endswith("\n\n+x")
    schema = body["response_format"]["json_schema"]["schema"]
    item = schema["properties"]["findings"]["items"]
    assert sorted(item["required"]) == ["file", "finding", "line", "severity"]
