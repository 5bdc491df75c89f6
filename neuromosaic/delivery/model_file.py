"""`model.py` as it is delivered: the source, under a few lines that say what it is."""

from neuromosaic.core.results import CandidateResult, Results
from neuromosaic.delivery.narration import number
from neuromosaic.delivery.text import metric_with_interval, primary, words

WIDTH = 110


def model_file(source: str, results: Results, candidate: CandidateResult) -> str:
    """`source` below a comment; nothing that comes from a person or a model can leave the comment."""
    metric = primary(results)
    figures = f"test {words(metric)} {metric_with_interval(candidate, metric)}"
    task = results.brief.sentence or (results.brief.task or "").replace("_", " ")
    lines = [
        f"{candidate.name}: {number(candidate.parameters)} parameters, {figures}.",
        f"For: {task}",
        f"Designed by {candidate.designed_by}, trained and measured in run {results.run} (seed {results.seed}): see "
        "card.md.",
        "",
        "    from safetensors.torch import load_file",
        "    model = Model()",
        '    model.load_state_dict(load_file("weights.safetensors"))',
    ]
    header = "\n".join(f"# {one_line(line)}".rstrip() if line else "#" for line in lines)
    return f"{header}\n\n{source.lstrip(chr(10))}"


def one_line(text: str) -> str:
    """Printable, on one line, of a bearable length; leading blanks kept."""
    kept = "".join(character if character.isprintable() else " " for character in text).rstrip()
    indent = len(kept) - len(kept.lstrip())
    short = kept[:indent] + " ".join(kept.split())
    return short if len(short) <= WIDTH else short[: WIDTH - 1].rstrip() + "…"
