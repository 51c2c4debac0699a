//! Files in a store that machines share: the same competition over each kind of store.

use std::path::Path;
use std::sync::Arc;

use futures_util::TryStreamExt;
use object_store::{ObjectStore, memory::InMemory};
use wfkit_platform::backup::{backup, export, import};
use wfkit_platform::{App, Clock, Files, Store, World, router, work};

use crate::site::{DAY, HOUR, PASSWORD, START, Site, database, options, random_of};
use crate::traffic::{attack, captures, defence, unzipped};

/// A machine with a folder of its own, over the database of `data`.
async fn machine(data: &Path, number: u64, files: impl FnOnce(&Path) -> Files) -> Site {
    let folder = tempfile::tempdir().unwrap();
    let files = files(&folder.path().join("files"));
    let world = World { clock: Clock::standing(START), random: random_of(number) };
    let app = App::new(database(data).await, files, world, options());
    Site { router: router(app.clone()), app, folder }
}

/// Two machines play a round: pages on one, work on the other, and neither finds in its folder what the other made.
async fn a_round_over(files: impl Fn(&Path) -> Files) {
    let data = tempfile::tempdir().unwrap();
    let (pages, worker) = (machine(data.path(), 1, &files).await, machine(data.path(), 2, &files).await);
    let mut al = pages.team("Al").await;
    let mut bo = pages.team("Bo").await;
    pages.round(1, |_| ()).await;
    let at = |at| [&pages, &worker].map(|site| site.at(at));
    at(START + DAY + HOUR);
    let first = al.uploaded("/rounds/1/defence", &[], defence(1, 90).as_bytes()).await;
    bo.uploaded("/rounds/1/defence", &[], defence(2, 90).as_bytes()).await;
    assert_eq!(worker.work().await, 2);
    assert_eq!(al.submission(&first).await["state"], "done");
    at(START + 2 * DAY + HOUR);
    worker.work().await;
    let mut client = al.client().await;
    let targets = client.get("/api/v1/rounds/1/targets").await.ok().json();
    let test = client.get(targets[0]["test"].as_str().unwrap()).await.ok();
    client.get(targets[0]["train"].as_str().unwrap()).await.ok();
    let captures = captures(&unzipped(&test.bytes));
    let file = attack(&[(2, captures)], 4, |_, class| class as f64);
    let id = al.uploaded("/rounds/1/attack", &[], file.as_bytes()).await;
    assert_eq!(worker.work().await, 1);
    let scored = al.submission(&id).await;
    assert_eq!(scored["state"], "done", "{scored}");
    assert_eq!(al.get(&format!("/submissions/{first}/file")).await.ok().text, defence(1, 90));
    for id in [&first, &id] {
        al.get(&format!("/submissions/{id}/pictures")).await.ok();
    }

    // Everything is in copies, also what this machine never had.
    let fresh = machine(data.path(), 3, &files).await;
    fresh.at(pages.now());
    let to = fresh.folder.path().join("copy");
    backup(&fresh.app.store, &fresh.app.files, &to).await.unwrap();
    assert_eq!(
        std::fs::read_to_string(to.join(format!("files/submissions/{first}/defence.csv"))).unwrap(),
        defence(1, 90)
    );
    assert!(to.join(format!("files/submissions/{first}/split/team_1_verif.csv.zip")).exists());
    let archive = fresh.folder.path().join("all.zip");
    export(&fresh.app.store, &fresh.app.files, &archive).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("platform.sqlite")).await.unwrap();
    let copy = Files::open(folder.path().join("files")).unwrap();
    import(&store, &copy, &archive).await.unwrap();
    assert!(copy.of_submission(&id).join("attack.csv").exists());

    // A file that is sent in several parts, as it is too large for one.
    at(START + 3 * DAY + HOUR);
    pages.round(2, |round| round.opens_at = START + 3 * DAY).await;
    at(START + 4 * DAY + HOUR);
    let large = "cell_id,rep,direction_size,timestamp\n".to_owned() + &"1,1,100,0.5\n".repeat(1_100_000);
    let id = al.uploaded("/rounds/2/defence", &[], large.as_bytes()).await;
    worker.work().await;
    assert_eq!(al.submission(&id).await["state"], "refused");
    fresh.at(pages.now());
    assert_eq!(fresh_file(&fresh, &al.cookie, &id).await.len(), large.len());
}

