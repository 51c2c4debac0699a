"""What the project's tables are made of: for each the commands, the data set, the figures taken from what they print, and its Markdown."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import lab
import peers
import together
from fragments import number, percent, size, table, with_interval
from measure import DATA_SETS, Failed, check_counts

# Pages of the handbook that are made of tables.
NUMBERS = "docs/src/numbers"


@dataclass(frozen=True)
class Entry:
    """`figures(work, printed)` gets the folder that the commands ran in and what each printed, and gives plain JSON."""

    name: str
    data: str | None
    commands: list[str]
    figures: Callable[[Path, list[str]], dict]
    render: Callable[[dict], str]
    time: str  # about how long, on two cores
    cheap: bool = False  # CI measures it again
    shown: str = ""  # the commands in short, where they are too long to read
    shown_in: str = f"{NUMBERS}/speed.md"


# The attacks that were not tried, as every table of defences must say.
MISSING = (
    "Not among the attackers: deep networks (DF, Tik-Tok and RF, which take a GPU; Var-CNN, CountMamba and others, which wfkit does not have). In published comparisons "
    "(CountMamba's, IEEE S&P 2025, for one) they find more under padding than forests: what is shown is the least that an observer finds."
)


# --- wfkit run


def run_figures(work, printed):
    document = json.loads((work / "out/run.report.json").read_text())
    check_counts("sample", document["counts"])
    privacy = document["privacy"]
    intervals, trivial = privacy["intervals_95"], privacy["trivial"]
    return {
        "stages": "\n".join(line.rstrip() for line in printed[0].strip("\n").split("\n\n")[0].splitlines()),
        "attack": {"name": privacy["attack"], "value": privacy["accuracy"], "interval": intervals["accuracy"]},
        "totals": {"name": trivial["attack"], "value": trivial["accuracy"], "interval": trivial["accuracy_95"]},
        "split": privacy["split"],
    }


def run_table(figures):
    attack, totals = figures["attack"], figures["totals"]
    return (
        f"```text\n{figures['stages']}\n```\n\n"
        f"Accuracies at `classify` with 95 % intervals: {attack['name']} {with_interval(attack)}, {totals['name']} {with_interval(totals)} "
        f"({figures['split']}); those of the other rows are in the report."
    )


# --- one attack, several seeds


def seed_commands(data, seeds):
    return [
        f"wfkit capture import {data}/ --out traces.parquet --format json",
        *(f"wfkit evaluate traces.parquet --attack best --folds 10 --seed {seed} --format json --quiet" for seed in seeds),
    ]


def seed_figures(data, seeds):
    def figures(_, printed):
        check_counts(data, json.loads(printed[0])["counts"])
        found = {}
        for seed, text in zip(seeds, printed[1:], strict=True):
            privacy = json.loads(text)["privacy"]
            intervals = privacy["intervals_95"]
            found[str(seed)] = {score: {"value": privacy[score], "interval_95": intervals[score]} for score in ("accuracy", "log_loss")}
        return {"seeds": found}

    return figures


def seed_table(figures):
    seeds = figures["seeds"]
    rows = [[f"seed {seed}", with_interval(scores["accuracy"]), with_interval(scores["log_loss"])] for seed, scores in seeds.items()]
    means = [sum(scores[score]["value"] for scores in seeds.values()) / len(seeds) for score in ("accuracy", "log_loss")]
    rows.append(["mean", *(number(mean, 3) for mean in means)])
    return f"{table(['`best`', 'accuracy', 'log loss'], rows)}\n\nTen folds, drawn anew by each seed, which also grows other trees."


# --- attacks beside each other

# Two that find about as much as each other, to see whether they find the same.
TOGETHER = ("cumul", "totals")
SEEDS = (0, 1, 2)
SHEET_SCORES = ("accuracy", "log_loss", "roc_auc_macro_ovr")


def evaluations(data, attacks, folds):
    """One evaluation by folds and one with sessions apart, of the same attacks."""
    first, *others = attacks
    names = " ".join([f"--attack {first}"] + [f"--against {name}" for name in others])
    return [
        f"wfkit capture import {data}/ --out traces.parquet --format json",
        f"wfkit evaluate traces.parquet {names} --folds {folds} --sheet folds.json --format json --quiet",
        f"wfkit evaluate traces.parquet {names} --folds {folds} --split-by session --sheet sessions.json --format json --quiet",
        *(f"wfkit evaluate traces.parquet --attack {name} --folds {folds} --out {name}.csv --format json --quiet" for name in TOGETHER),
    ]


def attack_figures(data):
    def figures(work, printed):
        check_counts(data, json.loads(printed[0])["counts"])
        found = {}
        for way in ("folds", "sessions"):
            sheet = json.loads((work / f"{way}.json").read_text())
            found[way] = {
                "split": sheet["split"],
                "tested": sheet["counts"]["tested traces"],
                "scores": {
                    row["attack"]: {score: {key: row[score][key] for key in ("value", "interval_95")} for score in SHEET_SCORES}
                    for row in sheet["scores"]
                    if row["attack"] != "chance"
                },
            }
        widened_by = json.loads(printed[-1])["privacy"]["intervals_95"]["widened_by"]
        found["together"] = together.figures(*(work / f"{name}.csv" for name in TOGETHER), TOGETHER, widened_by)
        return found

    return figures


def attack_table(figures):
    folds, sessions = figures["folds"], figures["sessions"]
    order = sorted(folds["scores"], key=lambda name: -folds["scores"][name]["accuracy"]["value"])
    rows = []
    for name in order:
        row = [f"`{name}`"]
        for way in (folds, sessions):
            row += [with_interval(way["scores"][name][score], digits) for score, digits in (("accuracy", 3), ("log_loss", 2))]
        rows.append(row)
    header = ["attack", f"accuracy, {folds['split']}", "log loss", f"accuracy, {sessions['split']}", "log loss"]
    return (
        f"{table(header, rows)}\n\n95 % intervals in brackets; {folds['tested']:,} traces tested each way, one seed. {what_totals_leave(figures['together'])}"
    )


def what_totals_leave(figures):
    """What was tested about totals: whether an attack no better than they are sees the same as they do."""
    (first, second), (alone, totals), both, p = figures["names"], figures["alone"], figures["together"], figures["p"]
    told = "p < .001" if p < 0.001 else f"p = {number(p)}"
    more = "they err on different traces" if p < 0.05 and both["value"] > max(alone, totals) else "no sign that they err on different traces"
    return (
        f"The probabilities of `{first}` and `{second}` averaged name {with_interval(both)} of the traces (folds), where these attacks alone name {number(alone)} and "
        f"{number(totals)} (McNemar's test against the better one, {told}): {more}."
    )


# --- benchmarks by name

# Those on bundled data, so that everybody can run them.
BENCHMARKS = (
    "sample@1/5-folds",
    "sample@1/10-folds",
    "sample@1/10-sessions",
    "lab-secretstroll@1/10-folds",
    "lab-secretstroll@1/4-sessions",
    "lab-pages@1/10-folds",
    "lab-pages@1/4-sessions",
    "torpcaps-xs@1/10-folds",
    "torpcaps-xs@1/10-sessions",
)
BENCHMARK_SCORES = ("accuracy", "macro_f1", "roc_auc_macro_ovr", "log_loss")


def benchmark_commands():
    """Those on `sample`, which is captures, are told the traces; the others are found by name."""
    attacks = "--attack best --against kfp --against cumul-forest"
    traces = {name: "sample.parquet " if name.startswith("sample@") else "" for name in BENCHMARKS}
    evaluated = [f"wfkit evaluate {traces[name]}--benchmark {name} {attacks} --sheet {place}.json --quiet" for place, name in enumerate(BENCHMARKS)]
    return ["wfkit capture import sample/ --out sample.parquet --quiet", *evaluated]


def benchmark_figures(work, printed):
    found = {}
    for place, name in enumerate(BENCHMARKS):
        sheet = json.loads((work / f"{place}.json").read_text())
        found[name] = {
            "tested": sheet["counts"]["tested traces"],
            "scores": {row["attack"]: {score: row.get(score) and {key: row[score][key] for key in ("value", "interval_95")} for score in BENCHMARK_SCORES} for row in sheet["scores"]},
        }
    return found


def benchmark_table(figures):
    sheets = []
    for name, sheet in figures.items():
        rows = []
        for attack, scores in sheet["scores"].items():
            digits = {"log_loss": 2, "roc_auc_macro_ovr": 4}
            cells = [with_interval(scores[score], digits.get(score, 3)) if scores[score] and scores[score]["value"] is not None else "-" for score in BENCHMARK_SCORES]
            rows.append([attack if attack == "chance" else f"`{attack}`", *cells])
        sheets.append(f"**`{name}`**, {sheet['tested']:,} traces tested:\n\n{table(['attack', 'accuracy', 'macro F1', 'ROC-AUC', 'log loss'], rows)}")
    return "\n\n".join(sheets) + "\n\n95 % intervals in brackets, of means over traces; clustered by session where whole sessions are tested."


# --- few traces a class

FEW = (1, 2, 5, 10)
LEARNERS = ("alignment", "best", "kfp-size")


def few_shot(data):
    shots = ",".join(map(str, FEW))
    return [f"wfkit capture import {data}/ --out traces.parquet --format json"] + [
        f"wfkit evaluate traces.parquet --attack {name} --folds 2 --few-shot {shots} --format json --quiet" for name in LEARNERS
    ]


def few_shot_figures(data):
    def figures(_, printed):
        check_counts(data, json.loads(printed[0])["counts"])
        curves = {}
        for name, text in zip(LEARNERS, printed[1:], strict=True):
            curve = json.loads(text)["privacy"]["few_shot"]
            curves[name] = [{"traces": row["traces_a_class"], "value": row["accuracy"], "interval": row["accuracy_95"]} for row in curve]
        return curves

    return figures


def few_shot_table(figures):
    rows = [[str(traces), *[with_interval(figures[name][place]) for name in figures]] for place, traces in enumerate(FEW)]
    return (
        f"{table(['training traces a class', *[f'`{name}`' for name in figures]], rows)}\n\nAccuracy with its 95 % interval, over two folds and five draws of "
        "the training traces."
    )


# --- neural nets

NETS = ("best+deep", "best", "df-sized")


def deep_commands(data):
    first, *others = NETS
    names = " ".join([f"--attack {first}"] + [f"--against {name}" for name in others])
    return [
        f"wfkit capture import {data}/ --out traces.parquet --format json",
        "wfkit dataset split traces.parquet --test-percent 20 --out parts --format json --quiet",
        f"wfkit evaluate --train parts/train.parquet --test parts/test.parquet {names} --sheet nets.json --format json --quiet",
    ]


def deep_figures(work, printed):
    check_counts("torpcaps", json.loads(printed[0])["counts"])
    sheet = json.loads((work / "nets.json").read_text())
    scores = {row["attack"]: row for row in sheet["scores"]}
    privacy = json.loads(printed[-1])["privacy"]
    tests = {other["second"]: other["accuracy"]["p_holm"] for other in privacy["against"]}
    return {
        "train_cpu_seconds": json.loads(printed[-1])["utility"]["cost"]["train_cpu_seconds"],
        "tested": sheet["counts"]["tested traces"],
        "attacks": [
            {
                "attack": name,
                "accuracy": scores[name]["accuracy"],
                "log_loss": scores[name]["log_loss"],
                "p": tests.get(name),
            }
            for name in NETS
        ],
        "members": privacy["folds"][0]["model"],
    }


def deep_table(figures):
    header = ["attack", "accuracy", "log loss", "p against best+deep"]
    rows = [
        [f"`{row['attack']}`", with_interval(row["accuracy"]), with_interval(row["log_loss"], 3), "" if row["p"] is None else "< .001" if row["p"] < 0.001 else number(row["p"])]
        for row in figures["attacks"]
    ]
    return (
        f"{table(header, rows)}\n\nOne stratified split, {figures['tested']:,} traces tested, one seed; 95 % intervals in brackets; p of McNemar's test on accuracy, by Holm. "
        f"How `df-sized` learns was chosen of three ways on this very split. Training `best+deep` took {figures['train_cpu_seconds']:.0f} CPU seconds. "
        f"Its {figures['members']}: the net is not in it where it adds nothing."
    )


# --- defences


def sweep_figures(data, traces=None):
    """`traces` is how many a part of the data set has, where not all of it is swept."""

    def figures(work, printed):
        document = json.loads(printed[-1])
        check_counts(data, document["counts"], traces)
        privacy = document["privacy"]
        return {
            "split": privacy["split"],
            "traces": document["counts"]["traces"],
            "replicas": REPLICAS,
            "defences": [
                {
                    "defence": row["defence"],
                    "bandwidth": row["bandwidth"]["mean"],
                    "latency": row["latency"]["mean"],
                    "latency_bracket": row["latency_bracket"],
                    "utility": row["utility"]["mean"],
                    "tested": row["attacks"][0]["tested"],
                    "attacks": {
                        attack["attack"]: {
                            "value": attack["accuracy"]["mean"],
                            "interval": attack["accuracy"]["interval_95"],
                            "roc_auc": attack["roc_auc"]["mean"],
                        }
                        for attack in row["attacks"]
                    },
                }
                for row in privacy["defences"]
            ],
        }

    return figures


def sweep_table(figures):
    defences = figures["defences"]
    names = list(defences[0]["attacks"])
    rows = [[f"`{row['defence']}`", percent(row["bandwidth"]), latency(row), f"{row['utility']:.2f}", *map(cell, row["attacks"].values())] for row in defences]
    tested = defences[0]["tested"]
    copies = "one draw" if figures["replicas"] == 1 else f"{figures['replicas']} draws"
    return (
        f"{table(['defence', 'bandwidth', 'latency', 'utility', *[f'`{name}`' for name in names]], rows)}\n\n"
        f"Accuracy with its 95 % interval, and ROC-AUC below it; {figures['split']}, {tested:,} of {figures['traces']:,} loads tested, each in one draw of the "
        f"defence. Attacks are trained again on {copies} of each training load. Latency: in brackets what the delay models span. {MISSING}"
    )


def cell(attack):
    return f"{with_interval(attack)}<br>{number(attack['roc_auc'], 4)}"


def latency(row):
    low, high = (percent(bound)[:-2] for bound in row["latency_bracket"])
    return percent(row["latency"]) + (f" [{low}, {high}]" if low != high else "")


# --- the attacks on page loads beside scikit-learn


def page_load_figures(work, printed):
    if "test result: ok" not in printed[-1]:
        raise Failed("the test did not pass, or did not end")
    # The runner prints the test's name before its first line, and once a minute that it still runs.
    text = re.sub(r"^test .*? (\.\.\. (?=\|)|has been running .*\n)", "", printed[-1], flags=re.M)
    found = [rows for rows in peers.tables(text) if rows[0][0] == "input"]
    if not found:
        raise Failed("the test printed no table: is the data set explainwf there?")
    return {"rows": found[0][1:]}


def page_load_table(figures):
    header = ["features", "trees", "training loads a page", "accuracy", "scikit-learn", "ROC-AUC", "scikit-learn", "log loss", "scikit-learn"]
    rows = [[f"`{row[0]}`", *("" if value == "-" else value for value in row[1:])] for row in figures["rows"]]
    return (
        f"{table(header, rows)}\n\nThe columns of scikit-learn are a run of our own of scikit-learn 1.9.1 on features written in Python, not published scores."
    )


# --- the list of data sets


def data_set_table(_=None):
    rows = [[f"`{name}`", data["what"], size(data), data["source"], data["licence"], data["get"]] for name, data in DATA_SETS.items()]
    return table(["name", "what", "size", "source", "licence", "where"], rows, left=6)


ATTACKS = ["best", "alignment", "boosting", "requests,ngram-cells", "requests", "bursts", "kfp-size", "ngram", "cumul,totals", "cumul", "cumul-forest", "totals"]
ATTACKS += ["wang-knn-forest", "wang-knn", "kfp-175", "sequence", "tiktok-timing", "tam"]

# Size padding, padding at the size of these queries, waiting, regulation, fixed rates and one shape for all.
SAMPLE_DEFENCES = ["pad:mtu", "front:ft-1,n-client=20,n-server=40", "jitter:uniform,max=100ms", "regulator:heavy", "tamaraw:cell", "fixed-shape"]
REPLICAS = 3

EVALUATED = (
    "`wfkit evaluate traces.parquet --attack best --against kfp-size .. --folds 10 --sheet folds.json` with an `--against` for every row, "
    "and once more with `--split-by session`"
)

ENTRIES = [
    Entry("run", "sample", ["wfkit run sample/ --out out"], run_figures, run_table, "5 seconds", cheap=True, shown_in=f"{NUMBERS}/run.md"),
    Entry("attacks", "torpcaps", evaluations("torpcaps", ATTACKS, 10), attack_figures("torpcaps"), attack_table, "20 minutes", shown=EVALUATED, shown_in=f"{NUMBERS}/attacks.md"),
    Entry(
        "best-seeds", "torpcaps", seed_commands("torpcaps", SEEDS), seed_figures("torpcaps", SEEDS), seed_table, "3 minutes", shown_in=f"{NUMBERS}/attacks.md"
    ),
    Entry(
        "attacks-sample", "sample", evaluations("sample", ATTACKS, 10), attack_figures("sample"), attack_table, "30 seconds", cheap=True, shown=EVALUATED,
        shown_in=f"{NUMBERS}/attacks.md",
    ),
    Entry("few-shot", "torpcaps", few_shot("torpcaps"), few_shot_figures("torpcaps"), few_shot_table, "15 minutes", shown_in="classify/ALIGNMENT.md"),
    Entry("few-shot-sample", "sample", few_shot("sample"), few_shot_figures("sample"), few_shot_table, "30 seconds", cheap=True, shown_in="classify/ALIGNMENT.md"),
    Entry("deep", "torpcaps", deep_commands("torpcaps"), deep_figures, deep_table, "15 minutes; a build with --features deep", shown_in="classify/DEEP.md"),
    Entry(
        "alignment-variants",
        "torpcaps",
        ["benches/alignment/variants torpcaps/ 10 0 1"],
        peers.variant_figures,
        peers.variant_table,
        "10 minutes",
        shown_in="classify/ALIGNMENT.md",
    ),
    Entry(
        "alignment-speed",
        "sample",
        ["benches/peers/alignment/run"],
        peers.alignment_figures,
        peers.alignment_table,
        "5 minutes",
        shown_in="classify/ALIGNMENT.md",
    ),
    Entry(
        "alignment-scale",
        "torpcaps",
        ["benches/peers/alignment/scale torpcaps/"],
        peers.alignment_scale_figures,
        peers.alignment_scale_table,
        "10 minutes",
        shown_in="classify/ALIGNMENT.md",
    ),
    Entry(
        "defences",
        "explainwf",
        [
            "wfkit sweep explainwf/ --plan benches/defences.txt --attack totals,cumul-forest,kfp,best --test-session run3 --first 12 --draws 1 "
            f"--replicas {REPLICAS} --out results --format json"
        ],
        sweep_figures("explainwf", traces=3600),
        sweep_table,
        "20 minutes",
        shown_in=f"{NUMBERS}/defences.md",
    ),
    Entry(
        "defences-sample",
        "sample",
        [
            "wfkit capture import sample/ --out traces.parquet --quiet",
            f"wfkit sweep traces.parquet {' '.join(f'--defence {spec}' for spec in SAMPLE_DEFENCES)} --attack totals,kfp-size,best --draws 1 "
            f"--replicas {REPLICAS} --out results --format json",
        ],
        sweep_figures("sample"),
        sweep_table,
        "20 seconds",
        cheap=True,
        shown_in=f"{NUMBERS}/defences.md",
    ),
    *(
        Entry(
            f"lab-{name}",
            f"lab-{name}",
            lab.commands(f"lab-{name}", more),
            lab.figures(f"lab-{name}"),
            lab.render,
            "2 minutes",
            shown=lab.shown(f"lab-{name}", more),
            shown_in="datasets/data/lab/README.md",
        )
        for name, more in (("secretstroll", ""), ("pages", " --open-world unmonitored"))
    ),
    Entry(
        "benchmarks",
        "sample",
        benchmark_commands(),
        benchmark_figures,
        benchmark_table,
        "10 minutes",
        shown="`wfkit evaluate --benchmark NAME --attack best --against kfp --against cumul-forest --sheet sheet.json` for each, those of `sample` after `wfkit capture import datasets/data/sample --out sample.parquet` with `sample.parquet`",
        shown_in=f"{NUMBERS}/benchmarks.md",
    ),
    Entry("capture-speed", "made-captures", ["benches/peers/capture/run"], peers.capture_figures, peers.capture_table, "30 minutes, 4 GB"),
    Entry("forest-speed", "made-rows", ["benches/peers/forest/run"], peers.forest_figures, peers.forest_table, "30 minutes"),
    Entry("feature-speed", "made-traces", ["benches/peers/features/run"], peers.feature_figures, peers.feature_table, "2 minutes"),
    Entry("large-sets", "made-large", ["benches/large/run 1000000 2000"], peers.large_figures, peers.large_table, "25 minutes, 20 GB of disk"),
    Entry("large-training", "made-short", ["benches/large/train 1000000"], peers.training_figures, peers.training_table, "20 minutes, 6 GB of disk"),
    Entry("large-lists", "made-lists", ["benches/large/lists"], peers.list_figures, peers.list_table, "30 minutes"),
    Entry("defend-speed", "maybenot-loads", ["benches/peers/defend/run maybenot-loads/"], peers.defend_figures, peers.defend_table, "10 minutes"),
    Entry(
        "page-loads",
        "explainwf",
        ["cargo test --release --workspace --test it explainwf::attacks -- --nocapture"],
        page_load_figures,
        page_load_table,
        "5 minutes",
        shown_in="benches/readme/README.md",
    ),
]
BY_NAME = {entry.name: entry for entry in ENTRIES}
