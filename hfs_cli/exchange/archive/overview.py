"""The first page of an archive: charts, models, the newest sessions, the search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from html import escape
from itertools import groupby
from operator import itemgetter
from urllib.parse import quote

from hfs_cli.exchange import html
from hfs_cli.exchange.archive.values import Entry, Numbers, Written, address
from hfs_cli.prices import Total
from hfs_cli.sanitize import sanitize_line
from hfs_cli.wording import money, plural, short_count

_DAYS, _MONTHS = 84, 36
# Only files beside the page: a browser calls them `file:` if there is no server.
_POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)


def overview(newest: Sequence[Entry], numbers: Numbers, done: Written) -> Iterator[str]:
    """The first page; `archive.js` runs its search."""
    style = '<link rel="stylesheet" href="page.css">\n<script src="archive.js" defer></script>'
    style += '\n<script src="blocks.js" defer></script>'
    yield html.head("Sessions", style, _POLICY)
    yield f"<header>\n<h1>Sessions</h1>\n<p>{' · '.join(_sums(numbers, done))}</p>\n</header>\n"
    yield (
        '<div class="search"><label for="words">Search</label>'
        '<input type="search" id="words" autocomplete="off" spellcheck="false"'
        ' placeholder="words of any session"></div>\n'
        "<noscript><p>The search needs JavaScript.</p></noscript>\n"
        '<div id="found" hidden><p class="about" id="said" aria-live="polite"></p>'
        '<ul class="list" id="hits"></ul></div>\n<main id="overview">\n'
    )
    yield from _charts(numbers.days)
    yield from _models(numbers.models)
    if newest:
        yield '<h2>Newest</h2>\n<ul class="list">\n'
        for entry in newest:
            about = [entry.used, *map(escape, entry.models[:3]), plural(entry.messages, "message")]
            yield (
                f'<li><a href="{address(entry.id)}">{escape(entry.name)}</a>'
                f'<p class="about">{" · ".join(about)}</p><p>{escape(entry.preview)}</p></li>\n'
            )
        yield "</ul>\n"
        if done.sessions > len(newest):
            yield f'<p><a href="#day=">All {done.sessions:,} sessions</a></p>\n'
    else:
        yield "<p>There are no sessions yet.</p>\n"
    yield f"</main>\n{html.END}"


def _sums(numbers: Numbers, done: Written) -> Iterator[str]:
    yield f"{done.sessions:,} session{'s' * (done.sessions != 1)}"
    yield f"{done.messages:,} message{'s' * (done.messages != 1)}"
    if numbers.days:
        first, last = numbers.days[0].key, numbers.days[-1].key
        yield escape(first if first == last else f"{first} to {last}")
    if costs := [total.cost for total in numbers.models if total.cost is not None]:
        yield f"cost {money(sum(costs))}"


def _charts(days: Sequence[Total]) -> Iterator[str]:
    """Turns and costs by day, and by month if there are more days than are shown."""
    if not days:
        return
    latest = _latest(days)
    yield from _pair("day", latest)
    if days[0].key < latest[0].key:
        yield from _pair("month", _by_month(days)[-_MONTHS:])


def _pair(title: str, totals: Sequence[Total]) -> Iterator[str]:
    yield f"<h2>By {title}</h2>\n"
    yield _bars("Turns", [(t.key, t.turns, f"{t.turns:,} turns") for t in totals])
    if any(total.cost for total in totals):
        costs = [(t.key, t.cost or 0.0, money(t.cost or 0)) for t in totals]
        yield _bars("Cost", costs)


def _latest(days: Sequence[Total]) -> list[Total]:
    """The last days up to one with turns, days without turns included."""
    known = {day.key: day for day in days}
    last = date.fromisoformat(days[-1].key)
    first = date.fromisoformat(days[0].key)
    count = min(_DAYS, (last - first).days + 1)
    keys = [(last - timedelta(back)).isoformat() for back in range(count - 1, -1, -1)]
    return [known.get(key) or Total(key, 0, 0, 0, 0, None, None, 0) for key in keys]


def _by_month(days: Sequence[Total]) -> list[Total]:
    found = []
    for month, group in groupby(days, key=lambda total: total.key[:7]):
        there = list(group)
        costs = [total.cost for total in there if total.cost is not None]
        turns = sum(total.turns for total in there)
        found.append(Total(month, turns, 0, 0, 0, None, sum(costs) if costs else None, 0))
    return found


def _bars(title: str, values: Sequence[tuple[str, float, str]]) -> str:
    """A bar chart; each bar is a link to the sessions of its day or month."""
    high, wide = 70, 700
    most = max(value for _, value, _ in values) or 1
    step = wide / max(len(values), 12)
    bars = []
    for place, (key, value, label) in enumerate(values):
        size = max(value / most * high, 1.5 if value else 0)
        at = f'x="{place * step:.1f}" width="{step * 0.85:.1f}"'
        bars.append(
            f'<a href="#day={escape(key)}"><title>{escape(key)}: {label}</title>'
            f'<rect class="room" {at} y="0" height="{high}"/>'
            f'<rect {at} y="{high - size:.1f}" height="{size:.1f}"/></a>'
        )
    highest = max(values, key=itemgetter(1))
    caption = escape(f"{title}: {values[0][0]} to {values[-1][0]}, at most {highest[2]}")
    return (
        f'<figure><svg viewBox="0 0 {wide} {high}" preserveAspectRatio="none" role="img"'
        f' aria-label="{caption}">'
        f"{''.join(bars)}</svg><figcaption>{caption}</figcaption></figure>\n"
    )


def _models(models: Sequence[Total]) -> Iterator[str]:
    if not models:
        return
    most = max(total.turns for total in models) or 1
    yield (
        '<h2>By model</h2>\n<div class="wide"><table class="models">\n<thead><tr><th>model</th>'
        "<th>turns</th><th>in</th><th>out</th><th>cost</th><th></th></tr></thead>\n<tbody>\n"
    )
    for total in models:
        name = html.line(total.key)
        link = (
            f'<a href="#model={quote(sanitize_line(total.key), safe="")}">{name}</a>'
            if total.key
            else "–"
        )
        cost = "–" if total.cost is None else money(total.cost)
        size = f"{total.turns / most * 100:.1f}"
        yield (
            f"<tr><td>{link}</td><td>{total.turns:,}</td><td>{short_count(total.input_tokens)}</td>"
            f'<td>{short_count(total.output_tokens)}</td><td>{cost}</td><td><svg class="bar" '
            f'viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
            f'<rect width="{size}" height="10"/></svg></td></tr>\n'
        )
    yield "</tbody>\n</table></div>\n"
