"""`python3 benches/readme/tests.py`: that scripts' output is read right, and that the check finds what it is for."""

import importlib.machinery
import importlib.util
import tempfile
import unittest
from pathlib import Path

import entries
import fragments
import peers
import together
from measure import HERE, ROOT, Failed

loader = importlib.machinery.SourceFileLoader("check", str(HERE / "check"))
check = importlib.util.module_from_spec(importlib.util.spec_from_loader("check", loader))
loader.exec_module(check)

CAPTURE = """| million packets a CPU second, one thread | s96 | s64 | full | s96ng | memory on s96, MB | against wfkit import on s96 |
|---|---:|---:|---:|---:|---:|---:|
| wfkit bytes | 40 | 41 | 10 | 40 | 50 | 0.3 |
| wfkit records | 20 | 21 | 9 | 20 | 50 | 0.6 |
| wfkit import | 12.5 | 13.7 | 5.9 | 11 | 53 | 1 |
| wfkit reassemble | 10.9 | 11.8 | 5.4 | 9.6 | 53 | 1.15 |
| libpcap loop in C | 12.5 | 14.4 | 3.5 |  | 50 | 1 |
| tcpdump -r -w | 10.5 | 11.9 | 2.4 |  | 12 | 1.2 |
| tshark, 4 fields | 0.03 |  |  |  | 272 | 417 |
| dpkt | 0.078 |  |  |  | 35 | 160 |
| scapy | 0.0049 |  |  |  | 75 | 2.6e+03 |

full-size packets: 5500 MB/s, 55% of reading alone (10000 MB/s)
3,600 small files, wall seconds: 0.16 with one thread, 0.10 with two (1.60 times)
4 files of 4 million packets, wall seconds: 1.28 with one thread, 0.65 with two (1.97 times)
"""

FOREST = """2026-11-21, AMD EPYC; scikit-learn 1.9.1, numpy 2.4.6; medians of 3

### k-fp: 9,000 rows x 175 columns x 100 classes, 3,000 test rows, 100 trees

| | wfkit, exact | wfkit, histogram | scikit-learn | ratio, exact | ratio, histogram |
|---|---:|---:|---:|---:|---:|
| training, CPU s | 1 | 0.9 | 9.1 | 9.1 | 10.3 |
| predict_proba of the test rows, CPU s | 1 | 1 | 7.1 | 7.1 | 7 |
| leaf ids of the test rows, CPU s | 1 | 1 | 2 | 2.0 | 2 |
| 3 nearest by leaves, CPU s | 1 | 1 | 19 | 19.0 | 18 |
| peak memory over the data, MB | 10 | 10 | 470 | 47.0 | 47 |
| model, MB | 2 | 2 | 476 | 238.0 | 238 |
| accuracy, 5 seeds | 0.8540 (sd 0.0030) | 0.8500 (sd 0.0030) | 0.8520 (sd 0.0040) | | |
| ROC-AUC, one against the rest, 5 seeds | 0.9900 (sd 0.0010) | 0.9900 (sd 0.0010) | 0.9900 (sd 0.0010) | | |
| log loss, probabilities at least 0.001, 5 seeds | 2.3800 (sd 0.0100) | 2.3900 (sd 0.0100) | 2.3780 (sd 0.0200) | | |

### k-fp, others

| | trees | training, CPU s | wfkit | ratio | accuracy | wfkit | peak memory over the data, MB |
|---|---:|---:|---:|---:|---:|---:|---:|
| rafor | 100 | 2.5 | 1 | 2.5 | 0.850 | 0.854 | 20 |
"""

FEATURES = """traces of 2000 packets, a core and second; NumPy 2.4.6; medians of 5 rounds
set            wfkit     NumPy   ratio
kfp-core       29000      1160    25.0
cumul          68000      9000     7.6
tam            78000     10000     7.8
"""


