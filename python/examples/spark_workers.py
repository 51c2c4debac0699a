"""A defence, features and predictions on many machines, by Spark: the same bytes as on one.

    python spark_workers.py traces.parquet out/

Spark reads our Parquet, and hands each part to `mapInArrow` as batches of pyarrow. `spark.sql.execution.arrow.maxRecordsPerBatch` says how many
rows a batch has at most. Rows come back in the order of `class, session, rep`, by which they are sorted, since Spark keeps none.
"""

import os
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

import wfkit

DEFENCE, SEED, ATTACK = "front:ft-1", 7, "kfp-size"
KEYS = [("class", "ascending"), ("session", "ascending"), ("rep", "ascending")]


def plain(table):
    """Lists as Spark has them, which knows no large ones, and no metadata."""
    types = [
        (field.name, pyarrow.list_(field.type.value_type) if pyarrow.types.is_large_list(field.type) else field.type)
        for field in table.schema
    ]
    return table.cast(pyarrow.schema(types))


def defended(batch, profile):
    return wfkit.defend_batch(batch, DEFENCE, seed=SEED, profile=profile)


def main(path, out):
    out = Path(out)
    out.mkdir(parents=True)
    traces = wfkit.read(path)
    # Workers run this Python, where wfkit is; on a cluster it is installed on each of them.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 20)
    frame = spark.read.parquet(str(path)).repartition(4)
    some = pyarrow.table(traces[:1])
    for name, function, argument in [
        ("features", wfkit.features_batch, wfkit.FeatureExtractor.fit(traces, "kfp-size")),
        ("predicted", wfkit.predict_batch, wfkit.train(traces, ATTACK, seed=SEED)),
        ("defended", defended, wfkit.Profile.of(traces)),
    ]:

        def on_a_part(batches, function=function, argument=argument):
            for batch in batches:
                yield from plain(pyarrow.table(function(batch, argument))).to_batches()

        # What one trace becomes tells the columns.
        schema = from_arrow_schema(plain(pyarrow.table(function(some, argument))).schema)
        whole = frame.mapInArrow(on_a_part, schema).toArrow().sort_by(KEYS)
        pyarrow.parquet.write_table(whole, out / f"{name}.parquet")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:3])
