//! Configuration files of tor (torrc), by role.

use std::fmt;
use std::net::Ipv4Addr;
use std::path::Path;

use super::keys::AuthorityKeys;
use crate::topology::{ConnectionPadding, Node};

/// Where relays take connections.
pub const OR_PORT: u16 = 9001;
/// Where authorities answer for directories.
pub const DIRECTORY_PORT: u16 = 9030;
/// Where a client takes SOCKS connections, in its own namespace.
pub const SOCKS_PORT: u16 = 9050;

/// Seconds between votes while there is no consensus, once all relays are known; the least that the delays below allow.
const FIRST_VOTE_SECONDS: u64 = 10;
/// Seconds between later votes: long, since each makes clients fetch a consensus through their guard, into the recording.
const VOTE_SECONDS: u64 = 1800;

/// The configuration of one node. Its `Display` is the file.
#[derive(Debug, Clone)]
pub struct Torrc<'a> {
    /// The node.
    pub node: &'a Node,
    /// Where it keeps its files; also its control socket, `control`.
    pub folder: &'a Path,
    /// Who votes. While keys are made, not all are known.
    pub authorities: &'a [AuthorityKeys],
    /// How often waiting cells are sent, in ms.
    pub scheduler_interval: u16,
    /// What its role needs.
    pub role: RoleOptions<'a>,
}

/// What only nodes of one role have.
#[derive(Debug, Clone)]
pub enum RoleOptions<'a> {
    /// Votes.
    Authority {
        /// Who gets the flag Guard.
        guards: &'a [Ipv4Addr],
        /// Who gets the flag Exit.
        exits: &'a [Ipv4Addr],
        /// What relays are said to carry.
        bandwidth_file: &'a Path,
        /// When it starts, in seconds of Unix time.
        now: u64,
    },
    /// Passes on.
    Relay,
    /// Passes on, also to servers.
    Exit,
    /// Offers an onion service.
    Service {
        /// Where the servers listen, in the same namespace: the first at port 80 of the onion service, the second at 81.
        server_ports: [u16; 2],
    },
    /// Takes SOCKS connections.
    Client {
        /// How it pads its connection.
        connection_padding: ConnectionPadding,
        /// Whether it pads circuits.
        circuit_padding: bool,
    },
}

impl Torrc<'_> {
    fn relay(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.node.address;
        writeln!(
            f,
            "Address {address}\nORPort {address}:{OR_PORT}\nSocksPort 0\nAssumeReachable 1\nContactInfo lab@test.invalid"
        )?;
        writeln!(
            f,
            "ServerDNSAllowBrokenConfig 1\nServerDNSDetectHijacking 0\nServerDNSTestAddresses\nDirReqStatistics 0"
        )?;
        // There is no name server: exits look nothing up.
        writeln!(f, "ServerDNSResolvConfFile {}/resolv.conf\nExtraInfoStatistics 0", self.folder.display())
    }

    fn no_exit(f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "ExitRelay 0\nExitPolicy reject *:*")
    }

    fn authority(&self, f: &mut fmt::Formatter<'_>, options: (&[Ipv4Addr], &[Ipv4Addr], &Path, u64)) -> fmt::Result {
        let (guards, exits, bandwidth_file, now) = options;
        let listed = |addresses: &[Ipv4Addr]| addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        writeln!(
            f,
            "AuthoritativeDirectory 1\nV3AuthoritativeDirectory 1\nDirPort {}:{DIRECTORY_PORT}",
            self.node.address
        )?;
        writeln!(
            f,
            "AuthDirMaxServersPerAddr 0\nTestingAuthDirTimeToLearnReachability 0\nTestingMinExitFlagThreshold 0"
        )?;
        // No vote until `vote_soon`: one that misses a relay would stand for half an hour.
        let far = (now + VOTE_SECONDS / 2) % VOTE_SECONDS;
        writeln!(f, "TestingV3AuthInitialVotingInterval {VOTE_SECONDS}\nTestingV3AuthVotingStartOffset {far}")?;
        writeln!(
            f,
            "TestingV3AuthInitialVoteDelay 2\nTestingV3AuthInitialDistDelay 2\nV3AuthVotingInterval {VOTE_SECONDS}\nV3AuthVoteDelay 4"
        )?;
        writeln!(f, "V3AuthDistDelay 4\nV3AuthNIntervalsValid 6\nTestingDirAuthVoteHSDir *")?;
        // Authorities themselves are no guards, or their votes would be in recordings.
        writeln!(
            f,
            "TestingDirAuthVoteGuard {}\nTestingDirAuthVoteGuardIsStrict 1\nTestingDirAuthVoteExit {}",
            listed(guards),
            listed(exits)
        )?;
        // Without this file relays are unmeasured, and one of them is chosen for every position of every path.
        writeln!(f, "V3BandwidthsFile {}", bandwidth_file.display())?;
        // Periods of onion services are 24 votes, which clients other than tor read here, in minutes.
        writeln!(f, "ConsensusParams cc_alg=2 bwweightscale=10000 hsdir_interval={}", 24 * VOTE_SECONDS / 60)
    }
}