PAGE_LOADS = """
running 1 test
test explainwf::attacks ... | input | trees | train a page | accuracy | expected | AUC | expected | log loss | expected |
|---|---:|---:|---:|---:|---:|---:|---:|---:|
| totals | its own | 70 | 0.9524 | 0.954 | 0.9968 | 0.9981 | 0.455 | 0.35 |
test explainwf::attacks has been running for over 60 seconds
| ngram-direction | its own | 70 | 0.9536 | 0.956 | 0.9975 | 0.9980 | 0.431 | - |
| best | its own | 70 | 0.9750 | | 0.9990 | | 0.077 | |
ok

test result: ok. 1 passed; 0 failed
"""


class Scripts(unittest.TestCase):
    def test_speeds_of_readers_go_to_their_columns(self):
        figures = peers.capture_figures(None, [CAPTURE])
        self.assertEqual(figures["readers"]["wfkit, segments as captured"], [12.5, 13.7, 5.9, 11, 53])
        self.assertEqual(figures["readers"]["tshark -T fields, four fields"], [0.03, None, None, None, 272])
        self.assertEqual(figures["whole_packets"], {"mb_a_second": 5500, "share_of_reading": 55})
        self.assertEqual(figures["wall_seconds"], {"small": [0.16, 0.10], "large": [1.28, 0.65]})
        self.assertIn("0.10 s with two threads and 0.16 s with one", peers.capture_table(figures))

    def test_forests_are_compared_by_ratio_and_by_quality(self):
        figures = peers.forest_figures(None, [FOREST])
        of = figures["sets"]["9,000 x 175 x 100"]
        ratios = [of[key] for key in ("training", "training_256", "predict", "nearest", "memory", "model")]
        self.assertEqual(ratios, [9.1, 10.3, 7.1, 19, 47, 238])
        self.assertEqual(of["accuracy"], [[0.854, 0.003], [0.852, 0.004]])
        self.assertEqual(of["log_loss"], [[2.38, 0.01], [2.378, 0.02]])
        self.assertEqual(figures["others"], {"rafor": {"trees": 100, "training": 2.5}})
        self.assertIn("| 9.1 x | 10.3 x | 7.1 x | 19 x | 1/47 | 1/238 | .854 ± .003 |", peers.forest_table(figures))

    def test_features_a_second(self):
        figures = peers.feature_figures(None, ["", FEATURES])
        self.assertEqual(figures["sets"]["kfp-core"], [29000, 1160, 25])

    def test_page_loads_as_the_test_runner_prints_them(self):
        figures = entries.page_load_figures(None, [PAGE_LOADS])
        self.assertEqual([row[0] for row in figures["rows"]], ["totals", "ngram-direction", "best"])
        self.assertIn("| `best` | its own | 70 | 0.9750 |  | 0.9990 |  | 0.077 |  |", entries.page_load_table(figures))
        with self.assertRaises(Failed):
            entries.page_load_figures(None, [PAGE_LOADS.replace("result: ok", "result: FAILED")])

    def test_defences_as_their_script_prints_them(self):
        text = (ROOT / "benches/peers/defend/README.md").read_text()
        figures = peers.defend_figures(None, [text[text.index("8 traces,") :]])
        self.assertEqual(figures["defences"]["wtf-pad"][1:], [None] * 4)
        self.assertEqual(len(figures["defences"]), 7)


    def test_memory_of_sets_that_are_too_large(self):
        rows = "pyarrow writes     87.4 s      383 MB\n" + "".join(f"{name:<10}   1.0 s   {at + 1} MB\n" for at, name in enumerate(peers.LISTS))
        self.assertEqual(peers.list_figures(Path(), [rows])["megabytes"], {name: at + 1 for at, name in enumerate(peers.LISTS)})
        with self.assertRaises(AssertionError):
            peers.list_figures(Path(), [rows.replace("read_parts", "none")])
        learned = "features       19.9 s      594 MB\ntrain         540.0 s     4665 MB\n"
        self.assertIn("| 4,665 MB |", peers.training_table(peers.training_figures(Path(), [learned])))


