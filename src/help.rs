//! Help that lists what there is, from the crates that have it.

use std::fmt::Write as _;

use wfkit_classify::every_attack;
use wfkit_defend::list;

/// The attacks by name.
pub(crate) fn of_attacks() -> String {
    let mut text = String::from("Attacks:\n");
    for attack in every_attack() {
        let aliases = attack.aliases.iter().map(|alias| format!(" ({alias})")).collect::<String>();
        let name = format!("{}{aliases}", attack.name);
        let _ = writeln!(text, "  {name:<22} {}", attack.description);
    }
    text.push_str(
        "  SET+SET                a forest of 100 trees over these feature sets together, such as kfp-size+cumul\n",
    );
    text
}

/// The attacks by name, and all of them.
pub(crate) fn of_evaluated_attacks() -> String {
    of_attacks()
        + "  all                    every attack above that takes these samples and is built, on the same splits: a table by log loss\n"
}

/// The defences and their presets.
pub(crate) fn of_defences() -> String {
    let mut text = String::from(
        "Defences, written name[:preset][,key=value], layers joined by + (front:ft-1,w-max=7s+pad:mtu); `wfkit defend describe NAME` \
         tells the parameters, source, published overheads and caveats of one:\n",
    );
    for defence in list() {
        let _ = writeln!(text, "  {}: {}", defence.name, defence.summary);
        for preset in defence.presets {
            let name = format!("{}:{}", defence.name, preset.name);
            let _ = writeln!(text, "      {name:<24} {}", preset.summary);
        }
    }
    text.push_str("A trace file that is called like a command is written ./list.");
    text
}

/// Filters and permissions, for `capture live`.
pub(crate) const OF_LIVE: &str = "\
Filters are a part of tcpdump's language, with the same meanings:
  tcp udp icmp icmp6 ip ip6 arp        protocols
  port N, host ADDRESS, net CIDR       with src or dst before them; tcp or udp before port
  and or not ( )                       parentheses are needed where `and` and `or` meet
  such as: tcp and host 192.0.2.7 and not port 22

Recording needs Linux and the right CAP_NET_RAW, nothing else: run as root, or once
  sudo setcap cap_net_raw+ep \"$(command -v wfkit)\"
Ctrl-C ends a recording. On loopback every packet is recorded once, when it arrives.";

