"""A student becomes like its teacher, whatever the labels say."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from neuromosaic.core.brief import Contract
from neuromosaic.core.evaluation.distillation import distance
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.training import predict, train


def test_the_distance_is_nothing_to_oneself_and_knows_no_shift_of_scores() -> None:
    scores = torch.randn(4, 6, 10, generator=torch.Generator().manual_seed(0))
    classes, values = distance(Recipe()), distance(Recipe(loss="mse"))
    assert classes(scores, scores).item() == pytest.approx(0, abs=1e-6)
    assert classes(scores + 3, scores).item() == pytest.approx(0, abs=1e-5)
    assert classes(-scores, scores).item() > 0.1
    assert values(scores + 3, scores).item() == pytest.approx(9, rel=1e-4)


@pytest.mark.parametrize("augment", [(), ("mixup",)])
def test_a_student_learns_what_the_labels_do_not_tell(
    augment: tuple[str, ...], digits: SimpleNamespace, image_contract: Contract
) -> None:
    """Of labels that are drawn, nothing can be learnt; the teacher's outputs are the digit."""
    x = torch.from_numpy(digits.train.x)
    draw = torch.Generator().manual_seed(0)
    y = torch.randint(10, (len(x),), generator=draw)
    teacher = 8.0 * nn.functional.one_hot(torch.from_numpy(digits.train.y), 10).float()
    held, truth = torch.from_numpy(digits.validation.x), torch.from_numpy(digits.validation.y)
    found = []
    for taught in (teacher, None):
        torch.manual_seed(0)
        module = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
        train(
            module, x, y, Recipe(epochs=8, learning_rate=1e-2, augment=augment), fidelity=1, seed=0, device="cpu",
            validation_x=held[:2], contract=image_contract, report=lambda *_: (False, False), teacher=taught,
        )  # fmt: skip
        found.append(float((predict(module, held).argmax(1) == truth).float().mean()))
    assert found[0] > 0.85
    assert found[1] < 0.3
