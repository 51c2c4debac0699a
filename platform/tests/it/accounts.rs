//! Accounts, sessions, teams.

use axum::body::Body;
use axum::http::{Request, header};
use wfkit_platform::{Options, Registration, acts};

use crate::site::{HOUR, PASSWORD, Site, options};

#[tokio::test]
async fn registering_says_all_that_is_wrong_at_once() {
    let site = Site::new().await;
    let mut visitor = site.visitor();
    let fields = [("name", "a/b"), ("email", "x"), ("password", "short"), ("again", "other")];
    let answer = visitor.post("/register", &fields).await.is(422);
    for message in ["3 to 40 letters", "an address such as", "10 to 200 characters"] {
        assert!(answer.text.contains(message), "{message}");
    }
    assert!(answer.text.contains("value=\"a&#47;b\"") || answer.text.contains("value=\"a/b\""), "what was typed stays");
    site.player("alice").await;
    let fields = [("name", "ALICE"), ("email", "Alice@Example.org"), ("password", PASSWORD), ("again", PASSWORD)];
    let answer = site.visitor().post("/register", &fields).await.is(422);
    assert!(answer.text.contains("somebody has it already") && answer.text.contains("an account of this address"));
}

#[tokio::test]
async fn wrong_passwords_lock_an_account_for_a_while() {
    let site = Site::new().await;
    site.player("alice").await;
    let mut visitor = site.visitor();
    for _ in 0..10 {
        let answer = visitor.sign_in("alice", "not the password").await.is(422);
        assert!(answer.text.contains("no such name with this password"));
    }
    let answer = visitor.sign_in("alice", PASSWORD).await.is(429);
    assert!(answer.header("retry-after").parse::<i64>().unwrap() > 0);
    site.at(site.now() + HOUR / 2);
    visitor.sign_in("alice", PASSWORD).await.is(303);
}

#[tokio::test]
async fn guesses_at_once_are_no_way_around_the_limit() {
    let site = Site::new().await;
    site.player("alice").await;
    let guesses = (0..60).map(|_| {
        let site = &site;
        async move { site.visitor().sign_in("alice", "not the password").await.status.as_u16() }
    });
    let statuses: Vec<u16> = futures_util::future::join_all(guesses).await;
    assert_eq!(statuses.iter().filter(|&&status| status == 422).count(), 10, "{statuses:?}");
    assert!(statuses.iter().all(|status| [422, 429].contains(status)));
}

#[tokio::test]
async fn one_address_cannot_try_many_names() {
    let site = Site::new().await;
    let mut refused = 0;
    for guess in 0..120 {
        let answer = site.visitor().sign_in(&format!("name{guess}"), "not the password").await;
        refused += i32::from(answer.status == 429);
    }
    assert_eq!(refused, 20);
}

#[tokio::test]
async fn ten_thousand_sign_ins_cost_little_and_leave_room_for_others() {
    let site = Site::with(Options { behind_proxy: true, ..options() }).await;
    site.player("alice").await;
    site.player("bob").await;
    let from = async |address: &str, name: &str| {
        let body = format!("name={name}&password=not+the+password&csrf=");
        let request = Request::post("/sign-in")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-forwarded-for", address);
        site.visitor().send(request, Body::from(body)).await.status.as_u16()
    };
    let mut wrong = 0;
    for number in 0..10_000 {
        // One account from many addresses, and many names from one.
        let status = match number % 2 {
            0 => from(&format!("10.1.{}.{}", number / 256, number % 256), "alice").await,
            _ => from("10.2.0.1", &format!("name{number}")).await,
        };
        assert!([422, 429].contains(&status), "{status}");
        wrong += i32::from(status == 422);
    }
    assert_eq!(wrong, 10 + 100, "passwords that were looked at: of the account, and from the address");
    let tables = site.app.store.tables().await.unwrap();
    let attempts = tables.iter().find(|table| table.name == "attempt").map_or(0, |table| table.rows.len());
    assert!(attempts < 400, "{attempts} rows: what is refused is not counted for ever");
    site.visitor().sign_in("bob", PASSWORD).await.is(303);
}