/// A plan, for `capture collect`.
pub(crate) const OF_COLLECT: &str = "\
A plan, here for pages through Tor (all keys but the first four may be left out):
  interface = \"eth0\"
  command = [\"curl\", \"--silent\", \"--show-error\", \"--output\", \"/dev/null\",
             \"--socks5-hostname\", \"127.0.0.1:9050\", \"http://example.org/{class}\"]
  classes = [\"about\", \"contact\"]   # or classes_file = \"classes.txt\", one a line
  reps = 20
  session = \"monday\"
  filter = \"tcp and host 192.0.2.7\"   # the guard; `wfkit capture live --help` tells the language
  snap_len = 0           # bytes of a packet to record at most; 0 is all
  quiet_time = \"2s\"     # a query starts and ends with so long without a packet
  timeout = \"60s\"       # one that takes longer has failed
  retries = 1            # how often a failed query is tried again

The command runs without a shell, with {class} and {rep} replaced in its arguments. It has to end by itself, with
status 0. Rep 0 of every class comes first, in an order shuffled by --seed, then rep 1, and so on.

The folder gets captures/, manifest.csv, and failures.csv with every failed try. The same command goes on after an
interruption; then: wfkit capture import DIR --out traces.parquet
Recording needs Linux and CAP_NET_RAW, as `wfkit capture live --help` says.";

/// Shortcuts, for `dataset audit`.
pub(crate) const OF_AUDIT: &str = "\
A shortcut is a number or a few that anybody could read off a trace without looking at what was
visited. A forest of 100 trees learns from each alone, on the folds of the attack, so that the
accuracies compare.
  of the recording  order (the rank of the start), session, hour and weekday (UTC), client: in a
                    good set none of them is above chance, since no visit decides when it is
                    recorded. Where classes were recorded one after the other, the order gives
                    them away, and with it whatever drifts: a guard, the load of a network.
  of the traffic    totals, the first 5 and 20 sizes, number of packets, duration: no fault of
                    the set, but an attack that does not beat them has found no more than they.
  twins             traces whose packets another trace has, exactly or nearly, so that they are
                    trained on and tested.

What to do: record classes in turns, as `wfkit capture collect` does; or keep a shortcut out of
the scores, by `wfkit evaluate --split-by session`, where each session holds all classes, or by
--split-time.";

/// Folds, for `dataset split`.
pub(crate) const OF_SPLIT: &str = "\
Folds for a model of your own, and for wfkit's on the same:
  wfkit dataset split traces.parquet --folds 5 --out folds.csv
  wfkit evaluate traces.parquet --attack best --split-file folds.csv --out ours.parquet
  wfkit score theirs.csv --against ours.parquet --truth traces.parquet --split-file folds.csv
folds.csv has the columns class, rep, session, fold (from 1) and together (what no two folds share).
Test fold k by a model that learned from all other folds. examples/pytorch does so in Python.";

/// What columns of a table can hold, by example.
pub(crate) const OF_CONVERT: &str = "\
A table of text with a row a packet, whatever its columns are called and whatever parts them:
  wfkit dataset convert visits.csv --out traces.parquet \\
    --columns class=site,rep=visit,time=t:ms,size=len*dir
  class, rep, session  columns of that; without class the name of the file tells it: CLASS-REP
  trace=COLUMN         what tells traces apart where class, session and rep do not
  time=COLUMN:UNIT     times in s, ms, us or ns, from wherever they are counted;
                       COLUMN:iso where they are written as 2021-03-03T15:57:34.458 (UTC)
  gap=COLUMN:UNIT      times since the packet before
  size=COLUMN          bytes, + outgoing and - incoming
  size=BYTES*DIRECTION a product of columns; size=514*dir where all packets have one size
  dir:0=out            what a value of dir means, where it is not 1, -1, out, in, up, down
A row a trace, with lists in columns that are then called NAME[]:
  --columns class=site,time=times[]:s,size=sizes[]
Packets as tshark, Wireshark and tcpdump print them, one visit a file, are imported as captures
are: by `capture import`, or here, with its options.
  tshark -r 3_1.pcap -T fields -E header=y -E separator=, -e frame.time_epoch \\
    -e ip.src -e ip.dst -e ip.proto -e tcp.flags -e tcp.len > texts/3_1.csv
  wfkit dataset convert texts --out traces.parquet --client 10.0.0.0/8
datasets/README.md has all formats, with what each keeps and loses.";

/// Where completions go, by shell.
pub(crate) const OF_COMPLETIONS: &str = "\
Such as:
  wfkit completions bash > ~/.local/share/bash-completion/completions/wfkit
  wfkit completions zsh > \"${fpath[1]}/_wfkit\"
  wfkit completions fish > ~/.config/fish/completions/wfkit.fish";

/// Files of probabilities, for `score`.
pub(crate) const OF_SCORE: &str = "\
A table (CSV, Parquet) has a column for every class, named by it, in any order; `1`, `1.0` and `01`
are one class, and what all names begin with, as `proba_class_`, may stand before it. The columns
class (the true one), rep and, where traces have one, session say which trace a row is of. Without
them rows are taken in the order of the truth: classes in class order, then sessions, then reps.
Columns fold, origin, page and start_ns, and the index that pandas writes, are passed over.

Arrays (numpy.savez): probabilities (traces, classes) and classes (their names), with y (places in
classes) or class (names), rep and session for the keys, as `wfkit features tensor` writes them.

A row sums to 1, but for 1e-6, and is rescaled. A class that was not learned has a column of zeros.
Leakage is told as far as these probabilities, and those compared with, can tell.

Such as, in Python, with folds of `wfkit dataset split --folds`:
  table = traces[['class', 'rep', 'session']].join(pandas.DataFrame(p, columns=classes))
  table.to_csv('theirs.csv', index=False)
  wfkit score theirs.csv --against ours.parquet --truth traces.parquet --split-file folds.csv";

/// Grids and results, for `sweep`.
pub(crate) const OF_SWEEP: &str = "\
Several defences as one, all combinations of:
  front:ft-1|ft-2                          presets
  tamaraw:cell,rho-out=10ms|20ms           values
  front:n=500..5000                        a range: five values at equal ratios, both ends among them
  front:ft-1,n-server=0..3000/4            four values, at equal differences where an end is 0

The folder gets report.md with tables to paste, sweep.svg, sweep.csv, sweep.json (the stage report) and points/, where every finished measurement
is kept under what it depends on: traces, split, defence, draw, seed, attack, and this very build of wfkit. The same command goes on after an
interruption, and one with more defences measures only those. A defence that fails is told, the others go on, and the exit status is 1.

On the front is what no other defence beats in bandwidth overhead, latency overhead or ROC-AUC without losing in another of them; areas below 0.5
count as 0.5.

Views (--views) take information out of traces and train the attack again. sizes: what sizes there are each way, sorted, without times. times: when
packets are sent, without direction and size. order: the sequence of directions, without size and time. Each leaves the number of packets.";

/// What the total of a competition is, for `competition score`.
pub(crate) const OF_TOTAL: &str = "\
total = utility x attack score
  utility       64 / log10(median bytes in x median bytes out x median seconds) of the traces that
                a team sends: what its own defence costs
  attack score  10 x the mean ROC-AUC (one class against the rest) of its attacks on other teams;
                1 for a team without an attack

Its traps:
  - Guessing has an area of 0.5, so an attack score of 5 and not 0; good and fair attacks stand
    close together below 10. Look at accuracy beside it.
  - What a defence hides is not in its own team's total. It costs that team utility, and lowers the
    attack scores, so the totals, of those who attack it. Compare teams, not totals of one.
  - Utility is one over a logarithm: for queries of 67 kB and 17 s, ten times the incoming bytes cost
    a tenth of it.
  - Medians do not see half of the traces: what is done to the larger half alone costs nothing.
    Hold a defence against the traces that it was made of, `wfkit defend` does.
  - An area looks at the order that the probabilities of one class give to all traces. Rounding them
    to 0 and 1 throws that away.
  - Traces that are in a defence file twice can be learned and tested; `competition split` counts
    them.";
