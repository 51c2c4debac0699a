"""Everything public has a docstring, and the examples in them hold."""

import doctest
import inspect

import pytest

import wfkit


def documented():
    yield "wfkit", wfkit.__doc__
    for name in wfkit.__all__:
        thing = getattr(wfkit, name)
        if name.startswith("__"):
            continue
        yield name, thing.__doc__
        if inspect.isclass(thing) and thing.__module__.startswith("wfkit"):
            for member, value in vars(thing).items():
                if not member.startswith("_") and (callable(value) or hasattr(value, "__get__")):
                    yield f"{name}.{member}", getattr(value, "__doc__", None) or getattr(getattr(value, "__func__", None), "__doc__", None)
    for module in (wfkit.competition, wfkit.convert, wfkit.plot):
        for name in module.__all__:
            yield f"{module.__name__}.{name}", getattr(module, name).__doc__


DOCS = dict(documented())


@pytest.mark.parametrize("name", DOCS)
def test_documentation(name):
    # Fields of dataclasses are told in the text of their class, and those of one trace likewise.
    of_field = "." in name and name.split(".")[0] in ("Trace", "Batch")
    assert DOCS[name] or of_field, f"{name} has no docstring"
    test = doctest.DocTestParser().get_doctest(DOCS[name] or "", {"wfkit": wfkit} | vars(wfkit), name, None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    told = []
    runner.run(test, out=told.append)
    assert runner.failures == 0, "".join(told)


def test_there_are_examples():
    assert sum(">>>" in (doc or "") for doc in DOCS.values()) >= 15
