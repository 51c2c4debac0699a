"""What the scripts under benches/peers print, as figures, and these as tables."""

import re

from fragments import number, table


def tables(text):
    """The Markdown tables in a text, each as a list of rows of cells, the header first."""
    found, rows = [], []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            cells = [part.strip() for part in line.strip().strip("|").split("|")]
            if not all(set(part) <= set("-:") for part in cells):
                rows.append(cells)
        elif rows:
            found.append(rows)
            rows = []
    return found


# --- captures

READERS = {
    "wfkit import": "wfkit, segments as captured",
    "wfkit reassemble": "wfkit, streams put in order",
    "libpcap loop in C": "libpcap in C: time and signed payload, no flows",
    "tcpdump -r -w": "tcpdump -r -w",
    "dpkt": "dpkt (Python), the same as in C",
    "tshark, 4 fields": "tshark -T fields, four fields",
    "scapy": "scapy (Python)",
}


def capture_figures(_, printed):
    header, *rows = tables(printed[-1])[0]
    speeds = {row[0]: row[1:-1] for row in rows}
    whole = re.search(r"(\d+) MB/s, (\d+)% of reading", printed[-1])
    many = [re.search(what + r".*?: ([\d.]+) with one thread, ([\d.]+) with two", printed[-1]) for what in ("small files", "4 files")]
    return {
        "readers": {name: [float(value) if value else None for value in speeds[key]] for key, name in READERS.items()},
        "whole_packets": {"mb_a_second": int(whole[1]), "share_of_reading": int(whole[2])},
        "wall_seconds": {name: [float(found[1]), float(found[2])] for name, found in zip(("small", "large"), many, strict=True)},
    }


def capture_table(figures):
    header = ["reader", "4 M packets cut at 96 bytes", "cut at 64", "2 M whole packets", "pcapng, cut at 96", "memory, MB"]
    rows = [[name, *(f"{value:.3g}" if value is not None else "" for value in values)] for name, values in figures["readers"].items()]
    whole, (small_one, small_two), (large_one, large_two) = figures["whole_packets"], *figures["wall_seconds"].values()
    return (
        f"{table(header, rows)}\n\nMillion packets a CPU second of one thread, medians of five rounds in turns. Whole packets are read at "
        f"{whole['mb_a_second'] / 1000:.1f} GB/s, {whole['share_of_reading']} % of reading the bytes into aligned memory and nothing else. 3,600 small captures take "
        f"{small_two:.2f} s with two threads and {small_one:.2f} s with one, four of 4 million packets {large_two:.2f} and {large_one:.2f} s."
    )


# --- forests

SET = re.compile(r"### (\S+): ([\d,]+ rows x [\d,]+ columns x [\d,]+ classes)")
RATIOS = {"training": "training", "predict_proba": "predict", "3 nearest": "nearest", "peak memory": "memory", "model": "model"}


def forest_figures(_, printed):
    found = {"peer": re.search(r"scikit-learn [\d.]+", printed[-1])[0], "sets": {}, "others": {}}
    for part in printed[-1].split("\n### ")[1:]:
        header, *rows = tables(part)[0]
        if part.startswith("k-fp, others"):
            found["others"] = {row[0]: {"trees": int(row[1]), "training": float(row[4])} for row in rows}
            continue
        shape = SET.match("### " + part)[2]
        shape = re.sub(r" (rows|columns|classes)", "", shape)
        figures = {}
        for row in rows:
            for words, key in RATIOS.items():
                if row[0].startswith(words):
                    figures[key] = float(row[4])
                    if key == "training":
                        figures["training_256"] = float(row[5])
            for words, key in (("accuracy", "accuracy"), ("log loss", "log_loss")):
                if row[0].startswith(words):
                    figures[key] = [[float(value) for value in re.findall(r"[\d.]+", row[at])] for at in (1, 3)]
        found["sets"][shape] = figures
    return found


