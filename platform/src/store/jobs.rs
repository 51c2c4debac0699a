//! Jobs: work that is to be done, whatever its kind, until it has ended. That there is one follows from other tables ([`want`]); the queue
//! hands them out by their ids, maybe more than once, and of those who begin one only the last counts when it ends.

use super::Conn;
use super::paging::{self, Ask, Expression, Listed, Paged};
use super::submissions::RECORDING;
use crate::{Millis, World};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A submission is checked and scored.
    Check,
    /// As [`Self::Check`], of one that the laboratory records first.
    Record,
    /// An attacker of the house attacks a defence.
    House,
    /// A submission is checked and scored beside what counts.
    Rejudge,
    /// A mail is sent.
    Mail,
}

impl Kind {
    const EACH: [Self; 5] = [Self::Check, Self::Record, Self::House, Self::Rejudge, Self::Mail];

    fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Record => "record",
            Self::House => "house",
            Self::Rejudge => "rejudge",
            Self::Mail => "mail",
        }
    }

    /// What teams wait for comes before attacks of the house, and these before rejudgings.
    fn priority(self) -> i64 {
        match self {
            Self::Mail | Self::Check | Self::Record => 2,
            Self::House => 1,
            Self::Rejudge => 0,
        }
    }
}

/// A piece of work.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Job {
    /// Its id: another one when the same work is wanted again.
    pub id: String,
    kind: String,
    /// The submission, or the mail.
    pub subject: String,
    /// The attacker of the house, or the rejudging; else empty.
    pub object: String,
    /// The larger, the earlier.
    pub priority: i64,
    /// Its place among those of its priority; of a mail also when it may be sent.
    pub due_at: Millis,
    /// How often it was begun.
    pub attempts: i64,
}

impl Job {
    /// What is to be done; none of a version that knows more.
    pub fn kind(&self) -> Option<Kind> {
        Kind::EACH.into_iter().find(|kind| kind.name() == self.kind)
    }
}

/// A piece of work, for organisers.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct JobLine {
    /// `check`, `record`, `house`, `rejudge` or `mail`.
    pub kind: String,
    /// The submission, or the mail.
    pub subject: String,
    /// The attacker of the house, or the rejudging; else empty.
    pub object: String,
    /// Since when it waits; of a mail when it may be sent.
    pub due_at: Millis,
    /// How often it was begun.
    pub attempts: i64,
    /// Whether somebody is at it: 0 or 1.
    pub begun: i64,
    /// Of which team a submission is.
    pub team: Option<String>,
}

/// What jobs are sorted by.
pub mod by {
    use super::Expression;

    /// What is to be done.
    pub const KIND: Expression = Expression::text("job.kind");
    /// Since when.
    pub const DUE: Expression = Expression::number("job.due_at");
    /// How often it was begun.
    pub const ATTEMPTS: Expression = Expression::number("job.attempts");
    /// Whether somebody is at it.
    pub const STATE: Expression = Expression::number("CAST(CASE WHEN job.worker IS NULL THEN 0 ELSE 1 END AS BIGINT)");
    /// The name of the team.
    pub const TEAM: Expression = Expression::text("COALESCE(team.name_key, '')");
}

/// A page of all that is to be done.
pub async fn page(conn: &mut Conn, ask: &Ask<Expression>) -> sqlx::Result<Paged<JobLine>> {
    let list = Listed {
        columns: "job.kind, job.subject, job.object, job.due_at, job.attempts,
                  CAST(CASE WHEN job.worker IS NULL THEN 0 ELSE 1 END AS BIGINT) AS begun, team.name AS team",
        from: "job LEFT JOIN submission ON submission.id = job.subject LEFT JOIN team ON team.id = submission.team_id",
        id: "job.id",
        filter: "1 = 1",
        values: &[],
    };
    paging::page(conn, list, ask).await
}

const COLUMNS: &str = "id, kind, subject, object, priority, due_at, attempts";

fn select(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM job {rest}"))
}

/// Work that other tables say is to be done and that has no job: its kind, subject, object, and since when, or when it is due.
const WANTED: &str = "
    SELECT CASE WHEN file_name = $1 THEN 'record' ELSE 'check' END, id, '', received_at FROM submission
    WHERE state IN ('queued', 'running')
    AND NOT EXISTS (SELECT 1 FROM job WHERE job.subject = submission.id AND job.kind IN ('check', 'record'))
    UNION ALL SELECT 'house', submission_id, attacker, queued_at FROM house
    WHERE state IN ('queued', 'running')
    AND NOT EXISTS (SELECT 1 FROM job WHERE job.kind = 'house' AND job.subject = house.submission_id AND job.object = house.attacker)
    UNION ALL SELECT 'rejudge', rejudged.submission_id, rejudging.id, rejudging.created_at
    FROM rejudged JOIN rejudging ON rejudging.id = rejudged.rejudging_id
    WHERE rejudging.state = 'open' AND rejudged.state IS NULL
    AND NOT EXISTS (SELECT 1 FROM job WHERE job.kind = 'rejudge' AND job.subject = rejudged.submission_id AND job.object = rejudging.id)
    UNION ALL SELECT 'mail', id, '', next_at FROM mail
    WHERE sent_at IS NULL AND attempts < $2
    AND NOT EXISTS (SELECT 1 FROM job WHERE job.kind = 'mail' AND job.subject = mail.id)";

