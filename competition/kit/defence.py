#!/usr/bin/env python3
"""A sample defence: every packet is padded to a multiple of some size. Sizes tell less then, numbers and times as much as before.

    python3 defence.py traces.csv defence.csv.zip 1500
"""

import csv
import io
import sys
import zipfile


def main():
    source, out, multiple = sys.argv[1], sys.argv[2], int(sys.argv[3])
    text = io.StringIO()
    with open(source, newline="") as file:
        reader = csv.DictReader(file)
        writer = csv.DictWriter(text, ["cell_id", "rep", "direction_size", "timestamp"], lineterminator="\n")
        writer.writeheader()
        for row in reader:
            size = int(row["direction_size"])
            padded = -(-abs(size) // multiple) * multiple
            writer.writerow(row | {"direction_size": padded if size > 0 else -padded})
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("defence.csv", text.getvalue())


if __name__ == "__main__":
    main()
