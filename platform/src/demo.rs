//! A small competition to look at: six teams, two rounds that are over and one that runs, over real traces.
//!
//! The traces are those of the project's sample, 10 classes of 20 queries through a private Tor network, as a defence file. Everything
//! goes the way it would go in a course, through the same acts, checks and scores, under a clock that is set.

use axum::body::Bytes;
use futures_util::stream;
use wfkit_competition::{Prediction, Rules, capture_ids, read_captures, read_defense, write_attack};
use wfkit_datasets::formats::{ReadLimits, Source};
use wfkit_datasets::{LabelledTrace, Trace, TraceSet};
use wfkit_metrics::Probabilities;
use wfkit_metrics::seed::mix;

use crate::acts::{self, Newcomer, Person};
use crate::game::{Kind, Phase, Profile, Round, Settings};
use crate::store::teams::Team;
use crate::store::{accounts, rounds, settings};
use crate::work::{drain, predict, settle_due};
use crate::{App, Clock, Failure, Millis};

const SAMPLE: &[u8] = include_bytes!("../../competition/kit/sample.csv.zip");
const CLASSES: usize = 10;
const HOUR: Millis = 3_600_000;
const DAY: Millis = 24 * HOUR;

/// Teams and how they defend.
const TEAMS: [(&str, Defence); 6] = [
    ("Onion Rings", Defence { pad: 0, dummies: 0.0, stretch: 1.0 }),
    ("Padding Bears", Defence { pad: 4096, dummies: 0.0, stretch: 1.0 }),
    ("Slow Walkers", Defence { pad: 0, dummies: 0.0, stretch: 1.4 }),
    ("Decoy Ducks", Defence { pad: 0, dummies: 0.6, stretch: 1.0 }),
    ("Quiet Cells", Defence { pad: 2048, dummies: 0.3, stretch: 1.1 }),
    ("Null Cipher", Defence { pad: 8192, dummies: 1.2, stretch: 1.0 }),
];

#[derive(Debug, Clone, Copy)]
struct Defence {
    /// Sizes are padded to a multiple of so many bytes; 0 for none.
    pad: i32,
    /// Incoming dummies for each packet, at most.
    dummies: f64,
    /// Times are multiplied by this.
    stretch: f64,
}

impl Defence {
    fn apply(self, set: &TraceSet, seed: u64) -> Result<TraceSet, Failure> {
        let traces = set.traces().iter().enumerate().map(|(i, labelled)| {
            let trace = self.defended(&labelled.trace, mix(seed, i as u64))?;
            Ok(LabelledTrace::new(labelled.key.clone(), None, trace))
        });
        let traces = traces.collect::<Result<Vec<_>, Failure>>()?;
        TraceSet::new(traces, set.provenance().clone()).map_err(|error| Failure::Broken(error.to_string()))
    }

    fn defended(self, trace: &Trace, seed: u64) -> Result<Trace, Failure> {
        let share = |i: u64| mix(seed, i) as f64 / u64::MAX as f64;
        let padded = |size: i32| match self.pad {
            0 => size,
            pad => size.signum() * (size.abs() + pad - 1) / pad * pad,
        };
        let time = |ns: u64| (ns as f64 * self.stretch) as u64;
        let mut packets: Vec<(u64, i32)> = trace.packets().map(|(ns, size)| (time(ns), padded(size))).collect();
        let end = packets.last().map_or(0, |packet| packet.0);
        let dummies = (packets.len() as f64 * self.dummies * (0.3 + 0.7 * share(0))) as u64;
        packets.extend((1..=dummies).map(|i| ((share(i) * end as f64) as u64, padded(-1072))));
        packets.sort_by_key(|packet| packet.0);
        let (times, sizes) = packets.into_iter().unzip();
        Trace::new(times, sizes).map_err(|error| Failure::Broken(error.to_string()))
    }
}