#[tokio::test]
async fn cookies_are_secrets_of_the_server() {
    let site = Site::new().await;
    let mut alice = site.player("alice").await;
    for forged in ["", "admin", "0", "' OR 1=1 --", &"a".repeat(40)] {
        let mut visitor = site.visitor();
        visitor.cookie = Some(format!("wfkit_session={forged}"));
        assert_eq!(visitor.get("/account").await.status, 303, "{forged}");
    }
    let mut other = site.visitor();
    let answer = other.post("/sign-in", &[("name", "alice"), ("password", PASSWORD)]).await;
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains("Secure"), "{cookie}");
    other.get("/account").await.ok();
    let old = other.cookie.clone();
    other.post("/sign-out", &[]).await.is(303);
    other.cookie = old;
    other.get("/account").await.is(303);
    alice.get("/account").await.ok();

    let database = format!("{:?}", site.app.store.tables().await.unwrap());
    let secret = alice.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned();
    assert!(database.contains("alice"));
    for kept in [secret.as_str(), PASSWORD] {
        assert!(!database.contains(kept), "a secret as it is");
    }
}

#[tokio::test]
async fn secure_cookies_behind_tls() {
    let site = Site::with(Options { secure: true, ..options() }).await;
    let mut visitor = site.visitor();
    let fields = [("name", "alice"), ("email", "a@example.org"), ("password", PASSWORD), ("again", PASSWORD)];
    let answer = visitor.post("/register", &fields).await.is(303);
    assert!(answer.header("set-cookie").contains("; Secure"));
    assert!(answer.header("strict-transport-security").contains("max-age"));
}

#[tokio::test]
async fn sessions_and_tokens_end_with_the_password_and_with_the_account() {
    let site = Site::new().await;
    let mut organiser = site.organiser().await;
    let mut alice = site.team("Own").await;
    let mut client = alice.client().await;
    client.get("/api/v1/me").await.ok();
    let mut second = site.visitor();
    second.sign_in("own-player", PASSWORD).await.is(303);
    let new = "a wholly new password";
    let fields = [("old", PASSWORD), ("password", new), ("again", new)];
    alice.post("/account/password", &[("old", "wrong"), ("password", new), ("again", new)]).await.is(422);
    alice.post("/account/password", &fields).await.is(303);
    second.get("/account").await.is(303);
    client.get("/api/v1/me").await.is(401);
    alice.get("/account").await.ok();

    organiser.post("/organise/people/lock", &[("account", "own-player"), ("locked", "yes")]).await.is(303);
    alice.get("/account").await.is(303);
    site.visitor().sign_in("own-player", new).await.is(422);
    organiser.post("/organise/people/lock", &[("account", "boss"), ("locked", "yes")]).await.is(409);
    organiser.post("/organise/people/lock", &[("account", "own-player"), ("locked", "no")]).await.is(303);
    site.visitor().sign_in("own-player", new).await.is(303);
}

#[tokio::test]
async fn links_work_once_and_for_a_day() {
    let site = Site::new().await;
    let secret = acts::make_organiser(&site.app, "a test", "boss", "boss@example.org").await.unwrap();
    let link = format!("/welcome/{secret}");
    let set = |password: &'static str| [("password", password), ("again", password)];
    site.visitor().sign_in("boss", "none").await.is(422);
    site.visitor().post(&link, &set("short")).await.is(422);
    site.visitor().post(&link, &set(PASSWORD)).await.is(303);
    site.visitor().post(&link, &set("another long password")).await.is(409);
    site.visitor().sign_in("boss", PASSWORD).await.is(303);
    let late = acts::reset_link(&site.app, "a test", "boss").await.unwrap();
    site.at(site.now() + 25 * HOUR);
    site.visitor().post(&format!("/welcome/{late}"), &set("another long password")).await.is(409);
}

