"""How to get the same network again: a brief file and a command."""

import shlex

from neuromosaic.core.results import Results


def brief_yaml(results: Results) -> str:
    """The brief as it was settled, as a file for `neuromosaic design`; what is at its default is left out."""
    import yaml

    document = results.brief.model_dump(mode="json", exclude_defaults=True) | {"seed": results.seed}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def command(results: Results) -> str:
    """With the same model clients in the same seats."""
    return shlex.join(
        ["neuromosaic", "design", "brief.yaml", *_clients(results), *(["--compress"] if results.compress else [])]
    )


def _clients(results: Results) -> list[str]:
    names = set(results.models.values())
    if names <= {"offline"}:
        return []
    if len(names) == 1:
        return ["--model", *names]
    return [part for role, name in results.models.items() for part in ("--model", f"{role}={name}")]


def repeatable(results: Results) -> str:
    """What may be expected of doing it again."""
    budget, clients = results.brief.budget, set(results.models.values())
    if not clients <= {"offline"}:
        return (
            "A model may answer otherwise next time: the same figures come again only from this run's stored replies."
        )
    if budget.seconds is not None:
        return "A time budget stops where the clock says, so another run may see other candidates."
    return "On the same machine and versions this gives the same candidates and the same metrics, bit for bit."
