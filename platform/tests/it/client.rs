//! The client of programs and terminals against the server: all that a team does on the pages.

use std::path::{Path, PathBuf};

use wfkit_client::{Against, Client, ClientError, Competition, SignIn, Submission};
use wfkit_platform::game::Limits;
use wfkit_platform::{Clock, work};

use crate::site::{DAY, HOUR, PASSWORD, Site, aside};
use crate::traffic::{attack, captures, defence, unzipped, zipped};

/// A client that just registered and made a team.
fn newcomer(url: &str, team: &str) -> Client {
    let name = format!("{}-player", team.to_lowercase());
    let at = Competition::at(url).unwrap();
    let client = at.register(&name, &format!("{name}@example.org"), PASSWORD, None).unwrap();
    client.create_team(team).unwrap();
    client
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, bytes).unwrap();
    file
}

/// Uploaded a second after what was before, checked, and every byte told of.
fn defended(client: &Client, clock: &Clock, round: i64, file: &Path) -> Submission {
    clock.set(clock.now() + 1000);
    let mut told = vec![0];
    let submission = client.defend(round, file, &mut |bytes| told.push(bytes)).unwrap();
    assert!(told.is_sorted() && told.last() == Some(&std::fs::metadata(file).unwrap().len()), "{told:?}");
    client.wait_for(submission, &mut |_| ()).unwrap()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, ClientError>, expected: u16, words: &str) {
    let error = result.unwrap_err();
    assert!(matches!(error, ClientError::Refused { status, .. } if status == expected), "{error:?}");
    assert!(error.to_string().contains(words), "{error}");
}