class Together(unittest.TestCase):
    def test_two_attacks_that_are_right_about_different_traces(self):
        # The first is sure of A, the second of B, and each guesses wrongly, but unsurely, about the other.
        sure, unsure = {"A": "0.9,0.1", "B": "0.1,0.9"}, {"A": "0.4,0.6", "B": "0.6,0.4"}
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / name for name in ("first.csv", "second.csv")]
            for path, knows in zip(paths, "AB", strict=True):
                rows = [f"{of},{rep},,{(sure if of == knows else unsure)[of]}" for of in "AB" for rep in range(10)]
                path.write_text("\n".join(["class,rep,session,A,B", *rows]) + "\n")
            found = together.figures(*paths, ("first", "second"), 1.0)
        self.assertEqual((found["alone"], found["together"]["value"]), ([0.5, 0.5], 1.0))
        self.assertAlmostEqual(found["p"], 2 / 2**10)

    def test_intervals_and_tests_by_hand(self):
        # Wilson 1927: (0.5 + z^2/200 ± z sqrt(0.0025 + z^2/40000)) / (1 + z^2/100); McNemar: 2 (1 + 12 + 66 + 220) / 2^12.
        low, high = together.wilson(0.5, 100).values()
        self.assertAlmostEqual(low, 0.4038315, 6)
        self.assertAlmostEqual(high, 0.5961685, 6)
        self.assertAlmostEqual(together.mcnemar(3, 9), 0.1459961, 6)
        self.assertEqual(together.mcnemar(0, 0), 1.0)


class Check(unittest.TestCase):
    def figures(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".md", dir=HERE) as file:
            file.write(text)
            file.flush()
            path = str(Path(file.name).relative_to(ROOT))
            return [fault.split("'")[1] for fault in check.prose(path) if not fault.startswith("exceptions.toml")]

    def test_claims_in_prose_are_found(self):
        claims = [".975", "0.077", "47 %", "25 times", "9.1", "ten times", "280 trials", "3,228", "57 s", "5 GB", "eleven seconds", "1e-7"]
        for claim in claims:
            with self.subTest(claim):
                self.assertTrue(self.figures(f"`best` reaches {claim} here."), claim)

    def test_counts_names_tables_and_commands_are_no_claims(self):
        text = "Classes 10 x 20 in 2026, scikit-learn 1.9.1, Apache-2.0, `--share 0.5`.\n```sh\nwfkit run --pad 0.5 # 12 s\n```\n"
        text += "<!-- table x -->\n| .5 |\n<!-- end x -->\n"
        self.assertEqual(self.figures(text), [])

    def test_output_pasted_outside_of_a_table_is_a_claim(self):
        self.assertEqual(self.figures("```text\n accuracy 0.8050\n```\n"), ["0.8050"])

    def test_a_table_tells_its_circumstances(self):
        whole = "| a |\n\n<sub>`wfkit run` · data: [sample](x) (y) · 2026-11-28 · wfkit 0.1.0</sub>\n"
        self.assertEqual(list(check.lacking(whole)), [])
        for part, text in (("command", "`wfkit run` · "), ("data", "data: [sample](x) (y) · "), ("date", "2026-11-28 · ")):
            self.assertIn(part, list(check.lacking(whole.replace(text, ""))))

    def test_marks_belong_together(self):
        for broken in ("<!-- table a -->\n<!-- end b -->\n", "<!-- table a -->\n", 2 * "<!-- table a -->\n<!-- end a -->\n"):
            with self.subTest(broken), self.assertRaises(ValueError):
                fragments.blocks(broken)

    def test_a_moved_number_is_told_with_its_place(self):
        self.assertEqual(list(check.differences("figures", {"a": [1, 2]}, {"a": [1, 3]})), ["figures.a[1] was 2, is 3"])


if __name__ == "__main__":
    unittest.main()
