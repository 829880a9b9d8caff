"""Checks JSON values against the schemas of docs/json: the words of draft 2020-12 that they
use, and no others. A member that a schema does not name is reported too: a schema lets later
versions add some, but this one has none to add."""
import json
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "json"
WORDS = {"$schema", "$ref", "title", "description", "type", "properties", "required", "items",
         "additionalProperties", "const", "enum", "pattern", "format", "minimum", "maximum",
         "anyOf"}
TYPES = {"string": str, "object": dict, "array": list, "boolean": bool, "number": (int, float),
         "null": type(None)}
DATE_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


def load(kind):
    return json.loads((FOLDER / f"{kind}.schema.json").read_text(encoding="utf-8"))


def resolve(reference):
    name, _, path = reference.partition("#")
    schema = load(name.removesuffix(".schema.json"))
    for step in path.strip("/").split("/"):
        schema = schema[step]
    return schema


def is_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number" and isinstance(value, bool):
        return False
    return isinstance(value, TYPES[name])


def problems(value, schema, where="$"):
    """Sentences about what is wrong; none when the value is as the schema says."""
    if isinstance(schema, bool):
        return [] if schema else [f"{where}: nothing is allowed"]
    found = [f"{where}: the schema says {word}" for word in schema.keys() - WORDS]
    if "$ref" in schema:
        found += problems(value, resolve(schema["$ref"]), where)
    if "anyOf" in schema and all(problems(value, one, where) for one in schema["anyOf"]):
        found.append(f"{where}: {value!r} is none of the possible")
    if "const" in schema and value != schema["const"]:
        found.append(f"{where}: {value!r}, not {schema['const']!r}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is none of {schema['enum']}")
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(is_type(value, t) for t in types):
        return [*found, f"{where}: {value!r} is no {' or '.join(types)}"]
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            found.append(f"{where}: {value!r} does not match {schema['pattern']}")
        if schema.get("format") == "date-time" and not DATE_TIME.match(value):
            found.append(f"{where}: {value!r} is no time")
    if is_type(value, "number"):
        if value < schema.get("minimum", value) or value > schema.get("maximum", value):
            found.append(f"{where}: {value!r} is out of range")
    if isinstance(value, list) and "items" in schema:
        for i, one in enumerate(value):
            found += problems(one, schema["items"], f"{where}[{i}]")
    if isinstance(value, dict):
        found += object_problems(value, schema, where)
    return found


def object_problems(value, schema, where):
    named, rest = schema.get("properties"), schema.get("additionalProperties")
    found = [f"{where}: {name} is missing" for name in schema.get("required", [])
             if name not in value]
    for name, member in value.items():
        if named is not None and name in named:
            found += problems(member, named[name], f"{where}.{name}")
        elif rest is not None:
            found += problems(member, rest, f"{where}.{name}")
        elif named is not None:
            found.append(f"{where}: {name} is not in the schema")
    return found


def document_problems(document):
    """Of a whole document, by the kind that it names."""
    try:
        schema = load(document["kind"])
    except (KeyError, FileNotFoundError) as wrong:
        return [f"there is no schema for it: {wrong!r}"]
    return problems(document, schema)