async fn fresh_file(site: &Site, cookie: &Option<String>, id: &str) -> Vec<u8> {
    let mut browser = site.visitor();
    browser.cookie = cookie.clone();
    browser.get(&format!("/submissions/{id}/file")).await.ok().bytes
}

#[tokio::test]
async fn a_round_over_objects_in_memory() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    a_round_over(|root| Files::elsewhere(root, store.clone()).unwrap()).await;
}

#[tokio::test]
async fn a_round_over_a_folder_that_machines_share() {
    let shared = tempfile::tempdir().unwrap();
    let address = url::Url::from_directory_path(shared.path().join("objects")).unwrap();
    a_round_over(|root| Files::at_address(root, address.as_str(), []).unwrap()).await;
    assert!(shared.path().join("objects/submissions").is_dir());
}

#[tokio::test]
async fn what_killed_processes_left_is_swept_from_the_store_and_copies_from_the_folder() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let data = tempfile::tempdir().unwrap();
    let site = machine(data.path(), 1, |root| Files::elsewhere(root, store.clone()).unwrap()).await;
    let mut team = site.team("Own").await;
    site.round(1, |_| ()).await;
    site.at(site.now() + DAY);
    let id = team.uploaded("/rounds/1/defence", &[], defence(1, 9).as_bytes()).await;
    site.work().await;
    store.put_opts(&"submissions/never/defence.csv".into(), "x".into(), Default::default()).await.unwrap();
    let names = async || -> Vec<String> {
        let all: Vec<_> = store.list(None).try_collect().await.unwrap();
        all.into_iter().map(|object| object.location.to_string()).collect()
    };
    work::sweep(&site.app).await.unwrap();
    assert!(names().await.iter().any(|name| name.starts_with("submissions/never")), "it may still be arriving");
    // Files have the system's time.
    site.at(World::system().clock.now() + 2 * DAY);
    work::sweep(&site.app).await.unwrap();
    let left = names().await;
    assert!(!left.iter().any(|name| name.starts_with("submissions/never")), "{left:?}");
    assert!(!site.app.files.of_submission(&id).exists(), "a copy that nobody needed");
    // The session has ended, too.
    let mut team = site.visitor();
    team.sign_in("own-player", PASSWORD).await.is(303);
    assert_eq!(team.get(&format!("/submissions/{id}/file")).await.ok().text, defence(1, 9), "fetched again");
}

#[test]
fn addresses_of_stores_that_are_not_known_are_said() {
    let folder = tempfile::tempdir().unwrap();
    for address in ["nowhere", "ftp://a/b", "memory:///"] {
        let said = Files::at_address(folder.path(), address, []).unwrap_err().to_string();
        assert!(said.contains("known") || said.contains("URL"), "{said}");
    }
    if !cfg!(feature = "s3") {
        let said = Files::at_address(folder.path(), "s3://bucket", []).unwrap_err().to_string();
        assert!(said.contains("feature `s3`"), "{said}");
    }
}

#[cfg(feature = "s3")]
mod s3 {
    //! A service that speaks as much of S3 as is needed.

    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use axum::body::Bytes;
    use axum::extract::{Path, Query, State};
    use axum::http::{HeaderMap, Method, StatusCode, header};
    use axum::response::{IntoResponse, Response};
    use axum::routing::any;
    use wfkit_platform::Files;

    #[derive(Default)]
    struct Bucket {
        objects: BTreeMap<String, Bytes>,
        /// Uploads in parts, by their id.
        parts: BTreeMap<String, BTreeMap<u32, Bytes>>,
        multipart: usize,
    }

    type Shared = Arc<Mutex<Bucket>>;
    const TAG: (&str, &str) = ("etag", "\"tag\"");
    const WHEN: &str = "Thu, 01 Jan 2026 00:00:00 GMT";

    fn xml(text: String) -> Response {
        ([(header::CONTENT_TYPE, "application/xml")], text).into_response()
    }

