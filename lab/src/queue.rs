//! Who makes which query next.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use wfkit_capture::live::Query;

/// The queries of a session that are left. None gets lost: one that a client takes and does not settle is left again.
#[derive(Debug, Default)]
pub(crate) struct Queue(Mutex<Left>);

#[derive(Debug, Default)]
struct Left {
    /// Nobody makes them right now.
    of_clients: Vec<VecDeque<Query>>,
    /// How many are being made.
    under_way: usize,
}

/// A query that a client is making.
#[derive(Debug)]
pub(crate) struct TakenQuery<'a> {
    queue: &'a Queue,
    client: usize,
    query: Query,
    is_settled: bool,
}

impl Queue {
    fn left(&self) -> MutexGuard<'_, Left> {
        self.0.lock().expect("nothing panics while it holds this")
    }

    /// What there is to do, for each client.
    pub(crate) fn fill(&self, of_clients: Vec<Vec<Query>>) {
        self.left().of_clients = of_clients.into_iter().map(VecDeque::from).collect();
    }

    /// A client's next query; who has none left takes the last of whoever has most.
    pub(crate) fn take(&self, client: usize) -> Option<TakenQuery<'_>> {
        let mut left = self.left();
        let own = left.of_clients[client].pop_front();
        let query = own.or_else(|| left.of_clients.iter_mut().max_by_key(|of_other| of_other.len())?.pop_back())?;
        left.under_way += 1;
        Some(TakenQuery { queue: self, client, query, is_settled: false })
    }

    /// Whether there is a query to take.
    pub(crate) fn has_waiting(&self) -> bool {
        self.left().of_clients.iter().any(|queries| !queries.is_empty())
    }

    /// Whether all queries are settled.
    pub(crate) fn is_over(&self) -> bool {
        let left = self.left();
        left.under_way == 0 && left.of_clients.iter().all(VecDeque::is_empty)
    }
}

impl TakenQuery<'_> {
    pub(crate) fn get(&self) -> &Query {
        &self.query
    }

    /// It is recorded, or given up.
    pub(crate) fn settle(mut self) {
        self.is_settled = true;
    }
}

impl Drop for TakenQuery<'_> {
    fn drop(&mut self) {
        let mut left = self.queue.left();
        left.under_way -= 1;
        if !self.is_settled {
            left.of_clients[self.client].push_back(self.query.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(rep: u32) -> Query {
        Query { class: "1".to_owned(), rep, session: None }
    }

    #[test]
    fn what_one_client_cannot_make_is_left_for_others() {
        let queue = Queue::default();
        queue.fill(vec![vec![query(0)], vec![query(1), query(2)]]);
        queue.take(1).unwrap().settle();
        let broken = queue.take(0).unwrap();
        assert_eq!(broken.get(), &query(0));
        let other = queue.take(1).unwrap();
        assert!(!queue.has_waiting() && !queue.is_over(), "two are being made");
        drop(broken);
        other.settle();
        assert!(queue.has_waiting());
        let again = queue.take(1).unwrap();
        assert_eq!(again.get(), &query(0));
        assert!(queue.take(0).is_none() && !queue.is_over());
        again.settle();
        assert!(queue.is_over());
    }
}
