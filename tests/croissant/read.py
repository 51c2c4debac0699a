"""Reads data sets by their Croissant descriptions with mlcroissant, and holds what comes out against the files as pandas reads them."""

import json
import sys
from pathlib import Path

import mlcroissant
import numpy
import pandas


def plain(value):
    """As Python has it: text, numbers, lists, and None for what is missing."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, (numpy.ndarray, list)):
        return [int(number) for number in value]
    if value is None or value is pandas.NA or value != value:
        return None
    return value.item() if isinstance(value, numpy.generic) else value


for name in sys.argv[1:]:
    path = Path(name)
    described = mlcroissant.Dataset(name)
    [records] = described.metadata.record_sets
    read = [{key.split("/")[1]: plain(value) for key, value in record.items()} for record in described.records(records.id)]
    text = json.loads(path.read_text())
    file = path.with_name(text["distribution"][0]["name"])
    table = pandas.read_parquet(file) if file.suffix == ".parquet" else pandas.read_csv(file)
    assert len(read) == len(table) > 0, (name, len(read), len(table))
    for column in table.columns:
        of_file = [plain(value) for value in table[column]]
        found = [record[column] for record in read]
        if column in ("class", "cell_id"):
            of_file, found = [str(value) for value in of_file], [str(value) for value in found]
        assert found == of_file, (name, column, found[:2], of_file[:2])
    assert str(path.parent) not in path.read_text()
    print(f"{path.name}: {len(read)} records of {len(table.columns)} fields, {text.get('license', 'no licence known')}")
