"""The YAML that a model card begins with where models are shared, as the Hugging Face Hub reads it."""

from typing import Any

from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.text import chosen, words

_TASKS = {
    ("image", "classification"): "image-classification",
    ("tabular", "classification"): "tabular-classification",
    ("image", "segmentation"): "image-segmentation",
    ("sequence", "forecasting"): "time-series-forecasting",
    ("tabular", "regression"): "tabular-regression",
    ("text", "language_modelling"): "text-generation",
}
"""The Hub's names of tasks; it has none for the others."""


def card_header(delivery: Delivery) -> str:
    """Between two lines of dashes: library, task, tags, and the certified figures as "model-index"."""
    import yaml

    best = chosen(delivery.results)
    contract = Preprocessing.model_validate_json(delivery.preprocessing).contract
    task = _TASKS.get((contract.kind, contract.task))
    document: dict[str, Any] = {"library_name": "pytorch", **({"pipeline_tag": task} if task else {})}
    document["tags"] = ["neuromosaic", contract.kind, contract.task.replace("_", "-")]
    if best is not None:
        test = [(name.removeprefix("test_"), value) for name, value in best.metrics.items() if name[:5] == "test_"]
        document["model-index"] = [{"name": best.name, "results": [{
            "task": {"type": task or contract.task.replace("_", "-")},
            "dataset": {"name": delivery.data.name, "type": delivery.data.name, "split": "test"},
            "metrics": [{"type": name, "name": f"test {words(name)}", "value": value} for name, value in test],
        }]}]  # fmt: skip
    return f"---\n{yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)}---\n\n"
