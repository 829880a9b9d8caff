"""The text form of OpenMetrics 1.0, read strictly and independently of what writes it: the grammar
of the specification, and the rules that it states in words. Gives {family: Family}; anything else
than the form raises Wrong with the line's number.

    openmetrics.py < TEXT     says what is wrong, or how many families and samples there are"""
import math
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r"[a-zA-Z_][a-zA-Z0-9_]*"
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
                    r"|[+-]?[Ii]nf(?:inity)?$|[Nn]a[Nn]$")
TYPES = ("counter", "gauge", "histogram", "gaugehistogram", "stateset", "info", "summary",
         "unknown")
SUFFIXES = {
    "counter": ("_total", "_created"), "gauge": ("",), "info": ("_info",), "unknown": ("",),
    "stateset": ("",), "histogram": ("_bucket", "_count", "_sum", "_created"),
    "summary": ("", "_count", "_sum", "_created"),
    "gaugehistogram": ("_bucket", "_gcount", "_gsum"),
}


class Wrong(ValueError):
    """Where the text is not of the form."""


class Family:
    """One metric family: its type, unit, help, and samples as (suffix, labels, value)."""

    def __init__(self, name):
        self.name, self.type, self.unit, self.help, self.samples = name, None, None, None, []

    def value(self, suffix="", **labels):
        """The one sample with these labels, among others."""
        found = [v for s, have, v in self.samples
                 if s == suffix and labels.items() <= have.items()]
        if len(found) != 1:
            raise KeyError(f"{self.name}{suffix} {labels}: {len(found)} samples")
        return found[0]


def number(text):
    if not NUMBER.match(text):
        raise Wrong(f"no number: {text!r}")
    return float(text)


def unescape(text, quotes):
    out, at = [], 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
            escaped = text[at:at + 1]
            if escaped not in ("n", "\\") + (('"',) if quotes else ('"',)):
                raise Wrong(f"escape of {escaped!r}")
            out.append("\n" if escaped == "n" else escaped)
        elif text[at] == '"' and quotes:
            raise Wrong("a quote that is not escaped")
        else:
            out.append(text[at])
        at += 1
    return "".join(out)


def labels(text):
    """What stands between the braces."""
    out, at = {}, 0
    while at < len(text):
        found = re.compile(f'({LABEL})="((?:[^"\\\\\n]|\\\\.)*)"').match(text, at)
        if not found:
            raise Wrong(f"labels: {text[at:]!r}")
        if found[1] in out:
            raise Wrong(f"label {found[1]} twice")
        out[found[1]] = unescape(found[2], quotes=True)
        at = found.end()
        if at < len(text):
            if text[at] != "," or at + 1 == len(text):
                raise Wrong(f"labels: {text[at:]!r}")
            at += 1
    return out


SAMPLE = re.compile(rf'({NAME})(?:\{{((?:[^"}}]|"(?:[^"\\]|\\.)*")*)\}})? (\S+)(?: (\S+))?$')


def metadata(line, families, current):
    found = re.match(rf"# (TYPE|UNIT|HELP) ({NAME})(?: (.*))?$", line)
    if not found:
        raise Wrong(f"no metadata: {line!r}")
    what, name, text = found[1], found[2], found[3] or ""
    if current is None or current.name != name:
        if name in families:
            raise Wrong(f"family {name} is interleaved")
        current = families[name] = Family(name)
    if current.samples:
        raise Wrong(f"{what} of {name} after its samples")
    key = what.lower()
    if getattr(current, key) is not None:
        raise Wrong(f"{what} of {name} twice")
    if what == "TYPE" and text not in TYPES:
        raise Wrong(f"type {text!r}")
    if what == "UNIT" and text and not name.endswith("_" + text):
        raise Wrong(f"{name} does not end in its unit {text}")
    setattr(current, key, unescape(text, quotes=False))
    return current


def sample(line, families, current):
    found = SAMPLE.match(line)
    if not found:
        raise Wrong(f"no sample: {line!r}")
    name = found[1]
    if current is None or not name.startswith(current.name):
        raise Wrong(f"{name} belongs to no family that has just been named")
    kind = current.type or "unknown"
    suffix = name[len(current.name):]
    if suffix not in SUFFIXES[kind]:
        raise Wrong(f"{name} is no sample of the {kind} {current.name}")
    have, value = labels(found[2] or ""), number(found[3])
    if any(s == suffix and l == have for s, l, _ in current.samples):
        raise Wrong(f"{name} {have} twice")
    if kind in ("counter", "histogram") and (value < 0 or math.isnan(value)):
        raise Wrong(f"{name} is {value}")
    if kind == "info" and value != 1:
        raise Wrong(f"the info {name} is {value}")
    if suffix == "_bucket":
        number(have.get("le", ""))
    current.samples.append((suffix, have, value))


def histograms(family):
    """Buckets ascend, end at +Inf, and that one is the count."""
    rows = {}
    for suffix, have, value in family.samples:
        rest = tuple(sorted((k, v) for k, v in have.items() if k != "le"))
        rows.setdefault(rest, {}).setdefault(suffix, []).append((have.get("le"), value))
    for row in rows.values():
        buckets = [(number(le), v) for le, v in row.get("_bucket", [])]
        if not buckets or buckets != sorted(buckets) or buckets[-1][0] != math.inf:
            raise Wrong(f"buckets of {family.name}: {buckets}")
        if any(a[1] > b[1] for a, b in zip(buckets, buckets[1:])):
            raise Wrong(f"buckets of {family.name} are not cumulative: {buckets}")
        if "_count" in row and row["_count"][0][1] != buckets[-1][1]:
            raise Wrong(f"the count of {family.name} is not its last bucket")


def parse(text):
    """The families of a whole text."""
    if not text.endswith("# EOF\n"):
        raise Wrong("no EOF at the end")
    families, current = {}, None
    for count, line in enumerate(text.split("\n")[:-2], 1):
        try:
            if line.startswith("#"):
                current = metadata(line, families, current)
            else:
                sample(line, families, current)
        except Wrong as wrong:
            raise Wrong(f"line {count}: {wrong}") from None
    for name, family in families.items():
        for other in families:
            if other != name and any(other + s == name for s in SUFFIXES[families[other].type or
                                                                         "unknown"] if s):
                raise Wrong(f"{name} is a sample's name of {other}")
        if family.type == "histogram":
            histograms(family)
    return families


if __name__ == "__main__":
    try:
        READ = parse(sys.stdin.read())
    except Wrong as why:
        sys.exit(str(why))
    print(f"{len(READ)} families, {sum(len(f.samples) for f in READ.values())} samples")
