"""`python3 docs/tests.py`: that pages are read as they are meant, and that the checks find what they are for."""

import tempfile
import unittest
from pathlib import Path

import commands
import links
import reports

PAGE = """# A page

<!-- before: printf 'a\\nb\\n' > file -->

```console
$ cat file
a
...
$ echo one \\
  two
one two
```

```rust
$ not a command
```

<!-- fails -->
```console
$ cat nothing
cat: nothing: ...
```

<!-- not run: it needs a network -->
```sh
curl example.org
```

```sh
test -f file
rm file
```
"""


class Commands(unittest.TestCase):
    def run_page(self, text):
        with tempfile.TemporaryDirectory() as folder:
            commands.run(commands.parse(text), folder, {"PATH": "/usr/bin:/bin", "LC_ALL": "C"})

    def test_a_page_is_run_in_order_and_what_it_shows_is_compared(self):
        page = commands.parse(PAGE)
        self.assertEqual([step.command.split("\n")[0] for step in page.steps], ["printf 'a\\nb\\n' > file", "cat file", "echo one \\", "cat nothing", "set -e"])
        self.assertEqual([step.fails for step in page.steps], [False, False, False, True, False])
        self.assertEqual([why for _, why in page.not_run], ["it needs a network"])
        self.run_page(PAGE)

    def test_other_output_another_status_and_a_broken_script_are_found(self):
        for old, new in (("one two", "one three"), ("cat nothing", "cat file"), ("test -f file", "test -f other"), ("cat: nothing: ...", "cat: something")):
            with self.subTest(new), self.assertRaises(commands.Wrong):
                self.run_page(PAGE.replace(old, new))

    def test_what_is_shown_only_says_why(self):
        with self.assertRaises(commands.Wrong):
            commands.parse(PAGE.replace("not run: it needs a network", "not run"))

    def test_dots_stand_for_anything_and_spaces_for_one(self):
        for shown, printed, same in (
            ("a\n...\nc", "a\nb\nb\nc\n", True),
            ("a\n...\nc", "a\nc\n", True),
            ("a\n...", "a\nb\n", True),
            ("accuracy  0.89 ...", " accuracy 0.89   [0.8, 0.9]", True),
            ("accuracy 0.89 ...", "accuracy 0.90 [0.8, 0.9]", False),
            ("a", "a\nb\n", False),
            ("results: ... kB", "results: 356 kB", True),
            ("in_001 .. in_100", "in_001 -- in_100", False),
        ):
            with self.subTest((shown, printed)):
                self.assertEqual(commands.matches(shown, printed), same)


    def test_options_and_commands_that_there_are_not_are_found_where_nothing_is_run(self):
        reference = "| `--seed <N>` | x |\n## `wfkit train`\n| `--out <FILE>` | or --seed |\n## `wfkit plot`\n### `wfkit plot roc`\n| `--csv` | |\n"
        page = "```sh\nwfkit train t --out 'm --x' --seed=1 && wfkit plot roc --out x   # --that\n$ wfkit trains\n```\n"
        self.assertEqual(
            commands.unknown(page, reference),
            ["wfkit plot roc --out x: wfkit plot roc has no --out", "wfkit trains: there is no command trains"],
        )


class Links(unittest.TestCase):
    def test_pictures_are_those_that_stand_beside_the_page(self):
        self.assertEqual(links.pictures("![a](pictures/a.svg) [b](b.md) ![c](https://example.org/c.svg)"), ["pictures/a.svg"])

    def test_code_is_left_alone(self):
        self.assertEqual(links.outside_fences("a\n```sh\na\n```\na", str.upper), "A\n```sh\na\n```\nA")

    def test_what_leads_nowhere_and_what_comes_from_elsewhere_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            book = Path(folder)
            (book / "a.html").write_text('<h1 id="top"></h1><a href="b.html">x</a><a href="#top">x</a><a href="https://example.org">x</a>')
            self.assertEqual(links.faults(book), ["a.html: nothing is at b.html"])
            (book / "b.html").write_text('<a href="a.html#end">x</a><script src="https://example.org/x.js"></script>')
            (book / "a.css").write_text("@font-face { src: url('https://example.org/font') }")
            self.assertEqual(
                links.faults(book),
                ["b.html: a.html has no place end", "b.html fetches https://example.org/x.js", "a.css fetches https://example.org/font"],
            )


    def test_links_of_the_readme_lead_to_files(self):
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "README.md"
            page.write_text("[itself](README.md#start) [elsewhere](https://example.org) [gone](gone/page.md)\n")
            self.assertEqual(links.nowhere(page), ["README.md: nothing is at gone/page.md"])


class Reports(unittest.TestCase):
    def test_fields_get_the_words_of_the_structs_that_have_them(self):
        known = [{"accuracy": "How often it is right.", "log_loss": ""}, {"name": "Its name.", "rep": ""}, {"extra": "Of another."}]
        self.assertEqual(reports.about(["accuracy", "log_loss", "unknown"], known), {"accuracy": "How often it is right.", "log_loss": ""})
        fields = {}
        reports.walk({"scores": [{"accuracy": 0.5, "log_loss": 1}], "parameters": {"n": 1}}, "", fields, known)
        self.assertEqual(fields["scores[].accuracy"], ("How often it is right.", "`0.5`"))
        self.assertEqual([*fields], ["scores", "scores[].accuracy", "scores[].log_loss", "parameters"])

    def test_the_code_has_words_for_the_fields_of_all_reports(self):
        known = reports.structs(Path(__file__).resolve().parents[1])
        found = reports.about(["stage", "tool", "seed", "inputs", "counts"], known)
        self.assertEqual(found["stage"], "Name of the stage, such as `capture`.")


if __name__ == "__main__":
    unittest.main()
