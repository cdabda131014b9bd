"""Records `fixtures/metrics/values.json`: scikit-learn's metrics of random predictions, some of them equal.

Run:       python scripts/record_metrics.py
Versions:  Python 3.11, numpy 2.4, scikit-learn (its version is in the file).
"""

import json
import pathlib

import numpy
import sklearn
from sklearn import metrics

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "metrics" / "values.json"
N, CLASSES = 57, 5


def main():
    rng = numpy.random.default_rng(0)
    # Class 4 never occurs, class 3 is never predicted.
    output = rng.integers(0, 7, (N, CLASSES)) / 8
    output[:, 3] = -1
    target = rng.integers(0, 4, N)
    predicted = output.argmax(1)
    labels = list(range(CLASSES))
    each = dict(labels=labels, average=None, zero_division=0)
    score, label = rng.integers(0, 20, N) / 16, rng.integers(0, 2, N)
    prediction, number = rng.normal(size=N) + 1000, rng.normal(size=N) + 1000
    # With all pairs different, so that the k largest are not a matter of taste.
    ranked = rng.permuted(numpy.tile(numpy.arange(CLASSES) / 4, (N, 1)), axis=1)
    record = {
        "sklearn": sklearn.__version__,
        "output": output.tolist(),
        "target": target.tolist(),
        "matrix": metrics.confusion_matrix(target, predicted, labels=labels).tolist(),
        "accuracy": metrics.accuracy_score(target, predicted),
        "precision": metrics.precision_score(target, predicted, **each).tolist(),
        "recall": metrics.recall_score(target, predicted, **each).tolist(),
        "f1": metrics.f1_score(target, predicted, **each).tolist(),
        "f1_macro": metrics.f1_score(target, predicted, average="macro", zero_division=0),
        "ranked": ranked.tolist(),
        "top_k": [metrics.top_k_accuracy_score(target, ranked, k=k, labels=labels) for k in (1, 2, 3)],
        "score": score.tolist(),
        "label": label.tolist(),
        "auroc": metrics.roc_auc_score(label, score),
        "prediction": prediction.tolist(),
        "number": number.tolist(),
        "mse": metrics.mean_squared_error(number, prediction),
        "mae": metrics.mean_absolute_error(number, prediction),
        "r2": metrics.r2_score(number, prediction),
    }
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(record, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
