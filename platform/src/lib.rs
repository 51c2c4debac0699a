#![doc = include_str!("../README.md")]

pub mod acts;
pub mod backup;
mod contest;
pub mod demo;
mod failure;
mod files;
pub mod game;
pub mod post;
pub mod store;
mod web;
pub mod work;
mod world;

use std::sync::Arc;

pub use failure::Failure;
pub use files::Files;
pub use post::{Carrier, Post};
pub use store::Store;
pub use web::{RouteLine, route_table, router};
use work::Bell;
pub use work::{Apart, HouseAttacker, Lab};
pub use world::{Clock, Millis, Random, World, digest};

/// What every part of the server shares; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Uploads and what is made of them.
    pub files: Files,
    /// Clock and randomness.
    pub world: World,
    /// What a teacher set at the start.
    pub options: Options,
    /// Rings when a submission is queued.
    pub bell: Bell,
    /// Hashes of passwords that are computed at the same time.
    passwords: tokio::sync::Semaphore,
    /// Pictures that are drawn at the same time: each reads a whole upload.
    pictures: tokio::sync::Semaphore,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// An application over a store and a folder of files.
    pub fn new(store: Store, files: Files, world: World, options: Options) -> Self {
        let passwords = tokio::sync::Semaphore::new(2);
        let pictures = tokio::sync::Semaphore::new(1);
        Self(Arc::new(Parts { store, files, world, options, bell: Bell::default(), passwords, pictures }))
    }

    pub(crate) fn now(&self) -> Millis {
        self.world.clock.now()
    }
}

/// What a teacher sets when the server is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name of the competition, on every page.
    pub title: String,
    /// Whether cookies are sent over TLS only: the server stands behind a proxy that speaks it.
    pub secure: bool,
    /// Who may register.
    pub registration: Registration,
    /// Whether the address of a client is what a proxy says it is (`X-Forwarded-For`, its last).
    pub behind_proxy: bool,
    /// Memory and passes of argon2id, in KiB and number.
    pub password_cost: (u32, u32),
    /// Attacks of the toolkit that run on every defence, as jobs.
    pub house: Vec<HouseAttacker>,
    /// How mail is sent; without it none is written.
    pub post: Option<Post>,
    /// How checks run in processes of their own, with limits; without it they run in this one.
    pub apart: Option<Apart>,
    /// What records defences of SecretStroll, where the laboratory is built.
    pub lab: Option<Lab>,
}

impl Default for Options {
    /// Registration by invitation; 19 MiB and two passes for a password, as OWASP asks.
    fn default() -> Self {
        Self {
            title: "Secret Race Strolling".to_owned(),
            secure: false,
            registration: Registration::Invitation,
            behind_proxy: false,
            password_cost: (19_456, 2),
            house: HouseAttacker::EACH.to_vec(),
            post: None,
            apart: None,
            lab: None,
        }
    }
}

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Everybody.
    Open,
    /// Whoever has an invitation code.
    Invitation,
    /// Nobody.
    Closed,
}