/// Downloads all targets, and attacks every team by volume alone.
fn attacked(client: &Client, round: i64, folder: &Path) -> Submission {
    let mut teams = Vec::new();
    let mut volumes = std::collections::BTreeMap::new();
    for target in client.targets(round).unwrap() {
        let [train, test] = client.download_target(&target, folder).unwrap();
        assert!(unzipped(&std::fs::read(train).unwrap()).starts_with("cell_id,rep,"));
        let test = unzipped(&std::fs::read(test).unwrap());
        for row in test.lines().skip(1) {
            let fields: Vec<&str> = row.split(',').collect();
            let size = fields[1].parse::<f64>().unwrap().abs();
            *volumes.entry(fields[0].parse::<i64>().unwrap()).or_insert(0.0) += size;
        }
        teams.push((target.team_id, captures(&test)));
    }
    // Eight packets of 500 to 900 bytes and 500 a class.
    let class = |id: i64| (volumes[&id] / 8.0 - 700.0) / 500.0;
    let text = attack(&teams, 4, |id, one| (-(class(id) - one as f64).abs()).exp());
    let file = written(folder, "attack.csv.zip", &zipped("attack.csv", text.as_bytes()));
    let submission = client.attack(round, Against::All, &file, &mut |_| ()).unwrap();
    client.wait_for(submission, &mut |_| ()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_by_the_client_and_the_next() {
    let site = Site::new().await;
    let served = site.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_owned();
    let url = served.url.clone();
    let (al, bo, cy) = aside(move || (newcomer(&url, "Al"), newcomer(&url, "Bo"), newcomer(&url, "Cy"))).await;
    site.round(1, |round| round.settings.limits = Limits { accepted: 3, total: 4, window_hours: 24 }).await;

    // Opening: what is refused is refused before a byte has gone.
    let (client, files) = (al.clone(), place.clone());
    aside(move || {
        let round = &client.rounds().unwrap()[0];
        assert_eq!((round.number, round.phase.as_str(), round.settled), (1, "opening", false));
        let file = written(&files, "defence.csv", defence(1, 500).as_bytes());
        let mut told = 0;
        let answer = client.defend(1, &file, &mut |bytes| told = bytes);
        refused(answer, 409, "Not now: Round 1 is in its opening phase");
        assert_eq!(told, 0);
        let missing = client.defend(1, &files.join("none.csv"), &mut |_| ()).unwrap_err();
        assert!(missing.to_string().contains("none.csv"), "{missing}");
        refused(client.round(7), 404, "not for you to see");
    })
    .await;

    site.at(site.now() + DAY);
    let (clients, files, clock) = ([al.clone(), bo.clone(), cy.clone()], place.clone(), site.app.world.clock.clone());
    aside(move || {
        let [al, bo, cy] = clients;
        let first = defended(&al, &clock, 1, &files.join("defence.csv"));
        assert_eq!((first.state.as_str(), first.counts), ("done", Some(true)), "{first:?}");
        assert!(first.scores.iter().all(|score| score.attacker.starts_with("house (") && score.part == "public"));
        let again = al.defend(1, &files.join("defence.csv"), &mut |_| ()).unwrap();
        assert_eq!(again.id, first.id, "the same file again is the same submission");
        let broken = defended(&al, &clock, 1, &written(&files, "broken.csv", b"cell_id,rep\n1,2\n"));
        assert_eq!(broken.state, "refused");
        assert!(broken.problems().iter().any(|problem| problem.kind.contains("column")), "{broken:?}");
        let second = defended(&al, &clock, 1, &written(&files, "second.csv", defence(4, 500).as_bytes()));
        assert_eq!(al.submission(&first.id).unwrap().counts, Some(false));
        // Of two of one instant an id would decide.
        clock.set(clock.now() + 1000);
        assert_eq!(al.choose(&first.id).unwrap().counts, Some(true));
        refused(bo.choose(&second.id), 404, "");
        refused(bo.submission(&second.id), 404, "");
        assert!(matches!(bo.submission("../../me"), Err(ClientError::NotAnId(_))));
        assert_eq!(al.submissions().unwrap().len(), 3);
        al.download_submission(&second.id, &files.join("copy.csv")).unwrap();
        assert_eq!(std::fs::read_to_string(files.join("copy.csv")).unwrap(), defence(4, 500));
        let slots = al.round(1).unwrap().defence_slots.unwrap();
        assert_eq!((slots.accepted_left, slots.total_left), (1, 1));
        defended(&al, &clock, 1, &written(&files, "third.csv", defence(5, 500).as_bytes()));
        let answer = al.defend(1, &written(&files, "fourth.csv", defence(6, 500).as_bytes()), &mut |_| ());
        refused(answer, 429, "The next place is free at 2026-03-03 00:00 UTC");
        al.choose(&first.id).unwrap();
        defended(&bo, &clock, 1, &written(&files, "bo.csv.zip", &zipped("bo.csv", defence(2, 500).as_bytes())));
        defended(&cy, &clock, 1, &written(&files, "cy.csv", defence(3, 0).as_bytes()));
        refused(al.attack(1, Against::All, &files.join("cy.csv"), &mut |_| ()), 409, "attacks in its attack phase");
    })
    .await;

    site.at(site.now() + DAY);
    work::sweep(&site.app).await.unwrap();
    let (clients, files) = ([al.clone(), bo.clone(), cy.clone()], place.clone());
    aside(move || {
        for client in &clients {
            let submission = attacked(client, 1, &files.join(&client.account().unwrap().name));
            assert_eq!((submission.state.as_str(), submission.scores.len()), ("done", 2), "{submission:?}");
        }
        // Whose classes are told by volume is told wholly, whatever was drawn.
        let mine = clients[1].submissions().unwrap().remove(0);
        let on_al = mine.scores.iter().find(|score| score.defender == "Al").unwrap();
        assert_eq!((on_al.roc_auc, on_al.attacker.as_str()), (Some(1.0), "your team"));
        let file = files.join("al-player/attack.csv.zip");
        refused(clients[0].attack(1, Against::Team(9), &file, &mut |_| ()), 422, "not a team that you attack");
    })
    .await;

    site.at(site.now() + DAY);
    work::sweep(&site.app).await.unwrap();
    let client = al.clone();
    aside(move || {
        let board = client.board(1).unwrap();
        assert_eq!((board.part.as_str(), board.frozen, board.rows.len()), ("private", false, 3));
        assert!(board.rows.iter().all(|row| row.rank.is_some() && row.total.is_some()), "{board:?}");
        let overall = client.overall().unwrap();
        assert_eq!((overall.rounds.as_slice(), overall.rows.len()), ([1].as_slice(), 3));
    })
    .await;

    site.round(2, |_| ()).await;
    site.at(site.now() + DAY);
    let (client, clock) = (al.clone(), site.app.world.clock.clone());
    aside(move || {
        assert_eq!(client.rounds().unwrap().len(), 2);
        let file = written(&place, "next.csv", defence(7, 500).as_bytes());
        assert_eq!(defended(&client, &clock, 2, &file).round, 2);
        assert_eq!(client.targets(1).unwrap().len(), 2, "the old round stays");
    })
    .await;
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_teams_by_the_client() {
    let site = Site::new().await;
    let served = site.serve().await;
    let (url, clock) = (served.url.clone(), site.app.world.clock.clone());
    aside(move || {
        let at = || Competition::at(&url).unwrap();
        let wrong = at().register("a/b", "nowhere", "short", None).unwrap_err().to_string();
        for words in ["name: 3 to 40 letters", "email: an address", "password: 10 to 200"] {
            assert!(wrong.contains(words), "{wrong}");
        }
        let alice = at().register("alice", "alice@example.org", PASSWORD, None).unwrap();
        refused(at().register("alice", "b@example.org", PASSWORD, None), 422, "somebody has it already");
        refused(at().sign_in("alice", "not the password"), 422, "no such name with this password");
        refused(alice.team(), 403, "Make or join one first");
        let made = alice.create_team("Al-Bo").unwrap();
        assert_eq!((made.number, made.members, made.size), (1, vec!["alice".to_owned()], 2));
        let bob = at().register("bob", "bob@example.org", PASSWORD, None).unwrap();
        refused(bob.join_team("wrong"), 422, "no team has this code");
        assert_eq!(bob.join_team(&made.code).unwrap().members, ["alice", "bob"]);
        assert_eq!(bob.teams().unwrap()[0].members, ["alice", "bob"]);
        assert_eq!(bob.account().unwrap().team.unwrap().name, "Al-Bo");
        bob.leave_team().unwrap();
        assert_ne!(alice.renew_code().unwrap().code, made.code);
        refused(bob.join_team(&made.code), 422, "no team has this code");

        // What is kept of a sign-in is enough for the next time, until it ends.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wfkit/competition.json");
        at().sign_in("alice", PASSWORD).unwrap().to_keep().keep(&file).unwrap();
        let kept = Client::of(&SignIn::read(&file).unwrap()).unwrap();
        assert_eq!(kept.account().unwrap().name, "alice");
        kept.sign_out().unwrap();
        refused(kept.account(), 401, "`wfkit competition login` makes another");
        alice.account().unwrap();

        // A new password ends all others, and this one goes on.
        let elsewhere = at().sign_in("alice", PASSWORD).unwrap();
        refused(alice.clone().change_password("wrong", "another long one"), 422, "not the password");
        let alice = alice.change_password(PASSWORD, "another long one").unwrap();
        refused(elsewhere.account(), 401, "");
        alice.account().unwrap();
        at().sign_in("alice", "another long one").unwrap();

        // Whoever signs in often does not run out of tokens: the oldest sign-in ends.
        let first = at().sign_in("bob", PASSWORD).unwrap();
        clock.set(clock.now() + 1000);
        for _ in 0..20 {
            at().sign_in("bob", PASSWORD).unwrap();
        }
        refused(first.account(), 401, "");
    })
    .await;
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_by_the_client() {
    let options =
        wfkit_platform::Options { registration: wfkit_platform::Registration::Invitation, ..crate::site::options() };
    let site = Site::with(options).await;
    let code = wfkit_platform::acts::invite(&site.app, "a test", "the course", 1).await.unwrap();
    let served = site.serve().await;
    let url = served.url.clone();
    aside(move || {
        let register =
            |code: Option<&str>| Competition::at(&url).unwrap().register("alice", "alice@example.org", PASSWORD, code);
        refused(register(None), 422, "not an invitation that is still open");
        register(Some(&code)).unwrap();
    })
    .await;
    site.at(site.now() + HOUR);
    served.end().await;
}
