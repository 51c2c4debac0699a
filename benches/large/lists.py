"""The parts of `lists` that are Python: traces that are all alike, in chunks that share their memory, so that any number of them is nothing to hold."""

import sys

import numpy
import pyarrow
import pyarrow.compute
import pyarrow.parquet

import wfkit

PACKETS, CHUNK = 2_000, 2_000


def lists(kind, value, rows, length=PACKETS):
    offsets = pyarrow.array(numpy.arange(rows + 1, dtype=numpy.int64) * length)
    return pyarrow.LargeListArray.from_arrays(offsets, pyarrow.array(numpy.resize(numpy.array(value, kind), rows * length)))


def table(traces):
    """Classes of 10,000 traces each, in their order; sizes of 600 and -1,400 by turns, and times of 0."""
    time, size = lists(numpy.int64, 0, CHUNK), lists(numpy.int32, [600, -1400], CHUNK)
    batches = []
    for first in range(0, traces, CHUNK):
        rows = numpy.arange(first, min(first + CHUNK, traces))
        columns = [pyarrow.array((rows // 10_000).astype(str)), pyarrow.array(rows % 10_000), time[: len(rows)], size[: len(rows)]]
        batches.append(pyarrow.record_batch(columns, ["class", "rep", "time_ns", "size"]))
    whole = pyarrow.Table.from_batches(batches)
    assert sum(len(chunk.flatten()) for chunk in whole["size"].chunks) == traces * PACKETS
    return whole


def main(do, *arguments):
    if do == "write":
        traces, path = int(arguments[0]), arguments[1]
        pyarrow.parquet.write_table(table(traces), path, row_group_size=traces)
        assert pyarrow.parquet.ParquetFile(path).num_row_groups == 1
    elif do == "read":
        parts = wfkit.read_parts(arguments[0])
        seen = [(len(part), len(part.size)) for part in parts]
        assert tuple(map(sum, zip(*seen))) == (parts.traces, parts.packets), "every packet comes once"
    elif do == "features":
        traces, path = int(arguments[0]), arguments[1]
        whole = table(traces)
        extractor = wfkit.FeatureExtractor.fit(wfkit.Traces.from_arrow(whole[:1]), "totals")
        made = pyarrow.record_batch(wfkit.features_batch(whole, extractor))
        of_program = pyarrow.parquet.read_table(path)
        for name in extractor.names:
            assert made[name].equals(of_program[name].combine_chunks()), name
    elif do == "stream":
        traces, path = int(arguments[0]), arguments[1]
        counted = wfkit.write_parts(table(traces), path, croissant=False)
        assert counted == {"traces": traces, "classes": -(-traces // 10_000), "packets": traces * PACKETS}, counted
    elif do == "same":
        one, other = map(pyarrow.parquet.ParquetFile, arguments)
        assert one.num_row_groups == other.num_row_groups and one.schema_arrow.equals(other.schema_arrow)
        for at in range(one.num_row_groups):
            assert one.read_row_group(at).equals(other.read_row_group(at)), f"row group {at}"
    elif do == "long":
        # Noise: so many values in few bytes would be refused as no Parquet that anybody wrote.
        most, noise = 1 << 28, numpy.random.default_rng(1)
        lengths = (1, 1, most + 1, 1)
        time = [lists(numpy.int8, 0, 1, length) for length in lengths]
        size = [lists(numpy.int8, noise.integers(1, 100, length, numpy.int8), 1, length) for length in lengths]
        chunks = {"time_ns": time, "size": size}
        columns = {"class": ["a"] * 4, "rep": list(range(4)), **{name: pyarrow.chunked_array(each) for name, each in chunks.items()}}
        pyarrow.parquet.write_table(pyarrow.table(columns), arguments[0])


main(*sys.argv[1:])
