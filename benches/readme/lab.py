"""The sets that the laboratory recorded (`datasets/data/lab`): what attacks find in them."""

import json

from fragments import table, with_interval
from measure import check_counts

ATTACKS = ("totals", "kfp", "cumul-forest", "best")
SCORES = ("accuracy", "log_loss")


def commands(data, more=""):
    """Once by folds, once with sessions apart. (A page of the background occurs once: `--shared-pages` shares none, and lets each be tested in its session.)"""
    names = f"--attack {ATTACKS[-1]} " + " ".join(f"--against {name}" for name in ATTACKS[:-1])
    return [
        f"wfkit evaluate {data}/ {names} {split}{more} --sheet {sheet}.json --format json --quiet"
        for sheet, split in (("folds", "--folds 10"), ("sessions", "--split-by session" + (" --shared-pages" if more else "")))
    ]


def shown(data, more=""):
    apart = " --shared-pages" if more else ""
    return f"`wfkit evaluate {data}/ --attack best --against totals .. --folds 10{more}`, and once more with `--split-by session{apart}`"


def figures(data):
    def read(work, printed):
        found = {}
        for way, report in zip(("folds", "sessions"), map(json.loads, printed)):
            check_counts(data, report["counts"] | {"traces": report["counts"]["tested traces"]})
            sheet = json.loads((work / f"{way}.json").read_text())
            found[way] = {
                "split": sheet["split"],
                "tested": sheet["counts"]["tested traces"],
                "scores": {
                    row["attack"]: {score: {key: row[score][key] for key in ("value", "interval_95")} for score in SCORES}
                    for row in sheet["scores"]
                    if row["attack"] != "chance"
                },
            }
            world = report["privacy"].get("open_world")
            if world:
                names = ("roc_auc", "precision_at_recall_50", "precision_at_recall_80", "true_positive_rate", "false_positive_rate")
                found[way]["open_world"] = {name: {"value": world[name], "interval_95": world["intervals_95"][name]} for name in names}
        return found

    return read


def render(found):
    ways = (found["folds"], found["sessions"])
    order = sorted(ways[0]["scores"], key=lambda name: -ways[0]["scores"][name]["accuracy"]["value"])
    rows = [
        [f"`{name}`"] + [with_interval(way["scores"][name][score], digits) for way in ways for score, digits in (("accuracy", 3), ("log_loss", 2))]
        for name in order
    ]
    header = ["attack"] + [text for way in ways for text in (f"accuracy, {way['split']}", "log loss")]
    text = f"{table(header, rows)}\n\n95 % intervals in brackets; {ways[0]['tested']:,} traces tested each way, one seed."
    if "open_world" in ways[0]:
        told = (
            f"{way['split']} ROC-AUC {with_interval(world['roc_auc'])}, precision {with_interval(world['precision_at_recall_50'])} at a recall of one half and "
            f"{with_interval(world['precision_at_recall_80'])} at four fifths, false positives {with_interval(world['false_positive_rate'])} where it decides"
            for way in ways
            for world in [way["open_world"]]
        )
        text += f" Monitored or not, by `{ATTACKS[-1]}`: {'; '.join(told)}."
    return text
