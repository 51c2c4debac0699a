//! `wfkit capture live` and `capture collect` against a server of the test's own. Both need CAP_NET_RAW.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, TcpListener};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::support::{Folder, stage_report};

/// A server that answers a line with as many bytes as the number in it, until the test ends; its port.
fn serve(address: &str) -> u16 {
    let listener = TcpListener::bind((address.parse::<IpAddr>().unwrap(), 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut line = String::new();
            BufReader::new(connection.try_clone().unwrap()).read_line(&mut line).unwrap();
            let bytes = line.trim().parse().unwrap();
            connection.write_all(&vec![b'x'; bytes]).unwrap();
        }
    });
    port
}

const ASKS: &str = "exec 3<>/dev/tcp/$0/$1 && echo $2 >&3 && cat <&3 >/dev/null";

fn plan(interface: &str, address: &str, port: u16, classes: &[&str], reps: u32) -> String {
    format!(
        "interface = '{interface}'\n\
         command = ['bash', '-c', '{ASKS}', '{address}', '{port}', '{{class}}']\n\
         classes = {classes:?}\n\
         reps = {reps}\n\
         filter = 'tcp port {port}'\n\
         quiet_time = '100ms'\n\
         timeout = '20s'\n\
         session = 'test'\n"
    )
}

/// Whether packets can be recorded here; says aloud if not.
fn may_record() -> bool {
    let folder = Folder::new();
    let ran = folder.wfkit("capture live --interface lo --out x.pcapng --duration 1ms");
    if !ran.stderr.contains("CAP_NET_RAW") && !ran.stderr.contains("needs Linux") {
        ran.succeeds();
        return true;
    }
    skip("there is no right to record packets");
    false
}

fn skip(reason: &str) {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    // Not `eprintln!`: the test runner would swallow it.
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {reason}");
}

/// Bytes in each direction of every query: (out, in) by class and rep.
fn totals(folder: &Folder, name: &str) -> BTreeMap<(String, i64), (i64, i64)> {
    let set = folder.traces(name).set;
    let total = |sizes: &[i32], sign: i64| {
        sizes.iter().map(|&size| i64::from(size) * sign).filter(|&size| size > 0).sum::<i64>()
    };
    set.traces()
        .iter()
        .map(|one| {
            assert_eq!(one.key.session.as_deref(), Some("test"));
            ((one.key.class.clone(), one.key.rep), (total(one.trace.size(), 1), total(one.trace.size(), -1)))
        })
        .collect()
}

fn expected(classes: &[&str], reps: i64) -> BTreeMap<(String, i64), (i64, i64)> {
    let of = |class: &str, rep| ((class.to_owned(), rep), (class.len() as i64 + 1, class.parse().unwrap()));
    classes.iter().flat_map(|class| (0..reps).map(move |rep| of(class, rep))).collect()
}

#[test]
fn a_collection_on_loopback_has_the_sizes_of_the_server() {
    if !may_record() {
        return;
    }
    let folder = Folder::new();
    let classes = ["100", "5000", "70000"];
    folder.write("plan.toml", plan("lo", "127.0.0.1", serve("127.0.0.1"), &classes, 2));
    let dry = folder.wfkit("capture collect plan.toml --dry-run").succeeds();
    assert!(dry.stdout.contains("6 (3 classes x 2 reps)") && dry.stdout.contains("0.6 s"), "{}", dry.stdout);
    assert!(!folder.path("plan").exists(), "a dry run writes nothing");

    let ran = folder.wfkit("capture collect plan.toml --format json").succeeds();
    let report = stage_report("collect", &ran.stdout);
    assert_eq!((report.counts["captures"], report.dropped.len()), (6, 0));
    folder.wfkit("capture import plan --out traces.parquet").succeeds();
    assert_eq!(totals(&folder, "traces.parquet"), expected(&classes, 2));

    let manifest = folder.bytes("plan/manifest.csv");
    folder.wfkit("capture collect plan.toml").succeeds();
    assert_eq!(folder.bytes("plan/manifest.csv"), manifest, "nothing is left to do");
}

