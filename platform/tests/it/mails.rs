//! Mail: written with what it tells of, sent by itself, tried again.

use std::path::Path;

use wfkit_client::Competition;
use wfkit_platform::post::deliver;
use wfkit_platform::{Carrier, Options, Post};

use crate::site::{Browser, DAY, HOUR, PASSWORD, Site, aside, options};
use crate::traffic::defence;

const SITE: &str = "https://race.example.org";

/// A site that sends mail into a folder; the folder.
async fn site_with(carrier: impl FnOnce(&Path) -> String) -> (Site, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let carrier = Carrier::parse(&carrier(folder.path())).unwrap();
    let post = Post { from: "Race <race@example.org>".into(), site: SITE.into(), carrier };
    (Site::with(Options { post: Some(post), ..options() }).await, folder)
}

async fn site() -> (Site, tempfile::TempDir) {
    site_with(|folder| format!("file:{}", folder.join("mail").display())).await
}

/// The mails that were sent, by their subject; lines joined that the transport broke.
fn sent(folder: &tempfile::TempDir) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder.path().join("mail")) else { return Vec::new() };
    let text =
        |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap().replace("=\r\n", "").replace("\r\n", "\n");
    let mut all: Vec<String> = entries.map(|entry| text(entry.unwrap().path())).collect();
    all.sort();
    all
}

/// The path of the link in a mail.
fn link(mail: &str) -> String {
    mail.lines().find_map(|line| line.strip_prefix(SITE)).unwrap_or_else(|| panic!("{mail}")).to_owned()
}

#[tokio::test]
async fn an_address_is_confirmed_by_the_link_that_went_there_and_teams_wait_for_it() {
    let (site, folder) = site().await;
    let mut alice = site.player("alice").await;
    assert!(sent(&folder).is_empty(), "nobody waits for mail");
    let refused = alice.post("/team/create", &[("name", "Onions")]).await.is(409).text;
    assert!(refused.contains("Confirm your address"), "{refused}");
    assert!(alice.get("/account").await.ok().text.contains("not confirmed yet"));
    assert_eq!(deliver(&site.app).await.unwrap(), 1);
    let mails = sent(&folder);
    assert!(
        mails[0].contains("To: alice@example.org") && mails[0].contains("Subject: Secret Race Strolling"),
        "{mails:?}"
    );
    let path = link(&mails[0]);
    // Reading, as scanners of mail do, changes nothing.
    let mut visitor = site.visitor();
    visitor.get(&path).await.ok();
    alice.post("/team/create", &[("name", "Onions")]).await.is(409);
    visitor.post(&path, &[]).await.is(303);
    visitor.post(&path, &[]).await.is(409);
    alice.post("/team/create", &[("name", "Onions")]).await.is(303);
    assert!(!alice.get("/account").await.ok().text.contains("not confirmed yet"));
    assert_eq!(deliver(&site.app).await.unwrap(), 0, "once");
    let kept = format!("{:?}", site.app.store.tables().await.unwrap());
    assert!(!kept.contains(&path), "the text of what was sent is gone");
}

#[tokio::test]
async fn who_forgot_a_password_gets_a_link_that_works_once() {
    let (site, folder) = site().await;
    site.player("alice").await;
    deliver(&site.app).await.unwrap();
    let mut visitor = site.visitor();
    visitor.get("/forgot").await.ok();
    let nobody = visitor.post("/forgot", &[("who", "nobody")]).await.ok().text;
    assert_eq!(deliver(&site.app).await.unwrap(), 0);
    let somebody = visitor.post("/forgot", &[("who", "ALICE@example.org")]).await.ok().text;
    assert_eq!(nobody, somebody, "whether there is an account is not told");
    assert_eq!(deliver(&site.app).await.unwrap(), 1);
    let reset = sent(&folder).into_iter().find(|mail| mail.contains("/welcome/")).unwrap();
    let fields = [("password", "another battery staple"), ("again", "another battery staple")];
    visitor.post(&link(&reset), &fields).await.is(303);
    visitor.post(&link(&reset), &fields).await.is(409);
    visitor.sign_in("alice", PASSWORD).await.is(422);
    visitor.sign_in("alice", "another battery staple").await.is(303);
    // The link came from the address.
    visitor.post("/team/create", &[("name", "Onions")]).await.is(303);
    for _ in 0..20 {
        visitor.post("/forgot", &[("who", "alice")]).await;
    }
    visitor.post("/forgot", &[("who", "alice")]).await.is(429);
}