#[tokio::test]
async fn invitations() {
    let site = Site::with(Options { registration: Registration::Invitation, ..options() }).await;
    let mut organiser = site.organiser().await;
    let answer = organiser.post("/organise/invitations", &[("note", "the course"), ("uses", "1")]).await.ok();
    let code = answer.text.split_once("shown again: <code>").unwrap().1.split('<').next().unwrap().to_owned();
    let register = |name: &str, code: &str| {
        let fields = [
            ("name", name.to_owned()),
            ("email", format!("{name}@example.org")),
            ("password", PASSWORD.to_owned()),
            ("again", PASSWORD.to_owned()),
            ("code", code.to_owned()),
        ];
        let site = &site;
        async move {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            site.visitor().post("/register", &fields).await.status.as_u16()
        }
    };
    assert_eq!(register("alice", "").await, 422);
    assert_eq!(register("alice", "wrong").await, 422);
    assert_eq!(register("alice", &code).await, 303);
    assert_eq!(register("bob", &code).await, 422, "used up");
    for guess in 0..10 {
        register(&format!("guess{guess}"), "wrong").await;
    }
    assert_eq!(register("carol", &code).await, 429);

    let closed = Site::with(Options { registration: Registration::Closed, ..options() }).await;
    let fields = [("name", "alice"), ("email", "a@example.org"), ("password", PASSWORD), ("again", PASSWORD)];
    closed.visitor().post("/register", &fields).await.is(403);
}

#[tokio::test]
async fn teams_of_two_by_code() {
    let site = Site::new().await;
    let mut alice = site.team("Al-Bo").await;
    let page = alice.get("/team").await.ok().text;
    let code = page.split_once("only: <code>").unwrap().1.split('<').next().unwrap().to_owned();
    let (mut bob, mut carol) = (site.player("bob").await, site.player("carol").await);
    assert!(!bob.get("/teams/1").await.ok().text.contains(&code), "the code is for members");
    bob.post("/team/join", &[("code", "wrongcode")]).await.is(422);
    bob.post("/team/join", &[("code", &code)]).await.is(303);
    carol.post("/team/join", &[("code", &code)]).await.is(409);
    bob.post("/team/create", &[("name", "Another")]).await.is(409);
    carol.post("/team/create", &[("name", "al-bo")]).await.is(422);
    carol.post("/team/create", &[("name", "a/b")]).await.is(422);
    carol.post("/team/create", &[("name", "  Ça   va ?")]).await.is(422);
    carol.post("/team/create", &[("name", "  Ça   va ")]).await.is(303);
    assert!(carol.get("/teams").await.ok().text.contains("Ça va"));

    // Renewing the code shuts the old one.
    bob.post("/team/leave", &[]).await.is(303);
    alice.post("/team/code", &[]).await.is(303);
    bob.post("/team/join", &[("code", &code)]).await.is(422);

    // While a round is played only organisers move players, with a line in the log.
    let mut organiser = site.organiser().await;
    site.round(1, |_| ()).await;
    site.at(site.now() + 30 * HOUR);
    alice.post("/team/leave", &[]).await.is(409);
    organiser.post("/organise/people/move", &[("account", "bob"), ("team", "1")]).await.is(303);
    assert!(organiser.get("/teams/1").await.ok().text.contains("bob"));
    assert!(organiser.get("/organise/audit?action=move+player").await.ok().text.contains("from team none to 1"));
    let answer = organiser.post("/organise/people/move", &[("account", "carol"), ("team", "1")]).await.is(409);
    assert!(answer.text.contains("Team Al-Bo is full"), "{}", answer.text);
    organiser.post("/organise/people/move", &[("account", "bob"), ("team", "1")]).await.is(303);
}

