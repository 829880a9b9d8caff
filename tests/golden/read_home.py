"""What CHITTY and CHITTY_NODE read in the home CHITTY_HOME, as one document; see make_home.sh."""
import json
import os
import subprocess

TYPES = ("topic", "project", "session", "todo")


def read(program, *arguments):
    done = subprocess.run([os.environ[program], *arguments, "--json"], capture_output=True,
                          text=True, check=True)
    return json.loads(done.stdout)["data"]


def main():
    status = read("CHITTY_NODE", "status")
    records = {}
    for kind in TYPES:
        for record in read("CHITTY", kind, "list", "--all", "--deleted"):
            records[record["chittyId"]] = record["data"]
    conflicts = sorted([c["chittyId"], c["field"], c["kind"], sorted(map(str, (
        v["value"] for v in c["values"])))] for c in read("CHITTY_NODE", "conflicts"))
    home = {"device": status["device"], "space": status["space"], "root": status["root"],
            "entries": status["counts"]["entries"], "chains": status["counts"]["chains"],
            "records": records, "conflicts": conflicts}
    if status["quarantined"] != 0:  # the first home was written when nothing could be
        home["quarantined"] = status["quarantined"]
    print(json.dumps(home, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
