//! Collecting without a network: packets, commands and time are played by a script for each class.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::rc::Rc;

use super::*;
use crate::LinkType;
use crate::live::source::Packet;

const MS: fn(u64) -> Duration = Duration::from_millis;

#[derive(Default)]
struct World {
    now: Duration,
    packets: VecDeque<Duration>,
    lost: u64,
    tries: BTreeMap<String, u32>,
    order: Vec<String>,
    stop_after: Option<usize>,
}

#[derive(Clone, Default)]
struct Shared(Rc<RefCell<World>>);

impl Clock for Shared {
    fn now(&self) -> Duration {
        self.0.borrow().now
    }

    fn unix_ns(&self) -> i64 {
        self.now().as_nanos() as i64
    }
}

impl PacketSource for Shared {
    fn link(&self) -> LinkType {
        LinkType::ETHERNET
    }

    fn next(&mut self, wait: Duration) -> io::Result<Option<Packet<'_>>> {
        let mut world = self.0.borrow_mut();
        let end = world.now + wait;
        match world.packets.front().copied() {
            Some(time) if time <= end => {
                world.packets.pop_front();
                world.now = world.now.max(time);
                Ok(Some(Packet { time_ns: time.as_nanos() as i64, orig_len: 60, data: &[0; 60] }))
            }
            _ => {
                world.now = end.max(world.now + MS(1));
                Ok(None)
            }
        }
    }

    fn take_counters(&mut self) -> io::Result<Counters> {
        Ok(Counters { received: 0, dropped: std::mem::take(&mut self.0.borrow_mut().lost) })
    }
}

struct Played {
    world: Shared,
    ends: Option<Duration>,
    well: bool,
}

impl Runner for Shared {
    type Process = Played;

    fn start(&mut self, command: &[String]) -> io::Result<Played> {
        let mut world = self.0.borrow_mut();
        let class = command[1].as_str();
        let tries = world.tries.entry(class.to_owned()).or_default();
        *tries += 1;
        let first = *tries == 1;
        world.order.push(class.to_owned());
        let now = world.now;
        let (packets, ends, well): (&[u64], _, _) = match class {
            "late" => (&[10, 20, 700, 1_500], Some(MS(30)), true),
            "broken" => (&[10], Some(MS(20)), false),
            "flaky" => (&[10], Some(MS(20)), !first),
            "silent" => (&[], Some(MS(20)), true),
            "hangs" => (&[10], None, true),
            "lossy" => {
                world.lost = u64::from(first);
                (&[10], Some(MS(20)), true)
            }
            _ => (&[10, 20], Some(MS(30)), true),
        };
        world.packets.extend(packets.iter().map(|&at| now + MS(at)));
        Ok(Played { world: self.clone(), ends: ends.map(|at| now + at), well })
    }
}

impl Process for Played {
    fn poll(&mut self) -> io::Result<Option<Result<(), String>>> {
        let ended = self.ends.is_some_and(|ends| ends <= self.world.now());
        Ok(ended.then(|| if self.well { Ok(()) } else { Err("exit status: 7".to_owned()) }))
    }

    fn kill(&mut self) {}
}

fn plan(classes: &[&str], reps: u32) -> Plan {
    Plan {
        interface: "none".to_owned(),
        command: vec!["get".to_owned(), "{class}".to_owned()],
        classes: classes.iter().map(|&class| class.to_owned()).collect(),
        reps,
        session: Some("s".to_owned()),
        filter: "tcp".parse().unwrap(),
        snap_len: 0,
        quiet_time: MS(1_000),
        timeout: MS(10_000),
        retries: 1,
    }
}

fn collect(plan: &Plan, folder: &Path, world: &Shared) -> (Collected, Journal) {
    let queries = plan.queries(0);
    let mut journal = Journal::read(folder).unwrap();
    journal.repair(&queries).unwrap();
    let (mut source, mut runner) = (world.clone(), world.clone());
    let stop = || {
        let world = world.0.borrow();
        world.stop_after.is_some_and(|n| world.order.len() >= n)
    };
    let collect =
        Collect { plan, source: &mut source, runner: &mut runner, clock: world, stop: &stop, application: "test" };
    let collected = collect.run(&queries, &mut journal, &mut |_| {}).unwrap();
    (collected, journal)
}

fn manifest(folder: &Path) -> String {
    let text = fs::read_to_string(folder.join("manifest.csv")).unwrap();
    let mut rows: Vec<&str> = text.lines().collect();
    rows.sort_unstable();
    rows.iter().map(|row| format!("{row}\n")).collect()
}

