//! SecretStroll without Tor, over loopback.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng as _;
use wfkit_lab::secretstroll::{Defence, Map, Query, QueryError, Server, Truth};

fn with_server<T>(defence: Defence, act: impl FnOnce(&dyn Fn(u32) -> Result<Truth, QueryError>) -> T) -> T {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server::new(Arc::new(Map::synthetic(1)), defence, 1);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| server.run(Ipv4Addr::LOCALHOST, port, &stop).unwrap());
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let query = |cell| {
            let connect = || TcpStream::connect(("127.0.0.1", port));
            let query = Query { cell, host: "localhost", defence };
            query.run(&connect, &mut Xoshiro256PlusPlus::seed_from_u64(cell.into()))
        };
        let done = act(&query);
        stop.store(true, Ordering::Relaxed);
        done
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
