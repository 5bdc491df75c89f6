"""What a network must beat: simple models, fitted on the host in seconds."""

import warnings
from collections.abc import Callable
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.evaluation import densities, similarity
from neuromosaic.core.evaluation.data.room import most_in_memory
from neuromosaic.core.tasks import CLASS_BY_POSITION, IGNORED, outputs_of

Array = NDArray[Any]
Predict = Callable[[Array], Array]

ROWS = 10_000  # that the linear models are fitted on, at most
ITERATIONS = 100


def fit_baseline(contract: Contract, x: Array, y: Array, seed: int) -> dict[str, Predict]:
    """Each baseline of the task by name, fitted on training data, as a function from inputs to float32 outputs.

    Outputs have a network's form, so that `metrics.score` takes them: log-probabilities [n, classes] of "majority"
    (class frequencies) and "linear" (logistic regression), of several labels log-odds [n, labels] of "frequencies"
    and "linear" (one for each label), by position those of "majority" (of this position) and "linear" (of the
    position's own values); targets [n, targets] of "mean" and "linear" (ridge); the next values [n, horizon] of
    "last_value", "seasonal_naive" (the values a season ago; the season is the one that is least wrong in training)
    and "linear"; log-probabilities [n, time, vocabulary] of "unigram" and "bigram" (counts, add-one smoothed). Of
    generation the parts [n, parts, ...] of "pca" or "gaussian" and "kernel_density" (see `densities`);
    embeddings of "inputs" and "pca" (see `similarity`). Of
    graphs they see the nodes' features, their mean for the whole, and no edge. Linear models see standardised inputs,
    counts of ids where inputs are ids, and at most 10,000 examples, drawn by `seed`.
    """
    if contract.kind == "graph" and contract.task not in CLASS_BY_POSITION:
        return _without_edges(contract, x, y, seed)
    return _of_task(contract, x, y, seed)


def _of_task(contract: Contract, x: Array, y: Array, seed: int) -> dict[str, Predict]:
    match contract.task:
        case "classification":
            return {"majority": _majority(contract, y), "linear": _logistic(contract, *_sample(x, y, seed))}
        case "sequence_labelling" | "segmentation" | "node_classification":
            return {"majority": _position_majority(contract, y), "linear": _each_position(contract, x, y, seed)}
        case "multi_label":
            return {"frequencies": _frequencies(y), "linear": _each_label(contract, *_sample(x, y, seed))}
        case "forecasting":
            return {**_repeating(contract, x, y), "linear": _ridge(contract, *_sample(x, y, seed))}
        case "regression":
            return {"mean": _mean(y), "linear": _ridge(contract, *_sample(x, y, seed))}
        case "language_modelling":
            return {"unigram": _unigram(contract, y), "bigram": _bigram(contract, x, y)}
        case "generation" | "metric_learning":
            fit = {"generation": densities.fit_baseline, "metric_learning": similarity.fit_baseline}
            return fit[contract.task](contract, x, seed)
        case unknown:
            assert_never(unknown)


def node_features(x: Array) -> Array:
    """[n, nodes, features + nodes] less the adjacency."""
    return np.asarray(x[..., : x.shape[-1] - x.shape[-2]])


def _without_edges(contract: Contract, x: Array, y: Array, seed: int) -> dict[str, Predict]:
    """The baselines of the mean node of each graph, blind to its edges."""
    spec = TensorSpec(shape=(contract.input.shape[1] - contract.input.shape[0],))
    flat = contract.model_copy(update={"kind": "tabular", "input": spec})
    blind = fit_baseline(flat, _mean_node(x), y, seed)
    return {name: _of_mean_node(predict) for name, predict in blind.items()}


def _mean_node(x: Array) -> Array:
    return np.ascontiguousarray(node_features(x).mean(axis=1))


def _of_mean_node(predict: Predict) -> Predict:
    return lambda x: predict(_mean_node(x))