impl fmt::Display for Torrc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (folder, address) = (self.folder.display(), self.node.address);
        writeln!(
            f,
            "TestingTorNetwork 1\nNickname {}\nDataDirectory {folder}\nControlSocket {folder}/control",
            self.node.name
        )?;
        writeln!(
            f,
            "Log [*,~control]notice stdout\nSafeLogging 0\nRunAsDaemon 0\nShutdownWaitLength 0\nOutboundBindAddress {address}"
        )?;
        writeln!(f, "EnforceDistinctSubnets 0\nPathsNeededToBuildCircuits 0.25\nClientRejectInternalAddresses 0")?;
        writeln!(f, "ClientDNSRejectInternalAddresses 0\nKISTSchedRunInterval {} msec", self.scheduler_interval)?;
        for AuthorityKeys { name, address, v3_identity, fingerprint } in self.authorities {
            writeln!(
                f,
                "DirAuthority {name} orport={OR_PORT} no-v2 v3ident={v3_identity} {address}:{DIRECTORY_PORT} {fingerprint}"
            )?;
        }
        match self.role {
            RoleOptions::Authority { guards, exits, bandwidth_file, now } => {
                self.relay(f)?;
                Self::no_exit(f)?;
                self.authority(f, (guards, exits, bandwidth_file, now))
            }
            RoleOptions::Relay => {
                self.relay(f)?;
                Self::no_exit(f)
            }
            RoleOptions::Exit => {
                self.relay(f)?;
                writeln!(f, "ExitRelay 1\nIPv6Exit 0\nExitPolicyRejectPrivate 0\nExitPolicy accept *:*")
            }
            RoleOptions::Service { server_ports: [first, second] } => {
                writeln!(
                    f,
                    "SocksPort 0\nHiddenServiceDir {folder}/onion\nHiddenServicePort 80 127.0.0.1:{first}\n\
                     HiddenServicePort 81 127.0.0.1:{second}"
                )
            }
            // One guard, and no second leg of a circuit (Conflux) through another: the guard's link carries everything.
            RoleOptions::Client { connection_padding, circuit_padding } => {
                writeln!(
                    f,
                    "SocksPort 127.0.0.1:{SOCKS_PORT} IsolateSOCKSAuth\nConfluxEnabled 0\nUseEntryGuards 1\nNumEntryGuards 1\n\
                     NumDirectoryGuards 1\nCircuitPadding {}",
                    u8::from(circuit_padding)
                )?;
                f.write_str(match connection_padding {
                    ConnectionPadding::Auto => "ConnectionPadding auto\n",
                    ConnectionPadding::On => "ConnectionPadding 1\n",
                    ConnectionPadding::Reduced => "ConnectionPadding 1\nReducedConnectionPadding 1\n",
                    ConnectionPadding::Off => "ConnectionPadding 0\n",
                })
            }
        }
    }
}

/// What tells an authority, in its control port, to vote as soon as votes can be exchanged.
pub(crate) fn vote_soon(now: u64) -> String {
    let start = now + FIRST_VOTE_SECONDS / 2 + 1;
    let offset = start % FIRST_VOTE_SECONDS;
    format!("SETCONF TestingV3AuthInitialVotingInterval={FIRST_VOTE_SECONDS} TestingV3AuthVotingStartOffset={offset}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::Role;

    fn written(role: RoleOptions<'_>) -> String {
        let node = Node { name: "n0".to_owned(), role: Role::Client, address: Ipv4Addr::new(198, 18, 0, 9) };
        let authority = AuthorityKeys {
            name: "auth0".to_owned(),
            address: Ipv4Addr::new(198, 18, 0, 1),
            v3_identity: "A".repeat(40),
            fingerprint: "B".repeat(40),
        };
        let folder = Path::new("/run/lab/n0");
        Torrc { node: &node, folder, authorities: &[authority], scheduler_interval: 10, role }.to_string()
    }

    #[test]
    fn a_client_has_one_guard_and_one_leg_and_listens_to_itself_only() {
        let client =
            |connection_padding, circuit_padding| written(RoleOptions::Client { connection_padding, circuit_padding });
        let off = client(ConnectionPadding::Off, false);
        assert!(off.contains("\nConnectionPadding 0\n") && off.contains("\nCircuitPadding 0\n"), "{off}");
        assert!(client(ConnectionPadding::Reduced, true).contains("\nReducedConnectionPadding 1\n"));
        let text = client(ConnectionPadding::Auto, true);
        for line in [
            "ConnectionPadding auto",
            "CircuitPadding 1",
            "ConfluxEnabled 0",
            "NumEntryGuards 1",
            "SocksPort 127.0.0.1:9050 IsolateSOCKSAuth",
        ] {
            assert!(text.lines().any(|written| written == line), "{line} in\n{text}");
        }
        assert!(!text.contains("ORPort "));
    }

    #[test]
    fn authorities_are_neither_guards_nor_exits() {
        let (guards, exits) = ([Ipv4Addr::new(198, 18, 0, 4)], [Ipv4Addr::new(198, 18, 0, 5)]);
        let bandwidth_file = Path::new("/run/lab/bandwidth");
        let text = written(RoleOptions::Authority { guards: &guards, exits: &exits, bandwidth_file, now: 1000 });
        assert!(text.contains("\nTestingDirAuthVoteGuard 198.18.0.4\nTestingDirAuthVoteGuardIsStrict 1\nTestingDirAuthVoteExit 198.18.0.5\n"));
        assert!(text.contains("\nExitPolicy reject *:*\n"));
        assert!(text.contains("\nTestingV3AuthVotingStartOffset 100\n"));
        assert!(text.contains("hsdir_interval=720"));
        let line = format!(
            "DirAuthority auth0 orport=9001 no-v2 v3ident={} 198.18.0.1:9030 {}",
            "A".repeat(40),
            "B".repeat(40)
        );
        assert!(text.lines().any(|written| written == line));
    }
}