def forest_table(figures):
    header = ["rows x columns x classes", "training", "256 bins", "predict_proba", "3 nearest by leaves", "memory", "model"]
    header += ["accuracy", "theirs", "log loss", "theirs"]
    rows = []
    for shape, of in figures["sets"].items():
        ratios = [f"{of[key]:.0f} x" if of[key] >= 15 else f"{of[key]:.1f} x" for key in ("training", "training_256", "predict", "nearest")]
        ratios += [f"1/{of[key]:.0f}" for key in ("memory", "model")]
        rows.append([shape, *ratios, *(spread(values) for key in ("accuracy", "log_loss") for values in of[key])])
    others = ", ".join(f"{name} {of['training']:.3g} ({of['trees']} trees)" for name, of in figures["others"].items())
    return (
        f"{table(header, rows)}\n\nBeside {figures['peer']}: 100 trees, the same data, in turns, medians of three; how many times less CPU time, and which part of the "
        "memory over the data and of the model (theirs a pickle). Quality over five seeds (± standard deviation where it was kept). Other forests on the first "
        f"set, one run, times as long to train: {others}; the last two in random-forest mode, which grows a tree a class."
    )


def spread(values):
    """A mean, and the standard deviation where there is one."""
    return number(values[0]) + (f" ± {number(values[1])}" if len(values) > 1 else "")


# --- features


def feature_figures(_, printed):
    rows = re.findall(r"^(kfp-core|cumul|tam) +([\d.]+) +([\d.]+) +([\d.]+)$", printed[-1], re.M)
    return {"sets": {name: [float(ours), float(theirs), float(ratio)] for name, ours, theirs, ratio in rows}}


def feature_table(figures):
    rows = [[f"`{name}`", *("" if value is None else f"{value:,.0f}" for value in values)] for name, values in figures["sets"].items()]
    return (
        f"{table(['features', 'wfkit', 'vectorised NumPy', 'ratio'], rows)}\n\nTraces of 2,000 packets a second and core; medians of five rounds in turns. wfkit's seconds "
        "include making the traces."
    )


# --- sets that do not fit memory


def large_figures(_, printed):
    rows = re.findall(r"^(features|defend) +([\d.]+) s +(\d+) MB$", printed[-1], re.M)
    assert len(rows) == 2, printed[-1]
    return {"commands": {name: [float(seconds), int(megabytes)] for name, seconds, megabytes in rows}}


def large_table(figures):
    what = {"features": "`features --set kfp-size`", "defend": "`defend --defence front`"}
    rows = [[what[name], f"{seconds / 60:.1f} minutes", f"{megabytes:,} MB"] for name, (seconds, megabytes) in figures["commands"].items()]
    return (
        f"{table(['a million traces of 2,000 packets', 'time', 'peak memory'], rows)}\n\nThe packets alone are 24 GB in memory, 7 GB in the file. Each command goes through the "
        "file twice: first for what it learns of the whole set, then to work."
    )


LISTS = {
    "convert": "`dataset convert`",
    "features": "`features --set totals`",
    "defend": "`defend --defence pad:mtu`",
    "read_parts": "Python: `read_parts`",
    "features_batch": "Python: `features_batch` of a table",
    "write_parts": "Python: `write_parts` of a table",
}


def list_figures(_, printed):
    rows = re.findall(r"^(\w+) +[\d.]+ s +(\d+) MB$", printed[-1], re.M)
    assert [name for name, _ in rows] == list(LISTS), printed[-1]
    return {"megabytes": {name: int(megabytes) for name, megabytes in rows}}


def list_table(figures):
    rows = [[LISTS[name], f"{megabytes:,} MB"] for name, megabytes in figures["megabytes"].items()]
    return (
        f"{table(['1,100,000 traces of 2,000 packets', 'peak memory'], rows)}\n\n2,200 million values a list column, more than 32 bits count: in one row group of a file that "
        "pyarrow wrote, and in a table of 550 chunks. The file is small, since all its traces are alike; the packets are 26 GB in memory. Program and package write the same bytes and "
        "find the same features, and a list of more than 2^28 values is refused by its row."
    )