def _sample(x: Array, y: Array, seed: int) -> tuple[Array, Array]:
    count = min(ROWS, max(2, most_in_memory() // max(1, x[:1].nbytes)))
    if len(x) <= count:
        return x, y
    rows = np.sort(np.random.default_rng(seed).choice(len(x), count, replace=False))
    return x[rows], y[rows]


def _features(x: Array, spec: TensorSpec) -> Array:
    """[n, features]: the values of an example, or how often each id occurs in it."""
    flat = x.reshape(len(x), -1)
    if spec.dtype == "float32" or spec.upper is None:
        return flat.astype(np.float32)
    places = flat + np.arange(len(x))[:, None] * spec.upper
    return np.bincount(places.ravel(), minlength=len(x) * spec.upper).reshape(len(x), spec.upper).astype(np.float32)


def _majority(contract: Contract, y: Array) -> Predict:
    frequencies = _log_shares(np.bincount(y, minlength=contract.output.shape[-1]))
    return lambda x: np.tile(frequencies, (len(x), 1))


def _logistic(contract: Contract, x: Array, y: Array) -> Predict:
    """Multinomial logistic regression; a class that training lacks gets the smallest probability of float32."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(y)) < 2:
        return _majority(contract, y)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=ITERATIONS))
    with warnings.catch_warnings():  # as far as it comes in so many iterations is good enough for a baseline
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(_features(x, contract.input), y)

    def predict(x: Array) -> Array:
        outputs = np.full((len(x), contract.output.shape[-1]), np.finfo(np.float32).tiny, np.float32)
        outputs[:, model.classes_] = np.maximum(model.predict_proba(_features(x, contract.input)), outputs[0, 0])
        return np.asarray(np.log(outputs))

    return predict


def _position_majority(contract: Contract, y: Array) -> Predict:
    """How frequent each class is at each position."""
    classes = outputs_of(contract)
    shares = _log_shares(np.stack([(y == place).sum(axis=0) for place in range(classes)], axis=-1))
    shares = _classes_placed(contract, shares[None])[0]
    return lambda x: np.tile(shares, (len(x), *[1] * shares.ndim))


def _each_position(contract: Contract, x: Array, y: Array, seed: int) -> Predict:
    """A logistic regression from what is at a position to its class."""
    classes = outputs_of(contract)
    values, counted = _values_last(contract, x), y != IGNORED
    small = contract.model_copy(update={
        "input": TensorSpec(shape=values.shape[-1:]), "output": TensorSpec(shape=(classes,)),
    })  # fmt: skip
    model = _logistic(small, *_sample(values[counted], y[counted], seed))

    def predict(x: Array) -> Array:
        values = _values_last(contract, x)
        scores = model(values.reshape(-1, values.shape[-1])).reshape(*values.shape[:-1], classes)
        return _classes_placed(contract, scores)

    return predict


def _values_last(contract: Contract, x: Array) -> Array:
    if contract.kind == "graph":
        return node_features(x)
    return np.moveaxis(x, 1, -1) if contract.task == "segmentation" else x


def _classes_placed(contract: Contract, scores: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(scores, -1, 1)) if contract.task == "segmentation" else scores


def _frequencies(y: Array) -> Predict:
    """Log-odds of the add-one smoothed share of each label."""
    positive = y.sum(axis=0, dtype=np.float64) + 1.0
    odds = np.log(positive / (len(y) + 2.0 - positive)).astype(np.float32)
    return lambda x: np.tile(odds, (len(x), 1))


def _each_label(contract: Contract, x: Array, y: Array) -> Predict:
    """A two-class logistic regression for each label."""
    two = contract.model_copy(update={"output": TensorSpec(shape=(2,))})
    models = [_logistic(two, x, label.astype(np.int64)) for label in y.T]

    def predict(x: Array) -> Array:
        scores = [model(x) for model in models]
        return np.stack([score[:, 1] - score[:, 0] for score in scores], axis=1)

    return predict


def _repeating(contract: Contract, x: Array, y: Array) -> dict[str, Predict]:
    naive = {"last_value": 1, "seasonal_naive": _season(contract, x, y)}
    return {name: _seasonal(contract, season) for name, season in naive.items()}


def _seasonal(contract: Contract, season: int) -> Predict:
    """The last `season` values of the series, which is the first feature, again and again."""
    ahead = np.arange(contract.output.shape[0]) % season
    return lambda x: np.ascontiguousarray(x[:, x.shape[1] - season + ahead, 0], np.float32)


def _season(contract: Contract, x: Array, y: Array) -> int:
    errors = [np.abs(_seasonal(contract, season)(x) - y).mean() for season in range(1, x.shape[1] + 1)]
    return 1 + int(np.argmin(errors))


def _mean(y: Array) -> Predict:
    mean = y.mean(axis=0, dtype=np.float64).astype(np.float32)
    return lambda x: np.tile(mean, (len(x), 1))


def _ridge(contract: Contract, x: Array, y: Array) -> Predict:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), Ridge())
    model.fit(_features(x, contract.input), y)
    return lambda x: np.asarray(model.predict(_features(x, contract.input)), np.float32).reshape(len(x), -1)


def _unigram(contract: Contract, y: Array) -> Predict:
    shares = _log_shares(np.bincount(y.ravel(), minlength=contract.output.shape[-1]))
    return lambda x: np.tile(shares, (*x.shape, 1))


def _bigram(contract: Contract, x: Array, y: Array) -> Predict:
    size = contract.output.shape[-1]
    pairs = np.bincount((x * size + y).ravel(), minlength=size * size).reshape(size, size)
    table = _log_shares(pairs)
    return lambda x: np.asarray(table[x])


def _log_shares(counts: Array) -> Array:
    """Logarithms of add-one smoothed shares over the last axis."""
    smoothed = counts + 1.0
    return np.asarray(np.log(smoothed / smoothed.sum(axis=-1, keepdims=True)), np.float32)
