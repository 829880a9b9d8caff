"""The schema and what a value must be (PROTOCOL 3.6, 6), for root.py."""
import re

from root_bytes import Bad, Void, mp_peek, mp_scan, mp_sized


class Field:
    def __init__(self, name, kind, value, policy, words=(), id_type=None, search=False):
        self.name, self.kind, self.value, self.policy = name, kind, value, policy
        self.words, self.id_type, self.search = words, id_type, search


DELETED = Field("deleted", "register", "bool", "lww")
TYPE_NAMES = {1: "TOPIC", 2: "PROJ", 3: "SESSION", 4: "TODO", 5: "CONTEXT", 6: "REPO", 7: "SERVICE",
              8: "MESSAGE", 9: "CHECKPOINT", 10: "DEVICE"}
TYPE_NUMBERS = {name: number for number, name in TYPE_NAMES.items()}


def read_schema(path):
    """{type: (table, {number: Field})} from the generated document."""
    schema, fields = {}, None
    for line in open(path, encoding="utf-8"):
        head = re.match(r"## (\d+) (\w+)", line)
        table = re.match(r"Table `(\w+)`", line)
        row = re.match(r"\| (\d+) \| `(\w+)` \| (\w+) \| ([^|]+?) \| ([^|]+?) \| (.*) \|", line)
        if head:
            number, fields = int(head[1]), {}
        elif table and fields is not None:
            schema[number] = (table[1], fields)
        elif row and fields is not None:
            value, _, words = row[4].partition(": ")
            value, _, id_type = value.partition(" of ")
            fields[int(row[1])] = Field(row[2], row[3], value, row[5], words.split(", "),
                                        TYPE_NUMBERS.get(id_type), "search" in row[6])
    return schema


def check_utf8(data, limit):
    try:
        if len(data) > limit or b"\0" in data:
            raise Void("text")
        data.decode("utf-8")
    except UnicodeDecodeError:
        raise Void("text") from None


def check_value(field, head):
    """6.3, without sets' values and keys."""
    kind, value, good = head.kind, head.value, False
    if field.value in ("str", "word", "text"):
        if kind == "str":
            check_utf8(value, 98304 if field.value == "text" else 4096)
            good = True
    elif field.value == "bool":
        good = kind == "bool"
    elif field.value == "int":
        good = kind == "int" and value < 1 << 63
    elif field.value == "float":
        good = kind == "int" or (kind == "float" and value - value == 0)
    elif field.value == "share":
        good = (kind == "int" and 0 <= value <= 1) or (kind == "float" and 0.0 <= value <= 1.0)
    elif field.value == "time":
        good = kind == "int" and 0 <= value < 1 << 48
    elif field.value == "enum":
        good = kind == "str" and value in [w.encode() for w in field.words]
    elif field.value == "id":
        good = (kind == "bin" and len(value) == 17 and value[0] != 0 and
                field.id_type in (None, value[0]))
    elif field.value == "any":
        good = True
    if not good:
        raise Void(field.value)


def check_key(field, key):
    head = mp_peek(key)
    if head.kind not in ("str", "bin") or mp_sized(head.kind, head.value) != key:
        raise Void("key")
    if field.kind == "set":
        check_value(field, head)
    elif head.kind != "str" or not head.value:
        raise Void("key")
    else:
        check_utf8(head.value, 512)


def check_op(field, op):
    """3.6, what the form alone did not show."""
    for data in (op.key, op.value):
        if data:
            try:
                mp_scan(data, 8)
            except Bad:
                raise Void("msgpack") from None
    if field is None:
        return
    if (field.kind in ("set", "map")) != bool(op.key):
        raise Void("key")
    if op.key:
        check_key(field, op.key)
    if op.kind == 2:
        return
    head = mp_peek(op.value)
    if field.kind == "set":
        if head.kind != "nil":
            raise Void("set")
    else:
        check_value(field, head)