#[tokio::test]
async fn a_terminal_confirms_an_address_and_gets_a_new_password() {
    let (site, folder) = site().await;
    let served = site.serve().await;
    let url = served.url.clone();
    let at = move || Competition::at(&url).unwrap();
    let register = at.clone();
    let alice = aside(move || register().register("alice", "alice@example.org", PASSWORD, None).unwrap()).await;
    // The worker of the site delivers, too: whoever does, it is there.
    let mail = async |word: &str, number: usize| loop {
        deliver(&site.app).await.unwrap();
        let found: Vec<String> = sent(&folder).into_iter().filter(|mail| mail.contains(word)).collect();
        if found.len() >= number {
            return found.iter().map(|mail| format!("{SITE}{}", link(mail))).collect::<Vec<_>>();
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    mail("/confirm/", 1).await;
    let (client, again) = (alice.clone(), alice.clone());
    aside(move || assert!(client.create_team("Onions").unwrap_err().to_string().contains("Confirm your address")))
        .await;
    assert!(aside(move || again.confirm_again()).await.unwrap().contains("on its way"));
    let links = mail("/confirm/", 2).await;
    let (server, client) = (at.clone(), alice.clone());
    aside(move || {
        assert_eq!(server().confirm(&links[1]).unwrap(), "The address is confirmed.");
        assert!(server().confirm(&links[1]).unwrap_err().to_string().contains("used already"));
        client.create_team("Onions").unwrap();
    })
    .await;

    let server = at.clone();
    let (nobody, somebody) =
        aside(move || (server().forgot("nobody").unwrap(), server().forgot("Alice@example.org").unwrap())).await;
    assert_eq!(nobody, somebody, "whether there is an account is not told");
    let links = mail("/welcome/", 1).await;
    aside(move || {
        assert!(at().set_password(&links[0], "short").unwrap_err().to_string().contains("password"));
        at().set_password(&links[0], "another battery staple").unwrap();
        assert!(at().set_password(&links[0], "another battery staple").is_err(), "once");
        assert!(alice.account().is_err(), "its token ended with the password");
        let alice = at().sign_in("alice", "another battery staple").unwrap();
        let secret = alice.new_token("a notebook").unwrap();
        let tokens = alice.tokens().unwrap();
        let made = tokens.iter().find(|token| token.label == "a notebook").unwrap();
        let other = wfkit_client::Client::of(&wfkit_client::SignIn { token: secret, ..alice.to_keep() }).unwrap();
        assert_eq!(other.account().unwrap().name, "alice");
        alice.revoke_token(&made.id).unwrap();
        assert!(other.account().is_err());
        assert!(alice.revoke_token(&made.id).is_err(), "there is none any more");
        assert!(at().announcements().unwrap().is_empty());
    })
    .await;
    served.end().await;
}

#[tokio::test]
async fn a_course_and_what_became_of_uploads_are_told() {
    let (site, folder) = site().await;
    let mut boss = site.organiser().await;
    boss.get("/organise/people").await.ok();
    boss.post("/organise/people/import", &[("list", "carol,carol@example.org,Onions")]).await.ok();
    deliver(&site.app).await.unwrap();
    let welcome = sent(&folder).into_iter().find(|mail| mail.contains("To: carol@")).unwrap();
    let mut carol = site.visitor();
    carol.post(&link(&welcome), &[("password", PASSWORD), ("again", PASSWORD)]).await.is(303);
    carol.sign_in("carol", PASSWORD).await.is(303);
    site.round(1, |_| ()).await;
    site.at(site.now() + DAY);
    let id = carol.uploaded("/rounds/1/defence", &[], defence(1, 9).as_bytes()).await;
    let wrong = carol.uploaded("/rounds/1/defence", &[], b"cell_id,rep,direction_size,timestamp\n1,1,x,0\n").await;
    site.work().await;
    assert_eq!(deliver(&site.app).await.unwrap(), 2);
    let told = |id: &str, words: &[&str]| {
        let path = format!("/submissions/{id}");
        let mail = sent(&folder).into_iter().find(|mail| mail.contains(&path)).unwrap();
        assert!(words.iter().all(|word| mail.contains(word)), "{mail}");
    };
    told(&id, &["To: carol@example.org", "defence", "done"]);
    told(&wrong, &["refused", "problem"]);
}

/// A mail server that says no until it is told otherwise would be one more thing to get wrong: a folder that is a file does.
#[tokio::test]
async fn what_cannot_be_sent_is_kept_tried_again_and_seen_by_organisers() {
    let (site, folder) = site().await;
    std::fs::write(folder.path().join("mail"), b"in the way").unwrap();
    let mut boss = site.organiser().await;
    site.player("alice").await;
    for attempt in 0..45 {
        assert_eq!(deliver(&site.app).await.unwrap(), 0, "{attempt}");
        assert_eq!(deliver(&site.app).await.unwrap(), 0, "not at once");
        site.at(site.now() + HOUR);
    }
    boss.sign_in("boss", PASSWORD).await;
    let page = boss.get("/organise/mail").await.ok().text;
    assert!(page.contains("alice@example.org") && page.contains("not yet"), "{page}");
    assert!(boss.get("/metrics").await.ok().text.contains("wfkit_mail_failing 2\n"));
    std::fs::remove_file(folder.path().join("mail")).unwrap();
    assert_eq!(deliver(&site.app).await.unwrap(), 0, "given up until somebody looks");
    boss.post("/organise/mail/again", &[]).await.is(303);
    assert_eq!(deliver(&site.app).await.unwrap(), 2);
    assert!(boss.get("/metrics").await.ok().text.contains("wfkit_mail_waiting 0\n"));
}

#[tokio::test]
async fn without_mail_nothing_is_written_and_nobody_waits() {
    let site = Site::new().await;
    let mut alice: Browser<'_> = site.player("alice").await;
    alice.post("/team/create", &[("name", "Onions")]).await.is(303);
    assert!(alice.get("/forgot").await.ok().text.contains("sends no mail"));
    alice.post("/forgot", &[("who", "alice")]).await.is(409);
    assert_eq!(deliver(&site.app).await.unwrap(), 0);
    let tables = site.app.store.tables().await.unwrap();
    assert!(tables.iter().find(|table| table.name == "mail").unwrap().rows.is_empty());
}

#[test]
fn addresses_of_carriers() {
    for good in [
        "file:/tmp/x",
        "smtp://localhost:25",
        "smtps://user:secret@mail.example.org",
        "smtp://mail.example.org:587?tls=required",
    ] {
        assert!(Carrier::parse(good).is_ok(), "{good}");
    }
    for wrong in ["", "mail.example.org", "http://user:secret@mail.example.org", "smtp://mail.example.org:x"] {
        let error = Carrier::parse(wrong).unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }
}

/// A mail server that takes one mail a connection, or answers its sender with `451`; what was said after `DATA`.
fn mail_server(listener: std::net::TcpListener, takes: Vec<bool>) -> std::thread::JoinHandle<Vec<String>> {
    use std::io::{BufRead, BufReader, Write};
    std::thread::spawn(move || {
        let mut mails = Vec::new();
        for takes in takes {
            let (stream, _) = listener.accept().unwrap();
            let mut said = BufReader::new(stream.try_clone().unwrap());
            let mut answer = stream;
            answer.write_all(b"220 here.example\r\n").unwrap();
            let mut line = String::new();
            while said.read_line(&mut line).unwrap() > 0 {
                let word = line.split([' ', '\r']).next().unwrap().to_uppercase();
                let reply: &[u8] = match word.as_str() {
                    "EHLO" | "HELO" | "RCPT" | "RSET" | "NOOP" => b"250 here.example\r\n",
                    "MAIL" if takes => b"250 go on\r\n",
                    "MAIL" => b"451 later\r\n",
                    "DATA" => {
                        answer.write_all(b"354 go on\r\n").unwrap();
                        let mut mail = String::new();
                        while !mail.ends_with("\r\n.\r\n") && said.read_line(&mut mail).unwrap() > 0 {}
                        mails.push(mail);
                        b"250 taken\r\n"
                    }
                    _ => b"221 bye\r\n",
                };
                answer.write_all(reply).unwrap();
                if word == "QUIT" {
                    break;
                }
                line.clear();
            }
        }
        mails
    })
}

#[tokio::test]
async fn a_mail_server_that_says_later_is_asked_later() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = mail_server(listener, vec![false, true]);
    let (site, _folder) = site_with(|_| format!("smtp://{address}")).await;
    site.player("alice").await;
    assert_eq!(deliver(&site.app).await.unwrap(), 0);
    site.at(site.now() + HOUR);
    assert_eq!(deliver(&site.app).await.unwrap(), 1);
    let mails = crate::site::aside(|| server.join().unwrap()).await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("To: alice@example.org") && mails[0].contains("Message-ID: <"), "{}", mails[0]);
}
