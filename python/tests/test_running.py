"""Long work: without the interpreter's lock, told of, and stopped."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import wfkit

from conftest import made_up


def test_others_run_meanwhile(traces):
    """A thread of Python goes on counting while a forest grows."""
    counted, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        # Once is enough, however busy the machine is: with the lock held, nobody ever counts while work is done.
        for _ in range(100):
            before, told = counted[0], []
            wfkit.evaluate(traces, "kfp", folds=2, progress=lambda *_: told.append(counted[0]))
            if told[-1] > told[0] > before:
                break
        else:
            raise AssertionError("nobody counted meanwhile")
    finally:
        stop.set()
        thread.join()


def test_progress_is_told(traces):
    told = []
    wfkit.evaluate(traces, "totals", folds=4, progress=lambda work, done, steps: told.append((work, done, steps)))
    assert told[0] == ("totals", 0, 4) and told[-1] == ("totals", 4, 4)
    told.clear()
    wfkit.features(traces, "totals", progress=lambda work, done, steps: told.append((done, steps)))
    assert told[-1] == (len(traces), len(traces))


def test_an_exception_of_progress_stops_the_work(traces):
    def refuse(work, done, steps):
        raise RuntimeError("enough")

    try:
        wfkit.evaluate(traces, "totals", folds=4, progress=refuse)
    except RuntimeError as error:
        assert str(error) == "enough"
    else:
        raise AssertionError("it went on")


def test_ctrl_c_stops():
    """The interrupt comes while the work tells that it has begun; without it the work would take minutes."""
    program = textwrap.dedent(
        """
        import os, signal, sys
        sys.path.insert(0, sys.argv[1])
        from conftest import made_up
        import wfkit

        signal.signal(signal.SIGINT, signal.default_int_handler)

        def interrupt(work, done, steps):
            os.kill(os.getpid(), signal.SIGINT)

        traces = made_up(classes=20, reps=60)
        try:
            wfkit.evaluate(traces, "kfp", folds=20, trees=20_000, progress=interrupt)
        except KeyboardInterrupt:
            print("stopped", flush=True)
            os._exit(0)
        """
    )
    here = os.path.dirname(__file__)
    done = subprocess.run([sys.executable, "-c", program, here], capture_output=True, text=True, timeout=300)
    assert done.stdout == "stopped\n", (done.stdout, done.stderr)


def test_warnings_are_those_of_python():
    few = wfkit.Traces.from_arrays(["a"] * 6 + ["b"] * 2, [[0]] * 8, [[n + 1] for n in range(8)])
    with pytest.warns(wfkit.WfkitWarning, match="class b .2 loads"):
        list(wfkit.Folds(3).split(few))


def test_threads_of_python_may_work_at_once():
    traces = made_up(classes=3, reps=6)
    # Whoever started the tests may have it ignored.
    of_interrupts = signal.getsignal(signal.SIGINT)
    expected = wfkit.features(traces, "totals").values
    found = [None] * 4

    def work(place):
        found[place] = wfkit.features(traces, "totals").values

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all((one == expected).all() for one in found)
    assert signal.getsignal(signal.SIGINT) is of_interrupts