/// Makes a job of all that is to be done and has none; how many. To be called in every transaction after which there is more to do.
pub async fn want(conn: &mut Conn, world: &World) -> sqlx::Result<usize> {
    let mut wanted: Vec<(String, String, String, Millis)> =
        sqlx::query_as(WANTED).bind(RECORDING).bind(super::mail::MOST_ATTEMPTS).fetch_all(&mut *conn).await?;
    wanted.sort_by(|a, b| (a.3, &a.1, &a.2).cmp(&(b.3, &b.1, &b.2)));
    for (kind, subject, object, due_at) in &wanted {
        let priority = Kind::EACH.into_iter().find(|one| one.name() == kind).map_or(0, Kind::priority);
        sqlx::query(
            "INSERT INTO job (id, kind, subject, object, priority, due_at, handed, attempts) VALUES ($1, $2, $3, $4, $5, $6, 0, 0)",
        )
        .bind(world.id())
        .bind(kind)
        .bind(subject)
        .bind(object)
        .bind(priority)
        .bind(due_at)
        .execute(&mut *conn)
        .await?;
    }
    Ok(wanted.len())
}

/// Nothing of some kinds is to be done with a subject any more: whoever is at it comes too late.
pub async fn unwant(conn: &mut Conn, kinds: &[Kind], subject: &str) -> sqlx::Result<()> {
    for kind in kinds {
        sqlx::query("DELETE FROM job WHERE kind = $1 AND subject = $2")
            .bind(kind.name())
            .bind(subject)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Nothing is to be done for a rejudging any more.
pub async fn unwant_rejudging(conn: &mut Conn, rejudging: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM job WHERE kind = 'rejudge' AND object = $1").bind(rejudging).execute(conn).await?;
    Ok(())
}

/// No mail has a job any more, until they are wanted anew.
pub async fn unwant_mail(conn: &mut Conn) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM job WHERE kind = 'mail'").execute(conn).await?;
    Ok(())
}

/// A worker begins one, whoever had it before; none where it has ended.
pub async fn begin(conn: &mut Conn, id: &str, worker: &str) -> sqlx::Result<Option<Job>> {
    let sql = format!("UPDATE job SET worker = $1, attempts = attempts + 1 WHERE id = $2 RETURNING {COLUMNS}");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(worker).bind(id).fetch_optional(conn).await
}

/// A worker ends one; false where it has ended, or where somebody else has begun it meanwhile, whose end then counts.
pub async fn end(conn: &mut Conn, id: &str, worker: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("DELETE FROM job WHERE id = $1 AND worker = $2").bind(id).bind(worker).execute(conn).await?;
    Ok(done.rows_affected() > 0)
}

/// Those that the queue does not know of yet, in the order in which they are to be done.
pub async fn not_handed(conn: &mut Conn) -> sqlx::Result<Vec<Job>> {
    sqlx::query_as(select("WHERE handed = 0 ORDER BY priority DESC, due_at, subject, object")).fetch_all(conn).await
}

/// The queue knows of one.
pub async fn handed(conn: &mut Conn, id: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE job SET handed = 1 WHERE id = $1").bind(id).execute(conn).await?;
    Ok(())
}

/// Ids of those that the queue was told of.
pub async fn known(conn: &mut Conn) -> sqlx::Result<Vec<String>> {
    let rows: Vec<(String,)> = sqlx::query_as("SELECT id FROM job WHERE handed = 1").fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// One that the queue has lost is to be told of anew, under another id.
pub async fn renew(conn: &mut Conn, id: &str, new: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE job SET id = $1, handed = 0 WHERE id = $2").bind(new).bind(id).execute(conn).await?;
    Ok(())
}

/// The first of some kinds that nobody has begun; mail where it is due.
pub async fn next(conn: &mut Conn, now: Millis, kinds: &[Kind]) -> sqlx::Result<Option<Job>> {
    let names: Vec<String> = kinds.iter().map(|kind| format!("'{}'", kind.name())).collect();
    let rest = format!(
        "WHERE worker IS NULL AND kind IN ({}) AND (kind <> 'mail' OR due_at <= $1)
         ORDER BY priority DESC, due_at, subject, object LIMIT 1",
        names.join(", ")
    );
    sqlx::query_as(select(&rest)).bind(now).fetch_optional(conn).await
}

/// The one with which a submission is checked.
pub async fn of_check(conn: &mut Conn, submission: &str) -> sqlx::Result<Option<Job>> {
    sqlx::query_as(select("WHERE subject = $1 AND kind IN ('check', 'record')"))
        .bind(submission)
        .fetch_optional(conn)
        .await
}

/// The one with which an attacker of the house attacks a defence.
pub async fn of_house(conn: &mut Conn, submission: &str, attacker: &str) -> sqlx::Result<Option<Job>> {
    sqlx::query_as(select("WHERE kind = 'house' AND subject = $1 AND object = $2"))
        .bind(submission)
        .bind(attacker)
        .fetch_optional(conn)
        .await
}

/// Whether a check waits that nobody has begun.
pub async fn check_waits(conn: &mut Conn) -> sqlx::Result<bool> {
    let (waiting,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM job WHERE kind = 'check' AND worker IS NULL").fetch_one(conn).await?;
    Ok(waiting > 0)
}
