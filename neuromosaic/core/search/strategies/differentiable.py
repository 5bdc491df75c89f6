"""Differentiable search by name: one network that holds every operation is trained, its cells are suggested."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from neuromosaic.core.errors import SearchError, SearchExhausted
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.evolution import AtLeastOne
from neuromosaic.core.search.strategies.memory import Memory, Metrics
from neuromosaic.core.space.cells.spaces import CellSpace
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neuromosaic.core.evaluation.evaluators.evaluator import TrainingEvaluator


class DifferentiableSearch:
    """DARTS (Liu et al., 2019, arXiv:1806.09055), guarded against collapse (see `core.evaluation.sharing`).

    Before the first suggestion it trains a network with every operation on every edge on the evaluator's training
    examples, by its recipe's batch size, loss and clipping, for `epochs` (the recipe's, if not given) of SGD from
    `learning_rate` (section A.1.1); `order` 2 differentiates through a step of that training. Suggested are the cells
    that it derives, and, where they are others, those that the weights of the operations alone tell. `n_searches`
    are made, each from a seed of its own, as one ends well and another does not (section 3.2 makes four); then
    SearchExhausted. Nothing is learnt from the trials. `found` [searches]: what each came to.
    """

    name: ClassVar[str] = "differentiable"

    def __init__(
        self,
        seed: int,
        objectives: Objectives,
        *,
        order: Literal[1, 2] = 1,
        epochs: AtLeastOne | None = None,
        learning_rate: Annotated[float, Field(gt=0)] = 0.025,
        n_searches: AtLeastOne = 1,
    ) -> None:
        self._seed, self._order, self._epochs, self._rate = seed, order, epochs, learning_rate
        self._searches = n_searches
        self._memory = Memory()
        self._evaluator: TrainingEvaluator | None = None
        self.found: list[Any] = []

    def prepare(self, space: SearchSpace, evaluator: Any) -> None:
        """Takes the evaluator, whose training examples it needs.

        Raises SearchError for an evaluator without any, and for a space that draws no whole network.
        """
        from neuromosaic.core.evaluation.evaluators.evaluator import TrainingEvaluator

        _check_space(space)
        if not isinstance(evaluator, TrainingEvaluator):
            raise SearchError(
                "strategy differentiable: it trains a network of all operations itself: give evaluator='training' "
                "and data; with an evaluator of your own use 'auto' or 'regularized_evolution'"
            )
        self._evaluator = evaluator

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        for number in range(self._searches):
            for point in self._derived(space, number):
                if not self._memory.knows(point):
                    return point
        raise SearchExhausted(f"strategy differentiable: its {self._searches} searches derived no other cell")

    def update(self, architecture: Point, metrics: Metrics) -> None:
        self._memory.tell(architecture, metrics)

    def pending(self, points: "Sequence[Point]") -> None:
        self._memory.await_(points)

    def _derived(self, space: SearchSpace, number: int) -> list[Point]:
        while len(self.found) <= number:
            self.found.append(self._searched(_check_space(space), self._seed + len(self.found)))
        points = [point for point in (self.found[number].point, self.found[number].plain) if space.contains(point)]
        if not points:
            raise SearchError(
                "strategy differentiable: the cell that it derived breaks the constraints of the space, which it "
                "cannot weigh: widen them, or use 'auto'"
            )
        return points

    def _searched(self, space: CellSpace, seed: int) -> Any:
        import torch

        from neuromosaic.core.evaluation.sharing.differentiable import search_differentiably

        if self._evaluator is None:
            raise SearchError("strategy differentiable: it needs a search with evaluator='training', on its own")
        data, recipe = self._evaluator.dataset.train, self._evaluator.base_recipe
        wanted = recipe.model_copy(
            update={"learning_rate": self._rate, "epochs": float(self._epochs or recipe.epochs)}
        )
        x, y = torch.from_numpy(data.x), torch.from_numpy(data.y)
        return search_differentiably(space, x, y, wanted, seed=seed, order=self._order)


def _check_space(space: SearchSpace) -> CellSpace:
    if not isinstance(space, CellSpace) or space.whole is None:
        raise SearchError(
            f"strategy differentiable: {space.name or 'this space'} draws no network of all operations: use a space "
            "of cells (ready_space('nasbench201', ...) or 'darts'), or another strategy, such as 'auto'"
        )
    return space