#[test]
fn a_collection_that_is_killed_goes_on() {
    if !may_record() {
        return;
    }
    let folder = Folder::new();
    let classes = ["10", "200", "3000"];
    folder.write("plan.toml", plan("lo", "127.0.0.1", serve("127.0.0.1"), &classes, 4));
    let mut killed = 0;
    for pause in [250, 400, 550] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_wfkit"));
        program.args(["capture", "collect", "plan.toml"]).current_dir(folder.path(""));
        let mut child = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap(); // Not to be caught, anywhere.
        killed += usize::from(!child.wait().unwrap().success());
    }
    assert!(killed > 0);
    folder.wfkit("capture collect plan.toml").succeeds();
    folder.wfkit("capture import plan --out traces.parquet").succeeds();
    assert_eq!(totals(&folder, "traces.parquet"), expected(&classes, 4));
    assert_eq!(folder.text("plan/manifest.csv").lines().count(), 13);
    assert_eq!(folder.files("plan/captures").len(), 12);
}

#[test]
fn a_query_that_fails_is_dropped_and_reported() {
    if !may_record() {
        return;
    }
    let folder = Folder::new();
    let port = serve("127.0.0.1");
    folder.write(
        "plan.toml",
        plan("lo", "127.0.0.1", port, &["10", "20"], 1).replace(ASKS, &format!("test $2 = 10 && {ASKS}")),
    );
    let ran = folder.wfkit("capture collect plan.toml --format json").succeeds();
    let report = stage_report("collect", &ran.stdout);
    assert_eq!((report.counts["captures"], report.dropped["queries: command failed"]), (1, 1));
    assert!(ran.stderr.contains("class 20, rep 0: command failed: exit status: 1; given up"), "{}", ran.stderr);
    assert_eq!(folder.text("plan/failures.csv").lines().filter(|row| row.ends_with("command failed")).count(), 2);
}

/// Network namespace and interface that are gone with the test.
struct Namespace(String);

impl Drop for Namespace {
    fn drop(&mut self) {
        ip(&format!("netns del {}", self.0));
    }
}

fn ip(arguments: &str) -> bool {
    let mut command = Command::new("ip");
    command.args(arguments.split(' ')).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[test]
fn a_collection_in_a_namespace_has_the_sizes_of_the_server() {
    if !may_record() {
        return;
    }
    let id = std::process::id();
    let name = format!("wfkit-{id}");
    if !ip(&format!("netns add {name}")) {
        return skip("network namespaces cannot be made");
    }
    let namespace = Namespace(name);
    let (name, outside) = (&namespace.0, format!("wf{id}"));
    let net = format!("10.213.{}", id % 250);
    let made = ip(&format!("link add {outside} type veth peer name inside netns {name}"))
        && ip(&format!("addr add {net}.1/24 dev {outside}"))
        && ip(&format!("link set {outside} up"))
        && ip(&format!("-n {name} addr add {net}.2/24 dev inside"))
        && ip(&format!("-n {name} link set inside up"));
    if !made {
        return skip("virtual Ethernet cannot be made");
    }
    let folder = Folder::new();
    let classes = ["100", "5000", "70000"];
    let address = format!("{net}.1");
    folder.write("plan.toml", plan("inside", &address, serve(&address), &classes, 2));
    let mut program = Command::new("ip");
    program.args(["netns", "exec", name, env!("CARGO_BIN_EXE_wfkit"), "capture", "collect", "plan.toml"]);
    let output = program.current_dir(folder.path("")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.wfkit("capture import plan --out traces.parquet").succeeds();
    assert_eq!(totals(&folder, "traces.parquet"), expected(&classes, 2));
}

#[test]
fn an_unknown_interface_or_filter_is_told() {
    let folder = Folder::new();
    let message = folder.wfkit("capture live --interface nope0 --out x.pcapng").fails();
    assert!(message.contains("no interface `nope0`; there are ") || message.contains("needs Linux"), "{message}");
    assert!(!folder.path("x.pcapng").exists());
    folder.wfkit("capture live --interface lo --out x.pcapng --filter vlan").shows_wrong_usage();
    folder.wfkit("capture live --interface lo --out x.pcapng --duration 5parsecs").shows_wrong_usage();
    folder.write("plan.toml", plan("lo", "::1", 1, &["a"], 0));
    let message = folder.wfkit("capture collect plan.toml").fails();
    assert!(message.contains("plan.toml: reps = 0: nothing to collect"), "{message}");
}
