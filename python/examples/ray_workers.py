"""A defence, features and predictions on many machines, by Ray Data: the same bytes as on one.

    python ray_workers.py traces.parquet out/

As dask_workers.py, whose functions of a part these are: Ray hands them tables of pyarrow. Parts come back in any order, and are put in that
of the traces by `place`, which goes along as a column.
"""

import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import ray

import wfkit

ROWS_A_PART = 20
DEFENCE, SEED, ATTACK = "front:ft-1", 7, "kfp-size"


def with_place(function):
    """The function of a part, which keeps the column that says where its rows belong."""

    def run(table, argument):
        made = pyarrow.table(function(table, argument))
        return made.append_column("place", table["place"])

    return run


def defended(table, profile):
    return wfkit.defend_batch(table, DEFENCE, seed=SEED, profile=profile)


def main(path, out):
    out = Path(out)
    out.mkdir(parents=True)
    traces = wfkit.read(path)
    table = pyarrow.table(traces)
    table = table.append_column("place", pyarrow.array(range(len(table))))
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    parts = ray.data.from_arrow([table.slice(first, ROWS_A_PART) for first in range(0, len(table), ROWS_A_PART)])
    for name, function, argument in [
        ("features", wfkit.features_batch, wfkit.FeatureExtractor.fit(traces, "kfp-size")),
        ("predicted", wfkit.predict_batch, wfkit.train(traces, ATTACK, seed=SEED)),
        ("defended", defended, wfkit.Profile.of(traces)),
    ]:
        made = parts.map_batches(
            with_place(function), fn_args=(argument,), batch_format="pyarrow", batch_size=ROWS_A_PART
        )
        tables = [ray.get(one) for one in made.to_arrow_refs()]
        whole = pyarrow.concat_tables(tables).sort_by("place").drop_columns("place")
        pyarrow.parquet.write_table(whole, out / f"{name}.parquet")
    ray.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:3])