#[test]
fn a_query_ends_when_the_link_is_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let world = Shared::default();
    let (collected, _) = collect(&plan(&["late"], 1), folder.path(), &world);
    assert_eq!((collected.done, collected.packets), (1, 4));
    // A second of quiet before; the last packet at 1.5 s, a second of quiet after.
    let now = world.now();
    assert!((MS(3_500)..MS(3_550)).contains(&now), "{now:?}");
}

#[test]
fn failed_queries_are_tried_again_then_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let world = Shared::default();
    let classes = ["broken", "fine", "flaky", "hangs", "lossy", "silent"];
    let (collected, _) = collect(&plan(&classes, 1), folder.path(), &world);
    let counts =
        |pairs: &[(&str, u64)]| pairs.iter().map(|&(name, n)| (name.to_owned(), n)).collect::<BTreeMap<_, _>>();
    assert_eq!((collected.done, collected.packets), (3, 4));
    assert_eq!(
        collected.failures,
        counts(&[("command failed", 3), ("no packets", 2), ("not over in time", 2), ("packets lost", 1)])
    );
    assert_eq!(collected.dropped, counts(&[("command failed", 1), ("no packets", 1), ("not over in time", 1)]));
    let rows = manifest(folder.path());
    for row in ["fine,0,s,", "flaky,0,s,", "lossy,0,s,", ",1,done after 1 failed\n", ",2,done\n"] {
        assert!(rows.contains(row), "{row} not in {rows}");
    }
    assert_eq!(rows.lines().count(), 4);
    assert!(!folder.path().join("unfinished.pcapng.part").exists());

    // What was given up stays so.
    let tries = world.0.borrow().order.len();
    let (again, _) = collect(&plan(&classes, 1), folder.path(), &world);
    assert_eq!((again, world.0.borrow().order.len()), (Collected::default(), tries));
}

#[test]
fn stopping_anywhere_neither_loses_nor_repeats_a_query() {
    let (whole, pieces) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let plan = plan(&["a", "b", "c"], 3);
    let world = Shared::default();
    collect(&plan, whole.path(), &world);
    let expected = world.0.borrow().order.clone();

    let world = Shared::default();
    let mut done = Vec::new();
    for n in 1.. {
        // Each run is stopped while its second query runs.
        world.0.borrow_mut().order.clear();
        world.0.borrow_mut().stop_after = Some(2);
        let (collected, _) = collect(&plan, pieces.path(), &world);
        let order = world.0.borrow().order.clone();
        done.extend(order.into_iter().take(collected.done as usize));
        if !collected.stopped {
            break;
        }
        assert!(n < 20, "it goes on");
    }
    assert_eq!(done, expected);
    let keys = |folder: &Path| -> Vec<String> {
        manifest(folder).lines().map(|row| row.split(',').take(4).collect::<Vec<_>>().join(",")).collect()
    };
    assert_eq!(keys(pieces.path()), keys(whole.path()));
}

#[test]
fn a_crash_between_any_two_writes_is_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(&["a", "b"], 1);
    collect(&plan, folder.path(), &Shared::default());
    let path = folder.path().join("manifest.csv");
    let whole = fs::read_to_string(&path).unwrap();

    // A crash at any byte of the manifest: the captures are there, and nothing runs again.
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let world = Shared::default();
        let (collected, journal) = collect(&plan, folder.path(), &world);
        assert_eq!((collected.done, world.0.borrow().order.len()), (0, 0), "cut at {cut}");
        assert_eq!(fs::read_to_string(&path).unwrap(), whole, "cut at {cut}");
        assert_eq!(journal.starts().len(), 2);
    }

    // A crash while a capture was written, and one that somebody took away.
    fs::write(folder.path().join("unfinished.pcapng.part"), "cut").unwrap();
    fs::remove_file(folder.path().join(plan.queries(0)[0].file())).unwrap();
    let world = Shared::default();
    let (collected, _) = collect(&plan, folder.path(), &world);
    assert_eq!((collected.done, world.0.borrow().order.clone()), (1, vec![plan.queries(0)[0].class.clone()]));
    assert_eq!(manifest(folder.path()).lines().count(), 3);
}

#[test]
fn the_folder_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("manifest.csv"), "path,class\nx.pcap,1\n").unwrap();
    let error = Journal::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("manifest.csv: not of a collection"), "{error}");
}
