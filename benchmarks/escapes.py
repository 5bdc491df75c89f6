"""How many attempts to break out or to cheat get through, by level of the boundary and user, and without walls.

    python benchmarks/escapes.py                     # the whole corpus, every setting that this user can bring about
    python benchmarks/escapes.py --each 3            # so many attempts of each category
    python benchmarks/escapes.py --level seccomp     # one level; "none" is the control

Prints a JSON line for each setting and category (attempts, escapes, fooled, warned, claims; for the control how many
succeeded), one for each attempt that got through the boundary, and one for the whole. As root it shows both users.
The corpus is tests/hostile; docs/boundary.md tells about it.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.hostile.attempts import CATEGORIES, attempts, sample
from tests.hostile.settings import Setting, run, settings

KINDS = ("attempts", "escapes", "fooled", "warned", "claims")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, help="attempts of each category; without it all")
    parser.add_argument("--level", help="one level; without it all")
    asked = parser.parse_args()
    names = [str(attempt) for attempt in (sample(asked.each) if asked.each else attempts())]
    whole: Counter[str] = Counter()
    for setting in settings():
        if asked.level in (None, setting.level):
            for row in rows(setting, names):
                whole.update({f"{row['kind']}.{name}": row[name] for name in row["counts"]})
                print(json.dumps({name: value for name, value in row.items() if name not in ("counts", "kind")}))
    print(json.dumps({"all": dict(whole)}))


def rows(setting: Setting, names: list[str]) -> Iterator[dict[str, Any]]:
    began = time.perf_counter()
    results, told = run(setting, *names)
    seconds = round(time.perf_counter() - began, 1)
    control = setting.level == "none"
    for result in results:
        if not control and (result["sprung"] or result["believed"]):
            print(json.dumps({"got_through": result["attempt"], "how": [*result["sprung"], result["believed"]]}))
    counts = ("attempts", "succeeded") if control else KINDS
    for category in CATEGORIES:
        figures = {name: told[name].get(category, 0) for name in counts}
        yield {
            "level": told["level"], "user": told["user"], "category": category, **figures, "seconds_of_all": seconds,
            "counts": counts, "kind": "control" if control else "boundary",
        }  # fmt: skip


if __name__ == "__main__":
    main()
