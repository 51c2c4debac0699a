//! What the client makes of servers that are none, or that break off.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use wfkit_client::{Client, ClientError, SignIn, Target};

/// A server that gives one answer a connection and hangs up; what it was asked.
fn serving(answers: Vec<&'static str>) -> (Client, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let _ = tell.send(String::from_utf8(head).unwrap());
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let sign_in = SignIn { server, name: "alice".into(), token: "secret-token".into() };
    (Client::of(&sign_in).unwrap(), told)
}

fn target() -> Target {
    Target { team_id: 1, name: "Bo".into(), train: "/api/v1/train".into(), test: "/api/v1/test".into() }
}

#[test]
fn a_list_is_followed_to_its_end_and_nowhere_else() {
    let (client, told) = serving(vec![
        "HTTP/1.1 200 OK\r\nContent-Length: 170\r\n\r\n{\"items\":[{\"attacker\":1,\"attacker_name\":\"Al\",\"defender\":2,\"defender_name\":\"Bo\",\"state\":\"open\",\"roc_auc\":null,\"accuracy\":null}],\"next\":\"/api/v1/rounds/1/matches?after=00\"}",
        "HTTP/1.1 200 OK\r\nContent-Length: 139\r\n\r\n{\"items\":[{\"attacker\":2,\"attacker_name\":\"Bo\",\"defender\":1,\"defender_name\":\"Al\",\"state\":\"open\",\"roc_auc\":null,\"accuracy\":null}],\"next\":null}",
    ]);
    let matches = client.matches(1).unwrap();
    assert_eq!(matches.iter().map(|one| one.attacker).collect::<Vec<_>>(), [1, 2]);
    assert!(told.recv().unwrap().starts_with("GET /api/v1/rounds/1/matches?limit=200 "));
    assert!(told.recv().unwrap().starts_with("GET /api/v1/rounds/1/matches?after=00 "));

    let (client, told) = serving(vec![
        "HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\n{\"items\":[],\"next\":\"https://evil.example/x\"}\r",
    ]);
    assert!(matches!(client.matches(1), Err(ClientError::Foreign(_))));
    told.recv().unwrap();
}

#[test]
fn a_redirect_is_not_followed() {
    let (client, told) =
        serving(vec!["HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n"]);
    let said = client.account().unwrap_err().to_string();
    assert!(said.contains("it points to https://evil.example/"), "{said}");
    assert!(told.recv().unwrap().contains("Bearer secret-token"));
    assert!(told.recv().is_err(), "asked once");
}

#[test]
fn pages_of_others_are_no_answers() {
    let (client, _) = serving(vec![
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
        "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>",
    ]);
    for words in ["its answer cannot be read", "status 502 without a reason"] {
        let error = client.account().unwrap_err();
        assert!(matches!(error, ClientError::Odd { .. }) && error.to_string().contains(words), "{error}");
    }
}

#[test]
fn half_a_download_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let (client, _) = serving(vec!["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it"]);
    let error = client.download_target(&target(), folder.path()).unwrap_err();
    assert!(matches!(error, ClientError::Broken { .. }), "{error:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn files_come_from_the_server_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (client, _) = serving(Vec::new());
    for path in ["@evil.example/", "https://evil.example/", ".evil.example/x", "/sign-out"] {
        let error = client.download_target(&Target { train: path.into(), ..target() }, folder.path()).unwrap_err();
        assert!(matches!(error, ClientError::Foreign(_)), "{error:?}");
    }
}
