"""The two linear fits: softmax regression for topics, ridge regression for what topics leave unexplained."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Sparse = Any
"""A scipy CSR matrix."""


def softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]


def fit_topics(
    words: Sparse, measures: Array, topic: Array, weight: Array, topics: int, *, epochs: int = 8, rate: float = 0.2, batch: int = 256
) -> tuple[Array, Array, Array]:
    """Weights of words and of measures, and biases, of a softmax over topics.

    Adagrad with one step size for each word, which lets rare words learn fast; the measures are few and take RMSprop.
    """
    random = np.random.default_rng(0)
    by_word = np.zeros((words.shape[1], topics), np.float32)
    by_measure, bias = np.zeros((measures.shape[1], topics), np.float32), np.zeros(topics, np.float32)
    seen = np.full((words.shape[1], 1), 1e-8, np.float32)
    seen_measure, seen_bias = np.full(by_measure.shape, 1e-8), np.full(topics, 1e-8)
    steps = epochs * (len(topic) // batch)
    for step in range(steps):
        if step % (len(topic) // batch) == 0:
            order = random.permutation(len(topic))
        start = step % (len(topic) // batch) * batch
        rows = order[start : start + batch]
        some = words[rows]
        error = softmax(some @ by_word + measures[rows] @ by_measure + bias)
        error[np.arange(batch), topic[rows]] -= 1
        error *= weight[rows][:, None]
        now = rate * (1 - step / steps)
        used = np.unique(some.indices)
        slope = some[:, used].T @ error
        seen[used, 0] += (slope * slope).mean(axis=1)
        by_word[used] -= now * slope / np.sqrt(seen[used])
        slope = measures[rows].T @ error / batch
        seen_measure = 0.99 * seen_measure + 0.01 * slope**2
        by_measure -= (0.05 * now * slope / np.sqrt(seen_measure)).astype(np.float32)
        slope = error.mean(axis=0)
        seen_bias = 0.99 * seen_bias + 0.01 * slope**2
        bias -= (0.05 * now * slope / np.sqrt(seen_bias)).astype(np.float32)
    return by_word, by_measure, bias


def ridge(rows: Sparse, target: Array, penalty: float, *, steps: int = 25) -> Array:
    """Weights, shape (columns, targets), of least squares with `penalty` on their squares: conjugate gradients on the dual."""
    dual = np.zeros(target.shape, np.float32)
    rest = target.astype(np.float32)
    way, size = rest.copy(), (rest * rest).sum(axis=0)
    for _ in range(steps):
        ahead = rows @ (rows.T @ way) + penalty * way
        step = size / np.maximum((way * ahead).sum(axis=0), 1e-12)
        dual += step * way
        rest -= step * ahead
        new = (rest * rest).sum(axis=0)
        way = rest + new / np.maximum(size, 1e-12) * way
        size = new
    return rows.T @ dual  # type: ignore[no-any-return]