def training_figures(_, printed):
    rows = re.findall(r"^(features|train) +[\d.]+ s +(\d+) MB$", printed[-1], re.M)
    assert len(rows) == 2, printed[-1]
    return {"megabytes": {name: int(megabytes) for name, megabytes in rows}}


def training_table(figures):
    what = {"features": "`features --set kfp-175`", "train": "`train --attack forest --trees 100`"}
    rows = [[what[name], f"{megabytes:,} MB"] for name, megabytes in figures["megabytes"].items()]
    return f"{table(['a million rows of 175 features, 100 classes', 'peak memory'], rows)}\n\nOf made-up traces of 60 packets."


# --- defences


def defend_figures(_, printed):
    header, *rows = tables(printed[-1])[0]
    return {"loads": printed[-1].split(".")[0], "defences": {row[0].strip("`"): [float(value) if value else None for value in row[1:6]] for row in rows}}


def defend_table(figures):
    header = ["defence", "wfkit", "Maybenot's simulator", "ratio", "plain Python", "ratio"]
    rows = [
        [f"`{name}`", *("" if value is None else f"{value:,.0f}" if value >= 20 else f"{value:.1f}" for value in values)]
        for name, values in figures["defences"].items()
    ]
    return (
        f"{table(header, rows)}\n\nLoads defended a second of one core, every invariant checked ({figures['loads']}). What each sends, and why they differ, is in "
        "[benches/peers/defend](../../../benches/peers/defend/README.md)."
    )


# --- alignment


def variant_figures(_, printed):
    header, *rows = tables(printed[-1])[0]
    return {"folds": printed[-1].splitlines()[0], "variants": [[row[0], *map(float, row[1:])] for row in rows]}


def variant_table(figures):
    rows = [[what, number(accuracy, 4), number(auc, 5), number(loss, 4)] for what, accuracy, auc, loss in figures["variants"]]
    return f"{table(['variant', 'accuracy', 'ROC-AUC', 'log loss'], rows)}\n\n{figures['folds'].capitalize()}, means over seeds; the alignment alone, not calibrated."


def alignment_figures(_, printed):
    header, *rows = tables(printed[-1])[0]
    return {"size": printed[-1].split("\n\n")[1], "times": [[row[0], *map(float, row[1:])] for row in rows]}


def alignment_table(figures):
    rows = [[what, f"{ours:.3g}", f"{theirs:.3g}", f"{ratio:.0f}"] for what, ours, theirs, ratio in figures["times"]]
    return f"{table(['', 'wfkit', 'NumPy', 'ratio'], rows)}\n\nCPU seconds of one thread, medians of three rounds in turns: {figures['size']}. Both compute the same log likelihoods."


def alignment_scale_figures(_, printed):
    parts = printed[-1].split("\n\n")
    folds, made = tables(printed[-1])
    return {
        "folds_of": parts[1],
        "folds": [[row[0], *map(float, row[1:])] for row in folds[1:]],
        "made_of": parts[3],
        "made": [[*map(int, row[:2]), *map(float, row[2:])] for row in made[1:]],
    }


def alignment_scale_table(figures):
    folds = [[f"`{attack}`", f"{seconds:.0f}", f"{cpu:.0f}"] for attack, seconds, cpu in figures["folds"]]
    made = [
        [str(classes), f"{traces:,}", f"{fit:.3g}", f"{score:.2g}", f"{memory:.0f}", f"{model:.1f}"]
        for classes, traces, fit, score, memory, model in figures["made"]
    ]
    heads = ["classes", "traces", "fit, CPU seconds", "a trace scored, ms", "more memory, MB", "model, MB"]
    return (
        f"{figures['folds_of']}, all of `wfkit evaluate`, medians of three:\n\n{table(['attack', 'seconds', 'CPU seconds'], folds)}\n\n"
        f"{figures['made_of']}, made by a recipe:\n\n{table(heads, made)}"
    )
