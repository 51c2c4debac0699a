"""Estimators of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ._functions import train
from ._types import Floats, Path, TracesLike, as_traces
from ._wfkit import Forest, WfkitError


class Attack(ClassifierMixin, BaseEstimator):  # type: ignore[misc, unused-ignore]
    """An attack on traces, with the interface of scikit-learn.

    ``X`` are traces, not a matrix: ``cross_val_score(Attack("kfp"), traces, traces.classes, cv=wfkit.Folds(5))``. Features are taken,
    and what they learn is learned, from the training part alone.

    Parameters
    ----------
    name
        An attack of :func:`wfkit.attacks`, or a list of feature sets, which is a forest of 100 trees over them.
    seed
        Seed of everything random.
    trees, max_depth, min_samples_leaf, max_leaf_nodes, balanced
        Of attacks with a forest: number of trees, splits above a leaf at most, traces of a leaf at least, leaves of a tree at most,
        and whether every class counts the same. None: as published.
    calibration
        ``none``, ``temperature``, ``platt`` or ``isotonic``. None: as the attack does by itself.
    unmonitored
        The class that stands for everything that is not watched.

    Attributes
    ----------
    classes_
        The classes, sorted, shape ``(n_classes,)``.
    model_
        The fitted :class:`wfkit.Model`.
    """

    def __init__(
        self,
        name: str = "kfp-size",
        *,
        seed: int = 0,
        trees: int | None = None,
        balanced: bool = False,
        max_depth: int | None = None,
        min_samples_leaf: int | None = None,
        max_leaf_nodes: int | None = None,
        calibration: str | None = None,
        unmonitored: str | None = None,
    ) -> None:
        self.name = name
        self.seed = seed
        self.trees = trees
        self.balanced = balanced
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_leaf_nodes = max_leaf_nodes
        self.calibration = calibration
        self.unmonitored = unmonitored

    def fit(self, X: TracesLike, y: Any = None) -> Attack:
        """Learns from traces; ``y``, shape ``(n_traces,)``, are their own classes unless others are given."""
        traces = as_traces(X)
        y = traces.classes if y is None else np.asarray(y)
        if y.shape != (len(traces),):
            raise WfkitError(f"{y.shape} classes for {len(traces)} traces")
        names = y.astype(str)
        if not np.array_equal(names, traces.classes):
            traces = traces.with_classes(names.tolist())
        options = self.get_params()
        model = train(traces, options.pop("name"), progress=False, **options)
        self.classes_, first = np.unique(y, return_index=True)
        # The name that a class has among traces, where `01` is `1`.
        columns = {name: column for column, name in enumerate(model.class_names)}
        self._columns = np.array([columns[name] for name in traces.classes[first].tolist()], np.intp)
        if len(self._columns) != len(columns):
            raise WfkitError("two classes of y have one name")
        self.model_ = model
        return self

    def predict_proba(self, X: TracesLike) -> Floats:
        """Class probabilities, shape ``(n_traces, n_classes)``, in the order of ``classes_``."""
        check_is_fitted(self)
        said: Floats = self.model_.predict_proba(as_traces(X))[:, self._columns]
        return said

    def predict(self, X: TracesLike) -> Any:
        """The most probable class of each trace, shape ``(n_traces,)``."""
        said = self.predict_proba(X)
        return self.classes_[said.argmax(1)]

    def save(self, path: Path) -> None:
        """Writes the model for ``wfkit predict`` and :meth:`wfkit.Model.load`."""
        check_is_fitted(self)
        self.model_.save(path)


class ForestClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc, unused-ignore]
    """wfkit's forest over any matrix: a random forest, or extremely randomised trees.

    Breiman 2001; Geurts, Ernst and Wehenkel 2006. Parameters are those of scikit-learn's ``RandomForestClassifier``, of which it gives
    the scores within the noise of the seed; values are rounded to float32 as there. The same input and ``random_state`` give the
    same trees on any number of threads.

    Parameters
    ----------
    n_estimators
        Number of trees.
    extra_trees
        Random thresholds, and every row in every tree.
    max_features
        How many features a node looks at: ``"sqrt"``, a number, or None for all.
    max_depth, max_leaf_nodes, min_samples_split, min_samples_leaf
        Limits on trees; None: none.
    bootstrap
        Whether each tree draws its rows. None: a random forest does, extra-trees do not.
    class_weight
        ``"balanced"``, weights by class, or None. As all weights it moves splits, and what leaves of several classes say.
    random_state
        A seed, a generator, or None for another forest each time.

    >>> from wfkit import ForestClassifier
    >>> forest = ForestClassifier(10, random_state=0).fit([[0.0], [1.0], [9.0], [8.0]] * 5, ["few", "few", "many", "many"] * 5)
    >>> forest.predict([[0.5], [8.5]]).tolist()
    ['few', 'many']
    """

    def __init__(
        self,
        n_estimators: int = 100,
        *,
        extra_trees: bool = False,
        max_features: str | int | None = "sqrt",
        max_depth: int | None = None,
        max_leaf_nodes: int | None = None,
        min_samples_split: int = 2,
        min_samples_leaf: int = 1,
        bootstrap: bool | None = None,
        class_weight: Any = None,
        random_state: Any = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.extra_trees = extra_trees
        self.max_features = max_features
        self.max_depth = max_depth
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.bootstrap = bootstrap
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> ForestClassifier:
        """Learns from ``X``, shape ``(n_rows, n_features)``, finite, and ``y``, shape ``(n_rows,)``, of any type.

        ``sample_weight``, shape ``(n_rows,)``: not negative; ratios become those of whole numbers up to 4,095. Rows of weight 0
        are left out.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, order="C")
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if self.class_weight is not None:
            by_class = compute_sample_weight(self.class_weight, y)
            weights = by_class if weights is None else weights * by_class
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        self.forest_ = Forest.grow(
            X,
            labels.astype(np.int64),
            len(self.classes_),
            weights,
            seed,
            extra_trees=self.extra_trees,
            trees=self.n_estimators,
            max_features=self.max_features,
            max_depth=self.max_depth,
            max_leaf_nodes=self.max_leaf_nodes,
            min_samples_split=self.min_samples_split,
            min_samples_leaf=self.min_samples_leaf,
            bootstrap=not self.extra_trees if self.bootstrap is None else self.bootstrap,
        )
        return self

    def predict_proba(self, X: Any) -> Floats:
        """The class fractions of the leaves, averaged over the trees, shape ``(n_rows, n_classes)``, in the order of ``classes_``."""
        checked = self._checked(X)
        return self.forest_.predict(checked)

    def predict(self, X: Any) -> Any:
        """The most probable class of each row, shape ``(n_rows,)``."""
        said = self.predict_proba(X)
        return self.classes_[said.argmax(1)]

    def apply(self, X: Any) -> Any:
        """The leaf of each row in each tree, shape ``(n_rows, n_trees)``, counted from the left."""
        checked = self._checked(X)
        return self.forest_.leaves(checked)

    def _checked(self, X: Any) -> Floats:
        check_is_fitted(self)
        checked: Floats = validate_data(self, X, dtype=np.float64, order="C", reset=False)
        return checked


