//! Questions to a language model whose answers stream back token by token over TLS.
//!
//! What is said is encrypted, but every piece of an answer is a record of its own: how long it is and when it comes can be seen. That gives
//! topics away (G. McDonald and J. Bar Or, "Whisper Leak: a side-channel attack on Large Language Models", arXiv 2511.03675, 2025; R. Weiss
//! and others, "What Was Your Prompt? A Remote Keylogging Attack on AI Assistants", USENIX Security 2024). There is no language model here:
//! lengths, pace and numbers of tokens are drawn as published, and topics differ by how often they use words of which length.

mod client;
mod model;
mod server;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rustls::{ClientConfig, ServerConfig};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::chat::model::Model;
use crate::plan::Plan;
use crate::secretstroll::Defence;
use crate::tls;
use crate::workload::{Connect, Service, Visit, Visitor};

/// Most topics, those of the background included.
pub const MOST_TOPICS: u32 = 100_000;

/// What the certificate of the server is for.
const NAME: &str = "chat.invalid";

/// What is asked, and how it is answered. Written in a plan as `[chat]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChatConfig {
    /// Questions on each topic, asked by turns: so many repetitions later a question is asked again.
    pub prompts: u32,
    /// Tokens of an answer, as a share of what is usual.
    pub scale: f64,
}

impl Default for ChatConfig {
    fn default() -> Self {
        Self { prompts: 20, scale: 0.3 }
    }
}

impl ChatConfig {
    /// Whether such questions can be asked.
    ///
    /// # Errors
    ///
    /// If not, with the key; also under a defence that chats do not have.
    pub fn check(&self, defence: &Defence) -> Result<(), Error> {
        let wrong = |text: String| Err(Error::Wrong(text));
        if !(1..=100_000).contains(&self.prompts) {
            return wrong(format!("chat.prompts = {}: 1 to 100000 questions on each topic", self.prompts));
        }
        if !(0.01..=10.0).contains(&self.scale) {
            return wrong(format!("chat.scale = {}: 0.01 to 10, as a share of usual answers", self.scale));
        }
        let Defence { padding, tokens, injection, .. } = *defence;
        if *defence != (Defence { padding, tokens, injection, ..Defence::default() }) {
            return wrong(
                "defence: chats have padding, tokens and injection; others are of other workloads".to_owned(),
            );
        }
        defence.check_ranges()
    }
}

/// The workload; the class is the topic of the question.
pub(crate) struct Chat {
    config: ChatConfig,
    model: Arc<Model>,
    session: Arc<AtomicU32>,
    defence: Defence,
    seed: u64,
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

impl Chat {
    pub(crate) fn new(plan: &Plan) -> Result<Self, Error> {
        let (server, client) = tls::ends(NAME, &[]).map_err(Error::system("keys for TLS"))?;
        let model = Arc::new(Model::new(plan.seed, plan.chat.scale, plan.drift.database));
        let (config, defence, seed) = (plan.chat, plan.defence, plan.seed);
        Ok(Self { config, model, session: Arc::default(), defence, seed, server, client })
    }

    fn prompt(&self, rep: u32) -> u32 {
        rep % self.config.prompts
    }
}

impl Service for Chat {
    fn serve(&self, listener: &TcpListener, stop: &AtomicBool) -> Result<(), Error> {
        let (model, session, tls) = (Arc::clone(&self.model), Arc::clone(&self.session), Arc::clone(&self.server));
        server::Server::new(model, session, self.defence, tls, self.seed).run(listener, stop)
    }

    fn change(&self, session: u32) -> Result<f64, Error> {
        self.session.store(session, Ordering::Relaxed);
        Ok(self.model.share_changed(session))
    }

    fn visitor(&self, _: &str) -> Box<dyn Visitor + '_> {
        Box::new(Asker(self))
    }

    fn origin(&self, class: u32, rep: u32) -> Option<String> {
        Some(format!("topic {class} question {}", self.prompt(rep)))
    }
}

struct Asker<'a>(&'a Chat);

