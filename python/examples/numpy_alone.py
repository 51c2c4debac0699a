"""From arrays to scores with nothing but NumPy beside wfkit.

    python numpy_alone.py
"""

import numpy as np

import wfkit

random = np.random.default_rng(0)
classes, time, size = [], [], []
for page in ("news", "mail", "maps"):
    for _ in range(20):
        packets = int(random.integers(30, 60)) + 10 * len(page) * (page != "mail")
        classes.append(page)
        time.append(np.cumsum(random.random(packets)) / 100)
        size.append(np.where(random.random(packets) < 0.2, 600, -1448))
traces = wfkit.Traces.from_arrays(classes, time, size, unit="s", layer="tcp")
print(traces)

folds = wfkit.Folds(5, seed=1)
undefended = wfkit.evaluate(traces, "kfp-size", folds=folds, progress=False)
print(undefended)

defended = wfkit.defend(traces, "tamaraw:cell", seed=1, progress=False)
print(f"{defended.defence}: {defended.bandwidth_overhead:.1f} times the bytes more")
print(wfkit.evaluate(defended, "kfp-size", folds=folds, progress=False))

assert "sklearn" not in __import__("sys").modules
