//! Links between nodes: each node has one, and a hub in this program joins them.
//!
//! A link is a pair of virtual Ethernet devices, `eth0` in the node's namespace and one by the node's name here. The hub reads
//! frames here with packet sockets and sends them on, later where the link has a delay. So delays need no module of the kernel
//! (netem is missing in many), and nothing needs more than a network namespace of one's own. All devices have the same hardware
//! address and none resolves addresses, so that frames need no rewriting. IPv6 is
//! left out, with what it says by itself.

mod checksum;
mod hub;

use std::fmt::Write as _;

pub(crate) use hub::Hub;
pub use hub::HubCounters;

use crate::Error;
use crate::namespace::{Namespace, output};
use crate::topology::Node;

/// Locally administered, and the same for all: whatever a node sends to itself by hardware is for whom the hub gives it.
const HARDWARE_ADDRESS: &str = "02:00:00:00:00:01";

/// One segment a packet: what a recording shows must be what a wire would carry.
const ONE_SEGMENT: &str = "gso_max_segs 1";

/// Makes namespaces and links of all nodes.
///
/// # Errors
///
/// What `ip` says.
pub(crate) fn make(nodes: &[Node]) -> Result<Vec<Namespace>, Error> {
    let mut here = String::new();
    for Node { name, .. } in nodes {
        let _ = writeln!(here, "netns add {name}\nlink add {name} {ONE_SEGMENT} type veth peer name eth0 netns {name}");
        let _ = writeln!(here, "link set {name} addrgenmode none arp off up");
    }
    output("ip", &["-batch", "-"], &here)?;
    nodes.iter().map(attach).collect()
}

fn attach(node: &Node) -> Result<Namespace, Error> {
    let namespace = Namespace::open(&node.name)?;
    let Node { address, .. } = node;
    let there = format!(
        "link set lo up\nlink set eth0 address {HARDWARE_ADDRESS} {ONE_SEGMENT} addrgenmode none arp off\naddr add {address}/15 dev \
         eth0\nlink set eth0 up\n"
    );
    namespace.run(|| output("ip", &["-batch", "-"], &there))?;
    Ok(namespace)
}
