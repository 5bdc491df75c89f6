"""What the corpus is expected to come to. A result that is better than this fails the soak as well: then this is out
of date, and so is docs/boundary.md."""

from typing import Final

HELD_EVERYWHERE: Final = ("reach", "files", "host", "network", "processes", "resources", "tampering", "graph")
"""Categories of which no attempt may get through at any level but "none"."""

WARNED: Final = frozenset(
    f"tampering/{name}"
    for name in (
        "another_suite", "answers_for_the_suite", "answers_twice", "assertions_off", "frozen_in_the_graph",
        "our_json", "pytest_itself", "reports_of_pytest", "torch_allclose",
    )
)  # fmt: skip
"""Accepted with the warning `suite-disagrees`. A suite that runs in one process with the candidate can be made to
pass; on the graph, in a process that never saw the candidate, the same tests fail, and the verdict names them."""

CLAIMED: Final = frozenset(
    f"tampering/{name}" for name in ("gradient_by_function", "gradient_by_hook", "lies_in_python", "shape_of_a_class")
)
"""Accepted in the python lane: what cannot become a graph is measured where it runs, and can say what it likes. The
verdict's lane says so; the metrics alone are the host's own."""

FEWEST_ATTEMPTS: Final = 100
FEWEST_TAMPERINGS: Final = 20
SHARE_OF_CONTROLS: Final = 0.5
"""Of all attempts must succeed where there are no walls."""
