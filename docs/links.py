"""Links between pages: where they lead in the book, and whether anything is there."""

import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

DOCS_SRC = Path(__file__).resolve().parent / "src"
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
INCLUDE = re.compile(r"^\{\{#include (\S+)\}\}$", re.M)
LINK = re.compile(r"(?P<picture>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<to>[^)\s]+)\)")


def outside_fences(text, change):
    """`text` with `change` applied to what is not code."""
    parts, at = [], 0
    for fence in FENCE.finditer(text):
        parts += [change(text[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*parts, change(text[at:])])


def is_elsewhere(to):
    return re.match(r"[a-z]+:|#", to) is not None


def pictures(text):
    """The pictures that a page shows, as it names them."""
    return [found["to"] for found in LINK.finditer(text) if found["picture"] and not is_elsewhere(found["to"])]


def moved(text, old, new, root):
    """`text` of the folder `old` with relative links as they are in the folder of the book that `new` is a copy of."""
    new = DOCS_SRC / new.name

    def one(found):
        if is_elsewhere(found["to"]):
            return found[0]
        path, _, anchor = found["to"].partition("#")
        to = os.path.relpath((old / path).resolve(), new)
        return f"{found['picture']}[{found['text']}]({to}{'#' + anchor if anchor else ''})"

    return outside_fences(text, lambda part: LINK.sub(one, part))


def settle(src, root, rooms):
    """Links of all pages in `src`, a copy of docs/src: those to files that have a chapter lead there, those to other files become their names.
    What pages include is put in, found from where they stand in docs/src."""
    chapters = {(root / file).resolve(): DOCS_SRC / "rooms" / f"{name}.md" for name, file in rooms.items()}
    for page in sorted(src.rglob("*.md")):
        here = DOCS_SRC / page.relative_to(src)

        def one(found, here=here):
            path, _, anchor = found["to"].partition("#")
            if is_elsewhere(found["to"]) or not path:
                return found[0]
            if "::" in path or path.endswith(")"):  # a name of the code, for its own documentation
                return found["text"]
            to = (here.parent / path).resolve()
            to = chapters.get(to, to)
            if to.is_relative_to(DOCS_SRC):
                to = os.path.relpath(to, here.parent)
                if found["picture"]:  # a small screen shows it by itself
                    return f"[![{found['text']}]({to})]({to})"
                return f"[{found['text']}]({to}{'#' + anchor if anchor else ''})"
            if not to.exists():
                raise SystemExit(f"error: {page.relative_to(src)}: {found['to']} leads nowhere")
            name = to.relative_to(root)
            return f"`{name}`" if found["text"].strip("`") in (str(name), to.name) else f"{found['text']} (`{name}`)"

        def included(found, here=here):
            return (here.parent / found[1]).read_text().rstrip("\n")

        text = INCLUDE.sub(included, page.read_text())
        page.write_text(outside_fences(text, lambda part, one=one: LINK.sub(one, part)))


def nowhere(path):
    """The links of a page outside of the book, such as the README, that lead to no file."""
    found = [one["to"].partition("#")[0] for one in LINK.finditer(FENCE.sub("", path.read_text())) if not is_elsewhere(one["to"])]
    return [f"{path.name}: nothing is at {to}" for to in found if not (path.parent / to).exists()]


class Seen(HTMLParser):
    """The ids of a page, where it leads, and what a browser fetches for it."""

    def __init__(self):
        super().__init__()
        self.ids, self.leads, self.fetches = set(), [], []

    def handle_starttag(self, tag, attributes):
        of = dict(attributes)
        self.ids |= {of[name] for name in ("id", "name") if of.get(name)}
        if tag == "a" and of.get("href"):
            self.leads.append(of["href"])
        elif tag == "link" and of.get("href"):
            self.fetches.append(of["href"])
        if tag in ("img", "script", "source", "iframe") and of.get("src"):
            self.fetches.append(of["src"])


def faults(book):
    """What is wrong with the links of a built book, and whatever it would fetch from elsewhere."""
    pages = {}
    for path in sorted(book.rglob("*.html")):
        pages[path] = Seen()
        pages[path].feed(path.read_text())
    found = []
    for path, seen in pages.items():
        if path.name == "404.html":  # its links start at the root of a site
            continue
        for to in [*seen.leads, *seen.fetches]:
            if re.match(r"(?:https?:)?//", to):
                if to in seen.fetches:
                    found.append(f"{path.relative_to(book)} fetches {to}")
            elif not re.match(r"[a-z]+:", to):
                name, _, anchor = to.partition("#")
                file = (path.parent / unquote(name)).resolve() if name else path
                if not file.exists():
                    found.append(f"{path.relative_to(book)}: nothing is at {to}")
                elif anchor and file in pages and unquote(anchor) not in pages[file].ids:
                    found.append(f"{path.relative_to(book)}: {name or 'the page'} has no place {anchor}")
    for path in sorted(book.rglob("*.css")):
        found += [f"{path.relative_to(book)} fetches {url}" for url in re.findall(r"url\([\"']?((?:https?:)?//[^)\"']+)", path.read_text())]
    return found
