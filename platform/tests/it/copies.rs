//! Archives of everything, from one database to another.

use wfkit_platform::backup::{export, import};
use wfkit_platform::store::whole::TABLES;
use wfkit_platform::{App, Clock, Files, Store, World, demo, router, work};

use crate::site::{Site, database, options};

/// A new folder with an empty store: of SQLite, or of what the tests run on.
async fn empty(site: &Site, sqlite: bool) -> Site {
    let folder = tempfile::tempdir().unwrap();
    let store = match sqlite {
        true => Store::open(&folder.path().join("platform.sqlite")).await.unwrap(),
        false => database(folder.path()).await,
    };
    let files = Files::open(folder.path().join("files")).unwrap();
    let world = World { clock: Clock::standing(site.now()), ..site.app.world.clone() };
    let app = App::new(store, files, world, options());
    Site { router: router(app.clone()), app, folder }
}

async fn pages(site: &Site) -> Vec<String> {
    let mut visitor = site.visitor();
    let mut texts = Vec::new();
    for path in
        ["/leaderboard.json", "/rounds/1/matrix.json", "/rounds/2/leaderboard.csv", "/rounds/3/leaderboard.json"]
    {
        texts.push(visitor.get(path).await.ok().text);
    }
    texts
}

#[tokio::test]
async fn everything_goes_into_an_archive_and_comes_out_again() {
    let site = Site::new().await;
    let sign_ins = demo::fill(&site.app).await.unwrap();
    // What has ended is forgotten here, not on the way.
    work::sweep(&site.app).await.unwrap();
    let archive = site.folder.path().join("all.zip");
    export(&site.app.store, &site.app.files, &archive).await.unwrap();
    assert!(export(&site.app.store, &site.app.files, &archive).await.is_err(), "nothing is written over");
    let tables = site.app.store.tables().await.unwrap();
    // Through the other kind of database, where there are two, and back.
    let mut archive = archive;
    for sqlite in [true, false] {
        let copy = empty(&site, sqlite).await;
        import(&copy.app.store, &copy.app.files, &archive).await.unwrap();
        let refused = import(&copy.app.store, &copy.app.files, &archive).await.unwrap_err().to_string();
        assert!(!refused.is_empty(), "nothing is written over");
        assert_eq!(copy.app.store.tables().await.unwrap(), tables);
        archive = site.folder.path().join(format!("again-{sqlite}.zip"));
        export(&copy.app.store, &copy.app.files, &archive).await.unwrap();
        assert_eq!(pages(&copy).await, pages(&site).await);
        let mut player = copy.visitor();
        let (name, password) = &sign_ins.players[0];
        player.sign_in(name, password).await.is(303);
        let ids = player.get("/api/v1/submissions").await.ok().json()["items"].clone();
        for one in ids.as_array().unwrap() {
            let id = one["id"].as_str().unwrap();
            let file = player.get(&format!("/api/v1/submissions/{id}/file")).await.ok().bytes;
            assert_eq!(file.len() as i64, one["bytes"].as_i64().unwrap());
        }
    }
}

#[tokio::test]
async fn every_table_is_in_copies() {
    let site = empty(&Site::new().await, true).await;
    let mut conn = site.app.store.read().await.unwrap();
    // Jobs follow from what the others say is to be done.
    let all: Vec<(String,)> = sqlx::query_as(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' AND name <> 'job'",
    )
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    let mut all: Vec<String> = all.into_iter().map(|(name,)| name).collect();
    let mut known = TABLES.map(str::to_owned).to_vec();
    all.sort();
    known.sort();
    assert_eq!(all, known);
}

#[tokio::test]
async fn what_is_no_archive_is_refused_and_leaves_nothing() {
    let site = empty(&Site::new().await, false).await;
    let file = site.folder.path().join("a.zip");
    std::fs::write(&file, b"not an archive").unwrap();
    assert!(import(&site.app.store, &site.app.files, &file).await.is_err());
    std::fs::write(&file, crate::traffic::zipped("competition.json", br#"{"format": 2, "made_by": "later"}"#)).unwrap();
    let refused = format!("{:?}", import(&site.app.store, &site.app.files, &file).await.unwrap_err());
    assert!(refused.contains("format 2"), "{refused}");
    std::fs::write(&file, crate::traffic::zipped("competition.json", br#"{"format": 1, "made_by": "x"}"#)).unwrap();
    let refused = format!("{:?}", import(&site.app.store, &site.app.files, &file).await.unwrap_err());
    assert!(refused.contains("not whole"), "{refused}");
    assert!(site.app.store.tables().await.unwrap().iter().all(|table| table.rows.is_empty()));
}

#[tokio::test]
async fn an_archive_without_an_upload_is_not_whole() {
    let site = Site::new().await;
    let mut al = site.team("Al").await;
    site.round(1, |_| ()).await;
    site.at(site.now() + crate::site::DAY);
    let id = al.uploaded("/rounds/1/defence", &[], crate::traffic::defence(1, 100).as_bytes()).await;
    std::fs::remove_dir_all(site.app.files.of_submission(&id)).unwrap();
    let archive = site.folder.path().join("a.zip");
    export(&site.app.store, &site.app.files, &archive).await.unwrap();
    let copy = empty(&site, false).await;
    let refused = import(&copy.app.store, &copy.app.files, &archive).await.unwrap_err().to_string();
    assert!(refused.contains(&id) && refused.contains("not whole"), "{refused}");
    assert!(copy.app.store.tables().await.unwrap().iter().all(|table| table.rows.is_empty()));
}
