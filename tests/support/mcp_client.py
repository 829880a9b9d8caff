"""A client of the Model Context Protocol for tests: `chitty mcp` over its standard input and
output, in either era. Every line that comes is checked: one JSON-RPC object, of the form its era
asks for. With CHITTY_MCP_SCHEMA, a folder with REVISION/schema.json of the specification, it is
checked against that besides."""
import json
import os
import pathlib
import select
import subprocess
import time

import nodes
from nodes import Failure, expect, same

MODERN, LEGACY = "2026-07-28", "2025-11-25"
PREFIX = "io.modelcontextprotocol/"
CACHED = {"server/discover", "tools/list", "prompts/list", "resources/list",
          "resources/templates/list", "resources/read"}
RESULTS = {"server/discover": "DiscoverResult", "tools/list": "ListToolsResult",
           "prompts/list": "ListPromptsResult", "resources/list": "ListResourcesResult",
           "resources/templates/list": "ListResourceTemplatesResult",
           "resources/read": "ReadResourceResult", "tools/call": "CallToolResult",
           "prompts/get": "GetPromptResult", "completion/complete": "CompleteResult",
           "initialize": "InitializeResult"}


# --- the specification's own schema, where it is at hand

TYPES = {"string": str, "object": dict, "array": list, "boolean": bool, "null": type(None),
         "number": (int, float), "integer": int}


def fits(value, schema, root, where="$"):
    """Sentences about what is wrong by the keywords of JSON Schema that the specification uses."""
    if isinstance(schema, bool):
        return [] if schema else [f"{where}: not allowed"]
    found = []
    if "$ref" in schema:
        target = root
        for step in schema["$ref"].lstrip("#/").split("/"):
            target = target[step]
        found += fits(value, target, root, where)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(isinstance(value, TYPES[k]) and
                         (k in ("boolean",) or not isinstance(value, bool)) for k in kinds):
        return [f"{where}: is no {kinds}"]
    if "const" in schema and value != schema["const"]:
        found.append(f"{where}: is not {schema['const']!r}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is none of {schema['enum']}")
    for part in schema.get("allOf", []):
        found += fits(value, part, root, where)
    for word in ("anyOf", "oneOf"):
        if word in schema and all(fits(value, part, root, where) for part in schema[word]):
            found.append(f"{where}: fits none of its forms")
    if isinstance(value, dict):
        found += [f"{where}: lacks {k}" for k in schema.get("required", []) if k not in value]
        for key, below in value.items():
            if key in schema.get("properties", {}):
                found += fits(below, schema["properties"][key], root, f"{where}.{key}")
            elif isinstance(schema.get("additionalProperties"), (dict, bool)):
                found += fits(below, schema["additionalProperties"], root, f"{where}.{key}")
    if isinstance(value, list) and "items" in schema:
        for i, below in enumerate(value):
            found += fits(below, schema["items"], root, f"{where}[{i}]")
    return found


class Wire:
    """What a line of an era has to look like."""

    def __init__(self, revision):
        self.revision, self.schema, self.checked = revision, None, 0
        folder = os.environ.get("CHITTY_MCP_SCHEMA")
        if folder:
            path = pathlib.Path(folder) / revision / "schema.json"
            self.schema = json.loads(path.read_text(encoding="utf-8"))

    def against(self, value, name):
        if self.schema is None:
            return
        names = self.schema.get("$defs") or self.schema["definitions"]
        if name in names:
            found = fits(value, names[name], self.schema)
            expect(not found, f"{name}: {found[:4]} in {json.dumps(value)[:400]}")
            self.checked += 1

    def check(self, line, method):
        """`method`: that the line answers; None: it is a notification."""
        same(line.get("jsonrpc"), "2.0", "jsonrpc")
        if method is None:
            expect(line["method"].startswith("notifications/") and "id" not in line,
                   f"no server sends requests here: {line}")
            self.against(line, "JSONRPCNotification")
            self.against(line, "ServerNotification")
            return
        expect(("result" in line) != ("error" in line), f"a result or an error: {line}")
        if "error" in line:
            expect(isinstance(line["error"]["code"], int) and line["error"]["message"],
                   f"an error has a code and a text: {line}")
            self.against(line, "JSONRPCErrorResponse")
            return
        result = line["result"]
        if self.revision == MODERN:
            same(result.get("resultType"), "complete", f"resultType of {method}")
            same(result["_meta"][PREFIX + "serverInfo"]["name"], "chitty", "who answers")
        else:
            expect("resultType" not in result and "ttlMs" not in result,
                   f"nothing modern in a legacy result: {result}")
        if self.revision == MODERN and method in CACHED:
            expect(isinstance(result["ttlMs"], int) and result["ttlMs"] >= 0, f"ttlMs of {method}")
            expect(result["cacheScope"] in ("public", "private"), f"cacheScope of {method}")
        self.against(result, RESULTS.get(method, ""))


