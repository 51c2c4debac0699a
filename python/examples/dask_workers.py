"""A defence, features and predictions on many machines, by Dask: the same bytes as on one.

    python dask_workers.py traces.parquet out/

What a defence, a feature set or an attack must know of all traces is looked at once, and sent to the workers; each partition is then a pure
function of its rows, so that it does not matter who does it, how often, or who dies meanwhile. On a cluster, give `Client` its address.
"""

import os
import signal
import sys
from pathlib import Path

import pandas
import pyarrow
import pyarrow.parquet
from dask import dataframe
from dask.distributed import Client, LocalCluster

import wfkit

ROWS_A_PARTITION = 20
DEFENCE, SEED, ATTACK = "front:ft-1", 7, "kfp-size"


def as_pandas(batch):
    """Columns stay those of Arrow, so that lists of packets stay lists of numbers."""
    return pyarrow.table(batch).to_pandas(types_mapper=pandas.ArrowDtype)


def defended(part, profile):
    return as_pandas(wfkit.defend_batch(part, DEFENCE, seed=SEED, profile=profile))


def features(part, extractor):
    return as_pandas(wfkit.features_batch(part, extractor))


def predicted(part, model):
    return as_pandas(wfkit.predict_batch(part, model))


def dying_once(function, mark):
    """The function, on a worker that is killed in the middle of it: once, which `mark` remembers."""

    def run(part, *arguments):
        if len(part) and not os.path.exists(mark):
            Path(mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return function(part, *arguments)

    return run


def main(path, out, kill=False):
    out = Path(out)
    (out / "parts").mkdir(parents=True)
    traces = wfkit.read(path)
    for number, first in enumerate(range(0, len(traces), ROWS_A_PARTITION)):
        traces[first : first + ROWS_A_PARTITION].write(out / "parts" / f"{number:05}.parquet")

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
        parts = dataframe.read_parquet(out / "parts", dtype_backend="pyarrow")
        profile = wfkit.Profile.of(traces)
        extractor = wfkit.FeatureExtractor.fit(traces, "kfp-size")
        model = wfkit.train(traces, ATTACK, seed=SEED)
        some = traces[:1]
        for name, function, argument in [
            ("features", features, extractor),
            ("predicted", predicted, model),
            ("defended", defended, profile),
        ]:
            # What one trace becomes tells the columns.
            columns = function(as_pandas(some), argument).iloc[:0]
            if kill:
                function = dying_once(function, out / f"{name}.killed")
            table = parts.map_partitions(function, argument, meta=columns).compute()
            pyarrow.parquet.write_table(pyarrow.Table.from_pandas(table, preserve_index=False), out / f"{name}.parquet")


if __name__ == "__main__":
    main(*sys.argv[1:3], kill="--kill" in sys.argv)