/// How to sign in to what [`fill`] made.
#[derive(Debug, Clone)]
pub struct SignIns {
    /// The name of the organiser, and the secret of the link that sets a password.
    pub organiser: (String, String),
    /// Name and password of a player of each team.
    pub players: Vec<(String, String)>,
}

/// Fills an empty store. The clock of the application must be one that is set; it ends at the instant at which it stood.
///
/// # Errors
/// A store that is not empty, and what the system refuses.
pub async fn fill(app: &App) -> Result<SignIns, Failure> {
    if !matches!(app.world.clock, Clock::Set(_)) {
        return Err(Failure::Bad("A demo needs a clock that can be set.".to_owned()));
    }
    if accounts::count(&mut *app.store.read().await?).await? > 0 {
        return Err(Failure::Conflict("There are accounts already: a demo begins with an empty folder.".to_owned()));
    }
    let now = app.now();
    let set = read_defense(Source::bytes("sample.csv.zip", SAMPLE), &ReadLimits::OWN)
        .map_err(|error| Failure::Broken(error.to_string()))?;
    let begin = now - 18 * DAY;
    app.world.clock.set(begin - DAY);
    acts::make_organiser(app, "the demo", "organiser", "organiser@example.org").await?;
    let players = players(app).await?;
    let mut tx = app.store.write().await?;
    settings::announce(&mut tx, &app.world.id(), begin, "Welcome. The first round is for trying things out.").await?;
    tx.commit().await?;

    let schedule = [
        ("Warm-up", begin, [0, DAY, 4 * DAY, 7 * DAY], Profile::Srs2022),
        ("First blood", begin + 7 * DAY, [0, DAY, 4 * DAY, 8 * DAY], Profile::Balanced),
        ("The long way home", begin + 15 * DAY, [0, DAY, 2 * DAY + 12 * HOUR, 6 * DAY], Profile::Balanced),
    ];
    for (number, (name, at, [opens, defence, attack, closes], profile)) in (1..).zip(schedule) {
        let settings = Settings {
            rules: Rules { classes: CLASSES, reps_mean: 20, deviation: 1, min_packets: 5 },
            test_traces: 60,
            matches_per_team: 3,
            profile,
            ..Settings::default()
        };
        let round = Round {
            id: app.world.id(),
            number,
            name: name.to_owned(),
            opens_at: at + opens,
            defence_at: at + defence,
            attack_at: at + attack,
            closes_at: at + closes,
            settings,
            seed: number * 2022,
            settled_at: None,
        };
        acts::save_round(app, "organiser", &round).await?;
        acts::set_baseline(app, "organiser", &round, SAMPLE.to_vec()).await?;
        play(app, &round, &players, &set, now).await?;
    }
    app.world.clock.set(now);
    settle_due(app).await?;
    // A link of then would be too old by now.
    let organiser = acts::reset_link(app, "the demo", "organiser").await?;
    let players = players.into_iter().map(|player| (player.person.name, player.password)).collect();
    Ok(SignIns { organiser: ("organiser".to_owned(), organiser), players })
}

struct Player {
    person: Person,
    password: String,
    team: Team,
}

async fn players(app: &App) -> Result<Vec<Player>, Failure> {
    let mut players = Vec::new();
    for (number, (team, _)) in (1..).zip(TEAMS) {
        let mut first: Option<Player> = None;
        for seat in ["a", "b"] {
            let name = format!("player-{number}{seat}");
            let password = app.world.code();
            let newcomer = Newcomer {
                name: name.clone(),
                email: format!("{name}@example.org"),
                password: password.clone(),
                again: password.clone(),
                code: String::new(),
            };
            let person = acts::register(app, &newcomer, "the demo").await?;
            match &first {
                None => {
                    let team = acts::create_team(app, &person, team).await?;
                    first = Some(Player { person, password, team });
                }
                Some(founder) => {
                    acts::join_team(app, &person, &founder.team.code).await?;
                }
            }
        }
        players.extend(first);
    }
    Ok(players)
}

