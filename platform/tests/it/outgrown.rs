//! Checks that need more than one may have, in processes of the real program.

use std::path::PathBuf;

use axum::body::Body;
use axum::http::Request;
use wfkit_platform::{Apart, Options};

use crate::site::{DAY, HOUR, Site, options};
use crate::traffic::{defence, long_defence_of};

/// A site whose checks run apart.
async fn site(memory_mib: u64, seconds: u64) -> Site {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_wfkit-platform"));
    let site = Site::with(Options { apart: Some(Apart { program, memory_mib, seconds }), ..options() }).await;
    site.round(1, |round| round.settings.test_traces = 8).await;
    site
}

/// What becomes of a defence of so many packets a trace, and then of a small one.
async fn two_uploads(site: &Site, packets: u64) -> [serde_json::Value; 2] {
    let mut team = site.team("Own").await;
    let mut client = team.client().await;
    site.at(site.now() + DAY + HOUR);
    let mut told = Vec::new();
    for file in [long_defence_of(4, 6, packets, 1, 50), defence(2, 50)] {
        let request = Request::post("/api/v1/rounds/1/defences");
        let answer = client.send(request, Body::from(file)).await.is(201).json();
        site.work().await;
        told.push(client.submission(answer["id"].as_str().unwrap()).await);
    }
    told.try_into().unwrap()
}

/// Packets of a trace: 24 of them are 120 MB of text.
const PACKETS: u64 = 200_000;

#[tokio::test]
async fn what_needs_too_much_memory_is_refused_in_words_and_the_server_lives() {
    let [large, small] = two_uploads(&site(96, 900).await, PACKETS).await;
    assert_eq!(large["state"], "refused", "{large}");
    assert!(large["reason"].as_str().unwrap().contains("more than 96 MiB of memory"), "{large}");
    assert!(large["outcome"]["problems"][0]["kind"].as_str().unwrap().contains("96 MiB"), "{large}");
    assert_eq!(small["state"], "done", "{small}");
}

#[tokio::test]
async fn what_needs_too_much_time_is_refused_in_words() {
    let [large, small] = two_uploads(&site(2048, 1).await, PACKETS).await;
    assert_eq!(large["state"], "refused", "{large}");
    assert!(large["reason"].as_str().unwrap().contains("more than 1 s of processor time"), "{large}");
    assert_eq!(small["state"], "done", "{small}");
}

#[tokio::test]
async fn within_limits_a_process_comes_to_what_a_thread_comes_to() {
    let apart = two_uploads(&site(2048, 900).await, 500).await;
    let here = {
        let site = Site::new().await;
        site.round(1, |round| round.settings.test_traces = 8).await;
        two_uploads(&site, 500).await
    };
    for (apart, here) in apart.iter().zip(&here) {
        assert_eq!(apart["state"], "done", "{apart}");
        for part in ["outcome", "scores"] {
            assert_eq!(apart[part], here[part]);
        }
    }
}
