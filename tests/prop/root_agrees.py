"""The independent reader agrees with the replica: root_agrees.py PROPERTY_TEST ROOT_PY [FILES]

Runs some cases of a property test, which leave two files each (or FILES), and reads these with
root.py alone.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

CASES = os.environ.get("CHITTY_CASES", "6")


def main():
    property_test, root = sys.argv[1:3]
    each = int(sys.argv[3]) if len(sys.argv) > 3 else 2
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, CHITTY_CASES=CASES, CHITTY_LEAVE=folder)
        run = subprocess.run([property_test], env=env, stdout=subprocess.PIPE, text=True)
        print("\n".join(line for line in run.stdout.splitlines() if "CHITTY_SEED" in line))
        if run.returncode != 0:
            sys.exit("the property tests fail")
        found = sorted(pathlib.Path(folder).glob("*.db"))
        print("1..%d" % len(found))
        for number, path in enumerate(found, 1):
            want = json.loads(path.with_suffix(".json").read_text())
            read = subprocess.run([sys.executable, root, str(path)], stdout=subprocess.PIPE)
            got = json.loads(read.stdout or "{}")
            same = read.returncode == 0 and not got["behind"] and \
                all(got[key] == value for key, value in want.items())
            print("%sok %d - %s, %d entries" % ("" if same else "not ", number, path.stem,
                                                want["entries"]))
            if not same:
                print("# want %s\n# got %s" % (want, {k: got.get(k) for k in want}))
                print("# problems %s" % got.get("problems"))
                failed += 1
    sys.exit(failed != 0 or len(found) != each * int(CASES))


if __name__ == "__main__":
    main()
