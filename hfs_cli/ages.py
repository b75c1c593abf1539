"""How long ago something was, in one short phrase."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def ago(seconds: float) -> str | None:
    """Words for a time that is past by `seconds`.

    Returns:
        ``now``, ``5 min ago``, ``2 h ago`` or ``3 d ago``; None when a date says it better:
        a month or more ago, or ahead (a clock was set back).
    """
    if -_MINUTE < seconds < _MINUTE:
        return "now"
    for unit, limit, word in ((_MINUTE, _HOUR, "min"), (_HOUR, _DAY, "h"), (_DAY, 30 * _DAY, "d")):
        if 0 < seconds < limit:
            return f"{int(seconds // unit)} {word} ago"
    return None
