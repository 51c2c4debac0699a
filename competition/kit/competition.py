#!/usr/bin/env python3
"""The competition from a terminal or a notebook. Needs Python 3.9 or newer, nothing else.

    export COMPETITION_URL=http://127.0.0.1:8080 COMPETITION_TOKEN=...     # a token: page of your account
    python3 competition.py rounds
    python3 competition.py defend 1 defence.csv.zip
    python3 competition.py targets 1 targets/          # train and test file of every team to attack
    python3 competition.py attack 1 attack.csv.zip     # --team 3 for one of them only
    python3 competition.py status                      # or: status ID
    python3 competition.py leaderboard 1
"""

import argparse
import json
import os
import pathlib
import sys
import time
import urllib.error
import urllib.request


class Competition:
    def __init__(self, url, token):
        self.url, self.token = url.rstrip("/"), token

    def ask(self, path, body=None):
        """The answer of the API as bytes. Refusals are RuntimeErrors in the words of the server."""
        request = urllib.request.Request(self.url + path, data=body, headers={"Authorization": f"Bearer {self.token}"})
        if body is not None:
            request.add_header("Content-Type", "application/octet-stream")
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            try:
                problem = json.load(error)
                words = f"{problem['title']}: {problem['detail']}"
            except (ValueError, KeyError, TypeError):
                words = f"{self.url} answers {error.code}, and not as a server of the competition does"
            raise RuntimeError(words) from None
        except urllib.error.URLError as error:
            raise RuntimeError(f"{self.url} does not answer: {error.reason}") from None

    def get(self, path):
        return json.loads(self.ask("/api/v1" + path))

    def rounds(self):
        return self.get("/rounds")

    def targets(self, number, folder):
        """Downloads what there is to attack; returns the files."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        files = []
        for target in self.get(f"/rounds/{number}/targets"):
            for part in ("train", "test"):
                file = folder / f"team_{target['team_id']}_{part}.csv.zip"
                file.write_bytes(self.ask(target[part]))
                files.append(file)
        return files

    def upload(self, kind, number, file, team=None, wait=True):
        """Uploads a defence or an attack, and waits until it is checked."""
        query = f"?team={team}" if team is not None else ""
        body = pathlib.Path(file).read_bytes()
        submission = json.loads(self.ask(f"/api/v1/rounds/{number}/{kind}s{query}", body))
        while wait and submission["state"] in ("queued", "running"):
            time.sleep(1)
            submission = self.get(f"/submissions/{submission['id']}")
        return submission

    def submissions(self):
        """All submissions of the team, newest first; the server gives them page by page."""
        found, there = [], "/api/v1/submissions?limit=200"
        while there:
            page = json.loads(self.ask(there))
            found += page["items"]
            there = page["next"]
        return found

    def leaderboard(self, number):
        return self.get(f"/rounds/{number}/leaderboard")


def show(submission):
    print(submission["id"], "round", submission["round"], submission["kind"], submission["state"], submission["reason"] or "")
    for problem in (submission["outcome"] or {}).get("problems", []):
        places = ", ".join(f"row {row}: {value}" for row, value in problem["examples"][:5])
        print(f"  {problem['count']} x {problem['kind']} {problem['column']} {places}")
    for score in submission["scores"]:
        print(f"  {score['attacker']} on {score['defender']}, {score['part']}: ROC-AUC {score['roc_auc']:.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default=os.environ.get("COMPETITION_URL", "http://127.0.0.1:8080"))
    parser.add_argument("--token", default=os.environ.get("COMPETITION_TOKEN"))
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("rounds")
    for kind in ("defend", "attack"):
        command = commands.add_parser(kind)
        command.add_argument("round", type=int)
        command.add_argument("file")
        if kind == "attack":
            command.add_argument("--team", type=int)
    command = commands.add_parser("targets")
    command.add_argument("round", type=int)
    command.add_argument("folder")
    commands.add_parser("status").add_argument("id", nargs="?")
    commands.add_parser("leaderboard").add_argument("round", type=int)
    args = parser.parse_args()
    if not args.token:
        sys.exit("No token: make one on the page of your account, then --token or COMPETITION_TOKEN")
    if not args.url.startswith(("http://", "https://")):
        sys.exit(f"{args.url!r} is no address of a server: --url or COMPETITION_URL, such as http://127.0.0.1:8080")
    competition = Competition(args.url, args.token)
    try:
        if args.command == "rounds":
            for one in competition.rounds():
                print(f"{one['number']}: {one['name']}, {one['phase']} until {one['phase_ends'] or 'the end'}")
        elif args.command == "targets":
            print("\n".join(map(str, competition.targets(args.round, args.folder))) or "nobody to attack (yet)")
        elif args.command == "status":
            for one in competition.submissions():
                if args.id in (None, one["id"]):
                    show(one)
        elif args.command == "leaderboard":
            for row in competition.leaderboard(args.round)["rows"]:
                total = "" if row["total"] is None else f"{row['total']:.2f}"
                print(f"{row['rank'] or '-':>3} {total:>8} {row['name']}")
        else:
            kind = "defence" if args.command == "defend" else "attack"
            submission = competition.upload(kind, args.round, args.file, getattr(args, "team", None))
            show(submission)
            if submission["state"] != "done":
                sys.exit(1)
    except (RuntimeError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