# --- the client

class Client:
    """A running `chitty mcp` of a session; `modern` tells which era it speaks."""

    def __init__(self, home, key=None, folder=None, modern=True, env=None):
        more = {"CLAUDE_PROJECT_DIR": str(folder or home.world.folder)}
        if key:
            more["CLAUDE_CODE_SESSION_ID"] = key
        self.process = subprocess.Popen([nodes.CHITTY, "mcp"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, bufsize=0,
                                        env={**home.env, **more, **(env or {})})
        home.world.watches.append(self)
        self.modern, self.count, self.text = modern, 0, b""
        self.wire = Wire(MODERN if modern else LEGACY)
        self.notes, self.asked = [], {}

    def send(self, message):
        self.process.stdin.write(json.dumps(message).encode() + b"\n")

    def line(self, deadline_s=None):
        """The next line; None at the end."""
        end = time.monotonic() + (deadline_s or nodes.DEADLINE_S)
        fd = self.process.stdout.fileno()
        while b"\n" not in self.text:
            ready, _, _ = select.select([fd], [], [], max(end - time.monotonic(), 0))
            if not ready:
                raise Failure("no line within the deadline")
            got = os.read(fd, 1 << 16)
            if not got:
                return None
            self.text += got
        line, self.text = self.text.split(b"\n", 1)
        whole = json.loads(line.decode("utf-8"))
        self.wire.check(whole, None if "method" in whole else self.asked.pop(whole.get("id"), "?"))
        return whole

    def request(self, method, params=None, meta=None, ident=None):
        """Send a request; its id."""
        self.count += 1
        ident = ident if ident is not None else self.count
        params = dict(params or {})
        if self.modern:
            params["_meta"] = {PREFIX + "protocolVersion": MODERN,
                               PREFIX + "clientCapabilities": {}, **(meta or {})}
        elif meta:
            params["_meta"] = meta
        self.asked[ident] = method
        self.send({"jsonrpc": "2.0", "id": ident, "method": method, "params": params})
        return ident

    def ask(self, method, params=None, meta=None):
        """The whole answer of a request; notifications that come before it are kept."""
        ident = self.request(method, params, meta)
        while True:
            line = self.line()
            expect(line is not None, f"chitty mcp ended before it answered {method}")
            if line.get("id") == ident:
                return line
            self.notes.append(line)

    def result(self, method, params=None):
        answer = self.ask(method, params)
        expect("result" in answer, f"{method}: {answer}")
        return answer["result"]

    def call(self, tool, use=None, error=False, **arguments):
        """Call a tool: its structured content, or with `error` the text of what it refused."""
        meta = {"claudecode/toolUseId": use} if use else None
        answer = self.ask("tools/call", {"name": tool, "arguments": arguments}, meta)
        result = answer.get("result", {})
        expect(result.get("content"), f"{tool}: {answer}")
        text = result["content"][0]["text"]
        same(result.get("isError", False), error, f"isError of {tool} {arguments}: {text}")
        self.said = text
        return text if error else result["structuredContent"]

    def note(self, method, **params):
        """Wait for a notification with these params."""
        while True:
            for i, line in enumerate(self.notes):
                have = line.get("params", {})
                if line["method"] == method and all(have.get(k) == v for k, v in params.items()):
                    return self.notes.pop(i)
            line = self.line()
            expect(line is not None, f"chitty mcp ended before {method}")
            expect("method" in line, f"an answer nobody asked for: {line}")
            self.notes.append(line)

    def initialize(self):
        """The legacy handshake; its result."""
        answer = self.result("initialize", {"protocolVersion": LEGACY, "capabilities": {},
                                            "clientInfo": {"name": "test", "version": "1"}})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer

    def end(self):
        """Close its input; it ends in good order."""
        self.process.stdin.close()
        same(self.process.wait(nodes.DEADLINE_S), 0, "exit status of chitty mcp")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