#[tokio::test]
async fn places_to_go_back_to_are_of_this_site() {
    let site = Site::new().await;
    site.player("alice").await;
    for (next, to) in
        [("///evil.example", "/"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/teams", "/teams")]
    {
        let mut visitor = site.visitor();
        let answer =
            visitor.post("/sign-in", &[("name", "alice"), ("password", PASSWORD), ("next", next)]).await.is(303);
        assert_eq!(answer.header("location"), to);
    }
    assert_eq!(site.visitor().get("/rounds/1/defence").await.header("location"), "/sign-in?next=/rounds/1/defence");
}

#[tokio::test]
async fn every_answer_has_its_policy() {
    let site = Site::new().await;
    let mut visitor = site.visitor();
    for path in ["/", "/nowhere", "/assets/style.css", "/api/v1/rounds", "/sign-in"] {
        let answer = visitor.get(path).await;
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(!answer.text.contains("<script>") && !answer.text.contains("style=\""), "nothing inline");
        assert!(!answer.text.contains("https://"), "nothing from elsewhere: {path}");
    }
    assert_eq!(visitor.get("/account").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn names_are_text_and_no_markup() {
    let site = Site::new().await;
    let mut organiser = site.organiser().await;
    organiser.post("/organise/announcements", &[("text", "<script>alert(1)</script>")]).await.is(303);
    let page = site.visitor().get("/").await.ok().text;
    assert!(!page.contains("<script>alert") && page.contains("script"));
}

#[tokio::test]
async fn tokens_are_for_the_api_and_revocable() {
    let site = Site::new().await;
    let mut alice = site.team("Own").await;
    let mut client = alice.client().await;
    let me = client.get("/api/v1/me").await.ok().json();
    assert_eq!((&me["name"], &me["team"]["number"]), (&"own-player".into(), &1.into()));
    let page = alice.get("/account").await.ok().text;
    let path = page.split_once("action=\"/account/tokens/").unwrap().1.split('"').next().unwrap().to_owned();
    let mut bob = site.player("bob").await;
    bob.post(&format!("/account/tokens/{path}"), &[]).await.is(404);
    alice.post(&format!("/account/tokens/{path}"), &[]).await.is(303);
    let answer = client.get("/api/v1/me").await.is(401);
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let request = Request::get("/api/v1/me").header(header::AUTHORIZATION, "Bearer x");
    assert_eq!(site.visitor().send(request, Body::empty()).await.status, 401);
}

#[tokio::test]
async fn a_course_is_imported_whole_or_not_at_all() {
    let site = Site::new().await;
    let mut organiser = site.organiser().await;
    let bad = "alice,alice@example.org,Al-Bo\nb/b,nowhere\nalice,other@example.org\n";
    let answer = organiser.post("/organise/people/import", &[("list", bad)]).await.is(422);
    assert!(answer.text.contains("line 2") && answer.text.contains("line 3"), "{}", answer.text);
    assert!(!organiser.get("/organise/people").await.ok().text.contains("alice@example.org"), "nothing was made");
    let good = "name,email,team\nalice,alice@example.org,Al-Bo\nbob;bob@example.org;Al-Bo\n\ncarol,carol@example.org\n";
    let page = organiser.post("/organise/people/import", &[("list", good)]).await.ok().text;
    let links: Vec<&str> = page.split("<code>/welcome/").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
    assert_eq!(links.len(), 3);
    let set = [("password", PASSWORD), ("again", PASSWORD)];
    site.visitor().post(&format!("/welcome/{}", links[1]), &set).await.is(303);
    site.visitor().sign_in("bob", PASSWORD).await.is(303);
    assert!(organiser.get("/teams/1").await.ok().text.contains("alice, bob"));
    let full = organiser.post("/organise/people/import", &[("list", "dave,dave@example.org,al-bo")]).await.is(422);
    assert!(full.text.contains("is full"));
}

#[tokio::test]
async fn lists_of_accounts_come_out_of_spreadsheets() {
    let site = Site::new().await;
    let mut organiser = site.organiser().await;
    let lists = [
        (
            "\u{feff}Name,Email,Team\r\n\"alice\",\"alice@example.org\",\"Al Bo\"\r\nbob,bob@example.org,Al Bo\r\n,,\r\n",
            2,
        ),
        ("name\temail\rcarol\tcarol@example.org\rdave\tdave@example.org\r", 2),
        ("erin,erin@example.org,,", 1),
    ];
    for (list, count) in lists {
        let page = organiser.post("/organise/people/import", &[("list", list)]).await.ok().text;
        assert_eq!(page.matches("<code>/welcome/").count(), count, "{list:?}");
    }
    assert!(organiser.get("/teams/1").await.ok().text.contains("alice, bob"));
    organiser.post("/organise/people/import", &[("list", "name,email\n\n")]).await.is(422);
}

#[tokio::test]
async fn a_link_takes_no_password_with_the_name_in_it_and_stays_good() {
    let site = Site::new().await;
    site.player("alice").await;
    let secret = acts::reset_link(&site.app, "a test", "alice").await.unwrap();
    let link = format!("/welcome/{secret}");
    let answer = site.visitor().post(&link, &[("password", "xx-Alice-2026"), ("again", "xx-Alice-2026")]).await.is(422);
    assert!(answer.text.contains("not with the account&#39;s name in it"), "{}", answer.text);
    site.visitor().post(&link, &[("password", "a wholly new one"), ("again", "a wholly new one")]).await.is(303);
    site.visitor().post(&link, &[("password", "a wholly new two"), ("again", "a wholly new two")]).await.is(409);
    site.visitor().sign_in("alice", "a wholly new one").await.is(303);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_on_a_page() {
    let site = Site::new().await;
    let mut alice = site.team("Own").await;
    for path in ["/rounds/x", "/teams/99999999999999999999", "/submissions/%FF", "/submissions/x/compare?with=%FF"] {
        let answer = alice.get(path).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
        assert!(answer.header("content-type").starts_with("text/html") && answer.text.contains("</html>"), "{path}");
    }
    site.round(1, |_| ()).await;
    let request = Request::post("/rounds/1/defence").header("content-type", "text/plain");
    let answer = alice.send(request, Body::from("x")).await.is(400);
    assert!(answer.text.contains("</html>"), "{}", answer.text);
    let answer = alice.get("/api/v1/rounds/x").await.is(400);
    assert_eq!(answer.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn zero_bytes_are_no_text() {
    let site = Site::new().await;
    let mut organiser = site.organiser().await;
    let mut alice = site.team("Own").await;
    let zero = "a\0b";
    site.visitor().post("/sign-in", &[("name", zero), ("password", PASSWORD)]).await.is(400);
    let fields = [("name", "alice"), ("email", "alice@example.org"), ("password", zero), ("again", zero)];
    site.visitor().post("/register", &fields).await.is(400);
    alice.post("/team/create", &[("name", zero)]).await.is(400);
    alice.post("/account/tokens", &[("label", zero)]).await.is(400);
    organiser.post("/organise/announcements", &[("text", zero)]).await.is(400);
    for path in ["/submissions/%00", "/welcome/%00", "/submissions/x/compare?with=%00"] {
        alice.get(path).await.is(404);
    }
    organiser.get("/organise/audit?action=%00").await.is(404);
    let mut client = alice.client().await;
    for (path, document) in [("sign-in", r#"{"name":"\u0000","password":"x"}"#), ("team/join", r#"{"code":"\u0000"}"#)]
    {
        let request = Request::post(format!("/api/v1/{path}")).header(header::CONTENT_TYPE, "application/json");
        client.send(request, Body::from(document)).await.is(400);
    }
    let tables = format!("{:?}", site.app.store.tables().await.unwrap());
    assert!(!tables.contains("\\0") && !tables.contains("\\u0000"), "none was stored");
}

#[tokio::test]
async fn names_that_look_alike_are_refused() {
    let site = Site::new().await;
    site.player("alice").await.post("/team/create", &[("name", "Al and Bo")]).await.is(303);
    let mut bob = site.player("bob").await;
    // Another case, other spaces, a Cyrillic letter.
    for name in ["AL AND BO", "AlandBo", "\u{410}l and Bo"] {
        let page = bob.post("/team/create", &[("name", name)]).await.is(422).text;
        assert!(page.contains("team 1, Al and Bo") || page.contains("another team has it"), "{name}: {page}");
    }
    let mut organiser = site.organiser().await;
    let list = "cyd,cyd@example.org,Al\u{430}ndBo\ndora,dora@example.org,Do";
    organiser.get("/organise/people").await.ok();
    let page = organiser.post("/organise/people/import", &[("list", list)]).await;
    assert_eq!(page.status, 422);
    assert!(page.text.contains("line 1, team Al\u{430}ndBo: it looks like that of team 1, Al and Bo"), "{}", page.text);
    bob.post("/team/create", &[("name", "Bo and Al")]).await.is(303);
}