    async fn answer(
        State(bucket): State<Shared>,
        method: Method,
        path: Option<Path<String>>,
        Query(query): Query<BTreeMap<String, String>>,
        headers: HeaderMap,
        body: Bytes,
    ) -> Response {
        let signed = headers
            .get(header::AUTHORIZATION)
            .is_some_and(|value| value.as_bytes().starts_with(b"AWS4-HMAC-SHA256 Credential=who/"));
        if !signed {
            return StatusCode::FORBIDDEN.into_response();
        }
        let mut bucket = bucket.lock().unwrap();
        let key = path.map_or_else(String::new, |Path(key)| key);
        let number = query.get("partNumber").and_then(|number| number.parse().ok());
        match (method.as_str(), query.get("uploadId"), number) {
            ("PUT", Some(id), Some(number)) => {
                bucket.parts.entry(id.clone()).or_default().insert(number, body);
                [TAG].into_response()
            }
            ("PUT", ..) => {
                bucket.objects.insert(key, body);
                [TAG].into_response()
            }
            ("POST", Some(id), _) => {
                let whole: Vec<u8> = bucket.parts.remove(id).unwrap_or_default().into_values().flatten().collect();
                bucket.objects.insert(key, whole.into());
                bucket.multipart += 1;
                xml("<CompleteMultipartUploadResult><ETag>\"tag\"</ETag></CompleteMultipartUploadResult>".into())
            }
            ("POST", ..) if query.contains_key("uploads") => xml(format!(
                "<InitiateMultipartUploadResult><UploadId>of {key}</UploadId></InitiateMultipartUploadResult>"
            )),
            ("POST", ..) if query.contains_key("delete") => {
                let text = String::from_utf8_lossy(&body).into_owned();
                for key in text.split("<Key>").skip(1).filter_map(|rest| rest.split('<').next()) {
                    bucket.objects.remove(key);
                }
                xml("<DeleteResult></DeleteResult>".into())
            }
            ("GET" | "HEAD", ..) if key.is_empty() => {
                let prefix = query.get("prefix").cloned().unwrap_or_default();
                let mut text = "<ListBucketResult><IsTruncated>false</IsTruncated>".to_owned();
                let mut folders = std::collections::BTreeSet::new();
                for (key, bytes) in bucket.objects.iter().filter(|(key, _)| key.starts_with(&prefix)) {
                    match key[prefix.len()..].split_once('/') {
                        Some((folder, _)) if query.contains_key("delimiter") => {
                            folders.insert(format!("{prefix}{folder}/"));
                        }
                        _ => {
                            text += &format!(
                                "<Contents><Key>{key}</Key><Size>{}</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"tag\"</ETag></Contents>",
                                bytes.len()
                            );
                        }
                    }
                }
                for folder in folders {
                    text += &format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>");
                }
                xml(text + "</ListBucketResult>")
            }
            ("GET" | "HEAD", ..) => match bucket.objects.get(&key) {
                Some(bytes) => ([TAG, ("last-modified", WHEN)], bytes.clone()).into_response(),
                None => StatusCode::NOT_FOUND.into_response(),
            },
            _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        }
    }

    #[tokio::test]
    async fn a_round_over_a_service_like_s3() {
        let bucket = Shared::default();
        let router = axum::Router::new()
            .route("/bucket", any(answer))
            .route("/bucket/", any(answer))
            .route("/bucket/{*key}", any(answer))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(bucket.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        let said = [
            ("AWS_ENDPOINT", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "here"),
            ("AWS_ACCESS_KEY_ID", "who"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("HOME", "nothing of S3"),
        ];
        let said = said.map(|(name, value)| (name.to_owned(), value.to_owned()));
        super::a_round_over(|root| Files::at_address(root, "s3://bucket/course", said.clone()).unwrap()).await;
        let bucket = bucket.lock().unwrap();
        assert!(bucket.objects.keys().all(|key| key.starts_with("course/submissions/")), "{:?}", bucket.objects.keys());
        assert!(bucket.objects.keys().any(|key| key.ends_with("verif.csv.zip")));
        assert!(bucket.multipart >= 1 && bucket.parts.is_empty());
    }
}
