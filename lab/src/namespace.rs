//! The network namespaces of nodes, and programs that run in them.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::Error;

/// The network namespace of a node, which `ip netns` also knows by the node's name.
#[derive(Debug)]
pub struct Namespace {
    file: File,
    name: String,
}

impl Namespace {
    /// That of a name; [`make`](crate::link::make) made it.
    pub(crate) fn open(name: &str) -> Result<Self, Error> {
        let path = format!("/run/netns/{name}");
        let file = File::open(&path).map_err(Error::system(path))?;
        Ok(Self { file, name: name.to_owned() })
    }

    /// Moves the calling thread into it, with all that it starts from now on.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn enter(&self) -> Result<(), Error> {
        move_into_link_name_space(self.file.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(Error::errno(format!("entering the namespace of {}", self.name)))
    }

    /// Does something there, on a thread of its own.
    ///
    /// # Errors
    ///
    /// Those of `act`, and of entering.
    pub fn run<T: Send>(&self, act: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
        let run = || {
            self.enter()?;
            act()
        };
        thread::scope(|scope| match scope.spawn(run).join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }
}

/// Runs a program to its end with `input`; what it wrote to its standard output.
pub(crate) fn output(program: &str, arguments: &[&str], input: &str) -> Result<String, Error> {
    let shown = || format!("{program} {}", arguments.join(" "));
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Error::system(shown()))?;
    // A program that does not read all of it ends badly, and says why.
    let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    let output = child.wait_with_output().map_err(Error::system(shown()))?;
    if !output.status.success() {
        let said = [output.stderr, output.stdout].map(|text| String::from_utf8_lossy(&text).trim().to_owned());
        return Err(Error::Command { command: shown(), said: said.join("\n").trim().to_owned() });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