impl Visitor for Asker<'_> {
    fn greet(&mut self, connect: &Connect<'_>, host: &str) -> Result<(), String> {
        let greet = || client::greet(&self.0.client, connect()?, host);
        greet().map_err(|error| format!("connection: {error}"))
    }

    /// What is left to chance is the server's.
    fn visit(&mut self, class: u32, rep: u32, connect: &Connect<'_>, host: &str, _: u64) -> Result<Visit, String> {
        let question = self.0.model.question(class, self.0.prompt(rep));
        let ask = || client::ask(&self.0.client, connect()?, host, &question);
        ask().map_err(|error| format!("connection: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::thread;

    use super::*;
    use crate::flag::SetAtEnd;

    /// What questions on two topics get, under a defence.
    fn asked(defence: &str) -> Vec<client::Answer> {
        let plan = format!(
            "workload = \"chat\"\nclasses = 2\nreps = 4\nseed = 3\nchat.scale = 0.05\nchat.prompts = 2\n{defence}"
        );
        let chat = Chat::new(&Plan::parse(&plan).unwrap()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let _end = SetAtEnd(&stop);
            scope.spawn(|| chat.serve(&listener, &stop).unwrap());
            let connect = || TcpStream::connect(address).unwrap();
            client::greet(&chat.client, connect(), "localhost").unwrap();
            let ask = |(topic, prompt)| {
                let question = chat.model.question(topic, prompt);
                client::answer(&chat.client, connect(), "localhost", &question).unwrap()
            };
            [(1, 0), (1, 1), (2, 0), (2, 1)].into_iter().map(ask).collect()
        })
    }

    #[test]
    fn an_answer_comes_a_token_at_a_time_and_defences_change_that_and_not_what_is_said() {
        let plain = asked("");
        for answer in &plain {
            assert_eq!(answer.pieces.len(), answer.tokens, "a piece a token: {answer:?}");
            assert!(answer.tokens >= 3 && answer.text > answer.tokens, "{answer:?}");
        }
        let distinct = |answer: &client::Answer| answer.pieces.iter().collect::<std::collections::BTreeSet<_>>().len();
        assert!(plain.iter().any(|answer| distinct(answer) > 2), "tokens have their lengths: {plain:?}");
        for answer in asked("defence.padding = 256") {
            assert!(
                answer.pieces.iter().all(|piece| piece % 256 == 0) && answer.pieces.len() == answer.tokens,
                "{answer:?}"
            );
        }
        for answer in asked("defence.tokens = 3") {
            assert_eq!(answer.pieces.len(), answer.tokens.div_ceil(3), "{answer:?}");
        }
        let injected = asked("defence.injection = 100");
        assert!(injected.iter().all(|answer| answer.pieces.len() > answer.tokens), "{injected:?}");
    }

    #[test]
    fn whoever_does_not_know_the_server_does_not_talk_to_it() {
        let (server, _) = tls::ends(NAME, &[]).unwrap();
        let (_, stranger) = tls::ends(NAME, &[]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = AtomicBool::new(false);
        let model = Arc::new(Model::new(1, 0.1, 0.0));
        thread::scope(|scope| {
            let _end = SetAtEnd(&stop);
            let server = server::Server::new(model, Arc::default(), Defence::default(), server, 1);
            scope.spawn(|| server.run(&listener, &stop).unwrap());
            let error = client::greet(&stranger, TcpStream::connect(address).unwrap(), "localhost").unwrap_err();
            assert!(error.to_string().contains("certificate"), "{error}");
        });
    }

    #[test]
    fn a_question_is_asked_again_after_all_others() {
        let plan = Plan::parse("workload = \"chat\"\nclasses = 2\nchat.prompts = 3").unwrap();
        let chat = Chat::new(&plan).unwrap();
        let origins: Vec<_> = (0..6).map(|rep| chat.origin(2, rep).unwrap()).collect();
        assert_eq!(origins[0], "topic 2 question 0");
        assert_eq!(origins[..3], origins[3..]);
        assert_ne!(origins[0], origins[1]);
    }
}
