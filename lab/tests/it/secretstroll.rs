//! SecretStroll without Tor, over loopback.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng as _;
use wfkit_lab::secretstroll::credentials::IssuerKey;
use wfkit_lab::secretstroll::{
    Database, Defence, Map, Place, Query, QueryError, SUBSCRIPTIONS, Server, Subscriber, Truth, system_randomness,
};

/// Ends a server, also where a test fails: its thread would be waited for without end.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What `act` gives while a server listens at the port that it is told.
fn serving<T>(issuer: IssuerKey, defence: Defence, act: impl FnOnce(u16) -> T) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let database = Database::in_memory(&Map::synthetic(1)).unwrap();
    let server = Server::new(Arc::new(database), issuer, defence, 1);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _stop = Stop(&stop);
        scope.spawn(|| server.run(&listener, &stop).unwrap());
        act(port)
    })
}

fn with_server<T>(defence: Defence, act: impl FnOnce(&dyn Fn(u32) -> Result<Truth, QueryError>) -> T) -> T {
    let issuer = IssuerKey::generate(&SUBSCRIPTIONS, &mut system_randomness());
    serving(issuer, defence, |port| {
        let connect = || TcpStream::connect(("127.0.0.1", port));
        let subscriber = Subscriber::public_key(&connect, "localhost")
            .and_then(|key| Subscriber::register(&connect, "localhost", key, "alice", &["bar"]))
            .unwrap();
        let query = |cell| {
            let query = Query {
                place: Place::Cell(cell),
                host: "localhost",
                defence,
                subscriber: &subscriber,
                types: &["bar"],
            };
            query.run(&connect, &mut Xoshiro256PlusPlus::seed_from_u64(cell.into())).map(|(truth, _)| truth)
        };
        act(&query)
    })
}

#[test]
fn a_query_is_one_request_and_one_more_a_point() {
    let map = Map::synthetic(1);
    with_server(Defence::default(), |query| {
        for cell in [1, 50, 100] {
            let truth = query(cell).unwrap();
            assert_eq!(truth.points as usize, map.cell(cell).len());
            assert_eq!(truth.requests, truth.points + 1);
        }
        assert_ne!(query(1).unwrap().answer_bytes, query(2).unwrap().answer_bytes);
        assert!(matches!(query(101), Err(QueryError::Refused { status: 404, .. })));
    });
}

#[test]
fn under_padding_and_count_all_cells_move_the_same() {
    let defence = Defence { padding: 65536, count: 18, ..Defence::default() };
    let all: Vec<_> = with_server(defence, |query| (1..=20).map(|cell| query(cell).unwrap()).collect());
    assert!(all.iter().all(|truth| (truth.requests, truth.answer_bytes) == (19, 19 * 65536)), "{all:?}");
    assert!(all.iter().any(|truth| truth.points != all[0].points));
}

#[test]
fn batches_are_one_answer_and_dummies_are_more_requests() {
    let batched = with_server(Defence { batch: true, ..Defence::default() }, |query| query(1).unwrap());
    assert_eq!(batched.requests, 2);
    let plain = with_server(Defence::default(), |query| query(1).unwrap());
    assert_eq!(batched.points, plain.points);
    let dummies = Defence { dummies: 9, ..Defence::default() };
    let requests: Vec<_> = with_server(dummies, |query| (1..=9).map(|cell| query(cell).unwrap()).collect());
    assert!(requests.iter().all(|truth| (0..=9).contains(&(truth.requests - truth.points - 1))));
    assert!(requests.iter().any(|truth| truth.requests > truth.points + 1));
}

#[test]
fn private_retrieval_gets_the_same_points_and_moves_the_same_for_all_cells() {
    let plain: Vec<_> = with_server(Defence::default(), |query| (1..=20).map(|cell| query(cell).unwrap()).collect());
    let private = Defence { pir: true, ..Defence::default() };
    let all: Vec<_> = with_server(private, |query| {
        assert!(query(101).is_err());
        (1..=20).map(|cell| query(cell).unwrap()).collect()
    });
    assert!(all.iter().zip(&plain).all(|(private, plain)| private.points == plain.points));
    assert!(all.iter().all(|truth| (truth.requests, truth.answer_bytes) == (2, all[0].answer_bytes)), "{all:?}");
}

/// Status and body of a POST with these parts of a form.
fn post(port: u16, target: &str, parts: &[(&str, &[u8])]) -> (String, String) {
    let mut body = Vec::new();
    for (name, value) in parts {
        body.extend(format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").bytes());
        body.extend(*value);
        body.extend(b"\r\n");
    }
    body.extend(b"--b--\r\n");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = format!(
        "POST {target} HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer[9..12].to_owned(), answer[answer.find("\r\n\r\n").unwrap()..].trim().to_owned())
}

#[test]
fn who_may_not_ask_gets_401_and_the_reason() {
    let issuer = IssuerKey::generate(&SUBSCRIPTIONS, &mut system_randomness());
    let key = issuer.public().clone();
    serving(issuer, Defence::default(), |port| {
        let connect = || TcpStream::connect(("127.0.0.1", port));
        let Subscriber { credential, .. } =
            Subscriber::register(&connect, "localhost", key.clone(), "alice", &["bar"]).unwrap();
        let show = |types: &[&str], message: &[u8]| {
            credential.show(&key, types, message, &mut system_randomness()).unwrap().to_bytes()
        };
        let bar = show(&["bar"], b"42");
        let ask = |cell: &[u8], types: &[u8], signature: &[u8]| {
            post(port, "/poi-grid", &[("cell_id", cell), ("types", types), ("signature", signature)])
        };
        assert_eq!(ask(b"42", b"[\"bar\"]", &bar).0, "200");
        let refused = |(status, body): (String, String), why: &str| {
            assert_eq!(status, "401", "{body}");
            assert!(body.contains(why), "{body} does not say {why}");
        };
        refused(post(port, "/poi-grid", &[("cell_id", b"42"), ("types", b"[\"bar\"]")]), "there is no signature");
        refused(ask(b"43", b"[\"bar\"]", &bar), "does not fit this request");
        refused(ask(b"42", b"[\"club\"]", &bar), "does not fit this request");
        refused(ask(b"42", b"[\"club\"]", &show(&["club"], b"42")), "does not fit this request");
        refused(ask(b"42", b"[\"gym\"]", &bar), "there is no subscription `gym`");
        refused(ask(b"42", b"[]", &bar), "no subscription is shown");
        refused(ask(b"42", b"[\"bar\"]", &bar[1..]), "no showing");
        // Any bytes of this length are a key but for the first one, and one behind each of seven blocks.
        let asked = format!("00{}{}{}", "0f".repeat(16), format!("{}01", "0f".repeat(16)).repeat(7), "0f".repeat(16));
        let private = |key: &str, signature: &[u8]| {
            post(port, "/pir", &[("key", key.as_bytes()), ("types", b"[\"bar\"]"), ("signature", signature)])
        };
        refused(private(&asked, &bar), "does not fit this request");
        refused(private(&asked.replace("0f", "0e"), &show(&["bar"], asked.as_bytes())), "does not fit this request");
        assert_eq!(private("0f", &bar).0, "400");
        let mut bad = bar.clone();
        bad[100] ^= 1;
        refused(ask(b"42", b"[\"bar\"]", &bad), "does not fit this request");
        assert_eq!(ask(b"x", b"[\"bar\"]", &bar).0, "400");
    });
}
