"""Lists of more values than 32 bits count: offsets have 64 bits, and what is not looked at costs nothing."""

import resource

import numpy
import pyarrow
import wfkit

#: One value more than 32 bits with a sign can count.
BEYOND = 2**31


def batch(first, times, sizes):
    """Two traces, of three packets and of two, that begin at value `first` of their columns."""
    offsets = pyarrow.array([first, first + 3, first + 5], pyarrow.int64())
    return pyarrow.record_batch(
        {
            "class": ["a", "b"],
            "rep": [1, 1],
            "time_ns": pyarrow.LargeListArray.from_arrays(offsets, pyarrow.array(times)),
            "size": pyarrow.LargeListArray.from_arrays(offsets, pyarrow.array(sizes)),
        }
    )


def test_offsets_beyond_32_bits():
    """The values before are zeros that no memory was ever given for."""
    times, sizes = numpy.zeros(BEYOND + 5, numpy.int8), numpy.zeros(BEYOND + 5, numpy.int16)
    times[BEYOND:], sizes[BEYOND:] = [0, 1, 7, 0, 5], [514, -1028, 514, 600, -1448]
    far, near = batch(BEYOND, times, sizes), batch(0, times[BEYOND:], sizes[BEYOND:])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    traces = wfkit.Traces.from_arrow(far)
    assert traces.offsets.dtype == numpy.int64 and traces.offsets.tolist() == [0, 3, 5]
    assert traces.time.tolist() == [0, 1, 7, 0, 5] and traces.size.tolist() == [514, -1028, 514, 600, -1448]
    extractor = wfkit.FeatureExtractor.fit(traces, "kfp-size")
    profile = wfkit.Profile.of(traces)
    defend = {"defence": "front:ft-1", "seed": 7, "profile": profile}
    for of in (
        lambda traces: wfkit.features_batch(traces, extractor),
        lambda traces: wfkit.defend_batch(traces, **defend),
    ):
        assert pyarrow.record_batch(of(far)).equals(pyarrow.record_batch(of(near)))

    # As whole numbers of 64 bits, the values would take 17 GB.
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 1_000_000, f"{grown} kB more"


def test_a_part_of_a_large_table_costs_no_more_than_itself():
    """Lists of 32-bit offsets, and of one length, begin in the middle as well."""
    times, sizes = numpy.tile([0, 3, 4], 100), numpy.tile([514, -600, -700], 100)
    names, reps = pyarrow.array(["a"] * 100), pyarrow.array(range(100))
    expected = None
    for lists in (
        lambda values: pyarrow.ListArray.from_arrays(pyarrow.array(range(0, 301, 3), pyarrow.int32()), values),
        lambda values: pyarrow.LargeListArray.from_arrays(pyarrow.array(range(0, 301, 3), pyarrow.int64()), values),
        lambda values: pyarrow.FixedSizeListArray.from_arrays(values, 3),
    ):
        table = pyarrow.record_batch(
            {"class": names, "rep": reps, "time_ns": lists(pyarrow.array(times)), "size": lists(pyarrow.array(sizes))}
        )
        part = wfkit.Traces.from_arrow(table.slice(40, 7))
        found = (part.offsets.tolist(), part.time.tolist(), part.size.tolist(), part.reps.tolist())
        expected = expected or found
        assert found == expected
    assert expected[0][-1] == 21 and expected[1][:3] == [0, 3, 4] and expected[3] == list(range(40, 47))
