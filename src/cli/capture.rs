//! Recording and reading captures.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use wfkit_capture::live::Filter;
use wfkit_datasets::Shard;
use wfkit_terminal::captures::ImportArgs;
use wfkit_terminal::quantities::duration;

use crate::help;

#[derive(Debug, Subcommand)]
pub(crate) enum Capture {
    /// Read pcap and pcapng files, or folders of them, into one trace file.
    Import(CaptureImport),
    /// What is in capture files, and why one gives no trace.
    Info {
        /// Capture files, or folders of them; - is the standard input.
        #[arg(required = true, value_name = "PATH")]
        files: Vec<PathBuf>,
    },
    /// The TLS handshakes in a capture: where their messages are, what was negotiated, how good that is.
    Audit {
        /// Capture file; - is the standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Record the packets of a network interface into a pcapng file.
    Live(CaptureLive),
    /// Run a command for each class and repetition, and record each run.
    Collect(CaptureCollect),
}

#[derive(Debug, Args)]
pub(crate) struct CaptureImport {
    /// Capture files, or folders of them; `-` is the standard input, whose class is `stdin`.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Trace file to write: .parquet, .csv or .csv.zip.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Captures that may have more packets than this (16 bytes count as one) are read twice and worked through in parts, so that their traces need not
    /// fit memory. What is written is the same.
    #[arg(long, value_name = "PACKETS", default_value_t = crate::large::AT_ONCE)]
    pub(crate) at_once: u64,
    /// Import one share of the captures, as for job arrays: 3/16 is the third of sixteen. `wfkit dataset merge` joins what all of them wrote to the
    /// bytes of one run. Each capture has to tell who its client is by itself, or --client says it.
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    #[command(flatten)]
    pub(crate) import: ImportArgs,
}

#[derive(Debug, Args)]
#[command(after_help = help::OF_LIVE)]
pub(crate) struct CaptureLive {
    /// Network interface to record on, such as eth0.
    #[arg(long, value_name = "IF")]
    pub(crate) interface: String,
    /// File to write: .pcapng. It is whole whatever ends the recording.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Which packets to record [default: all]; see below.
    #[arg(long, value_name = "FILTER", default_value = "", hide_default_value = true)]
    pub(crate) filter: Filter,
    /// Bytes of a packet to record at most; 0 is all of it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) snaplen: u32,
    /// Stop after so long, such as 10s or 5m.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) duration: Option<Duration>,
    /// Stop with so many packets.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) packets: Option<u64>,
    /// Stop when no packet came for so long, counted from the first packet on.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) quiet_time: Option<Duration>,
}

#[derive(Debug, Args)]
#[command(after_help = help::OF_COLLECT)]
pub(crate) struct CaptureCollect {
    /// What to run and record; see below.
    #[arg(value_name = "PLAN.toml")]
    pub(crate) plan: PathBuf,
    /// Folder for the captures and their manifest [default: the plan without its ending].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Show what would be run and how long it may take; record and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}