/// Plays a round as far as time allows.
async fn play(app: &App, round: &Round, players: &[Player], set: &TraceSet, now: Millis) -> Result<(), Failure> {
    let folder = app.files.incoming(&app.world.id());
    std::fs::create_dir_all(&folder)?;
    app.world.clock.set(round.defence_at + HOUR);
    for (index, player) in players.iter().enumerate() {
        let defence = TEAMS[index].1;
        // Teams get better at what they do.
        let stronger = Defence { dummies: defence.dummies * (1.0 + 0.3 * (round.number - 1) as f64), ..defence };
        let traces = stronger.apply(set, mix(round.seed as u64, index as u64))?;
        let path = folder.join("defence.csv.zip");
        wfkit_competition::export_defense(&traces, &path, &round.settings.rules)
            .map_err(|error| Failure::Broken(error.to_string()))?;
        upload(app, player, round, Kind::Defence, std::fs::read(&path)?).await?;
        let passed = app.now() + HOUR / 4;
        app.world.clock.set(passed);
    }
    drain(app).await?;
    app.world.clock.set(round.attack_at);
    settle_due(app).await?;

    let settled = rounds::by_id(&mut *app.store.read().await?, &round.id).await?.ok_or(Failure::NotFound)?;
    for (index, player) in players.iter().enumerate() {
        app.world.clock.set(round.attack_at + HOUR * (2 + index as Millis));
        // The last one has not attacked yet where the round still runs.
        if settled.phase(now) == Phase::Attack && index + 1 == players.len() {
            continue;
        }
        let file = attack(app, &settled, player, index, &folder).await?;
        upload(app, player, &settled, Kind::Attack, file).await?;
    }
    drain(app).await?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

async fn attack(
    app: &App,
    round: &Round,
    player: &Player,
    skill: usize,
    folder: &std::path::Path,
) -> Result<Vec<u8>, Failure> {
    let broken = |error: &dyn std::fmt::Display| Failure::Broken(error.to_string());
    let targets = acts::targets(&mut *app.store.read().await?, round, &player.team.id).await?;
    let mut made: Vec<(u64, Vec<i64>, Probabilities)> = Vec::new();
    for target in targets {
        let part = |part: &str| app.files.part(&target.defence, target.team.number, part);
        let limits = &ReadLimits::OWN;
        let train = read_defense(&part("train"), limits).map_err(|error| broken(&error))?;
        let test = read_captures(&part("test"), limits).map_err(|error| broken(&error))?;
        let certain = predict(&train, &test, skill.is_multiple_of(2))?;
        // Some teams are less sure of themselves, and guess at times.
        let doubt = 0.12 * skill as f64;
        let noise =
            |row: usize, class: usize| mix(mix(round.seed as u64, row as u64), class as u64) as f64 / u64::MAX as f64;
        let mut values = certain.values().to_owned();
        for ((row, class), value) in values.indexed_iter_mut() {
            *value = (1.0 - doubt) * *value + doubt * noise(row, class);
        }
        for mut row in values.rows_mut() {
            let sum = row.sum();
            row.mapv_inplace(|value| value / sum);
        }
        let probabilities = Probabilities::new(certain.classes().clone(), values).map_err(|error| broken(&error))?;
        made.push((target.team.number as u64, capture_ids(&test), probabilities));
    }
    let predictions: Vec<Prediction<'_>> = made
        .iter()
        .map(|(team_id, capture_ids, probabilities)| Prediction { team_id: *team_id, capture_ids, probabilities })
        .collect();
    let path = folder.join("attack.csv.zip");
    write_attack(&predictions, CLASSES, &path).map_err(|error| broken(&error))?;
    Ok(std::fs::read(&path)?)
}

async fn upload(app: &App, player: &Player, round: &Round, kind: Kind, file: Vec<u8>) -> Result<(), Failure> {
    let stream = stream::iter([Ok::<Bytes, std::io::Error>(Bytes::from(file))]);
    let received = acts::receive(app, stream).await?;
    acts::submit(app, &player.person, &player.team, round, kind, None, received).await?;
    Ok(())
}
