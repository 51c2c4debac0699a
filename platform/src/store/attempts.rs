//! How often something was tried, over all processes and restarts.

use super::Conn;
use crate::world::counted;
use crate::{Failure, Millis};

/// A limit: so many in so long.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// What is counted.
    pub what: &'static str,
    /// So many.
    pub most: i64,
    /// In so long.
    pub window: Millis,
}

const MINUTE: Millis = 60_000;

/// Wrong passwords of one account.
pub const WRONG_PASSWORDS: Rate = Rate { what: "wrong password", most: 10, window: 15 * MINUTE };
/// Sign-ins from one address, right or wrong: a course behind one gateway fits in.
pub const SIGN_INS: Rate = Rate { what: "sign in", most: 100, window: 5 * MINUTE };
/// Accounts made from one address.
pub const REGISTRATIONS: Rate = Rate { what: "register", most: 60, window: 60 * MINUTE };
/// Codes that were wrong, of one account or address.
pub const WRONG_CODES: Rate = Rate { what: "wrong code", most: 10, window: 15 * MINUTE };
/// Mails that somebody asked for, for one account or from one address.
pub const MAIL: Rate = Rate { what: "mail", most: 10, window: 60 * MINUTE };
/// Uploads of one account, whatever becomes of them; what a round allows is counted apart.
pub const UPLOADS: Rate = Rate { what: "upload", most: 120, window: 5 * MINUTE };

/// Files that an account has checked without uploading them.
pub const TRIALS: Rate = Rate { what: "file to try", most: 10, window: 10 * MINUTE };

/// Whether one more would be too many.
pub async fn check(conn: &mut Conn, rate: Rate, who: &str, now: Millis) -> Result<(), Failure> {
    let (count, first): (i64, Option<i64>) =
        sqlx::query_as("SELECT COUNT(*), MIN(at) FROM attempt WHERE what = $1 AND who = $2 AND at > $3")
            .bind(rate.what)
            .bind(who)
            .bind(now - rate.window)
            .fetch_one(conn)
            .await?;
    if count < rate.most {
        return Ok(());
    }
    let again_at = first.unwrap_or(now) + rate.window;
    let [minutes, window] =
        [(again_at - now).max(0) / MINUTE + 1, rate.window / MINUTE].map(|minutes| counted(minutes, "minute"));
    let detail = format!("No more than {} in {window} ({}). Try again in {minutes}.", rate.most, rate.what);
    Err(Failure::TooMany { detail, again_at })
}

/// Counts one.
pub async fn record(conn: &mut Conn, rate: Rate, who: &str, now: Millis) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO attempt (what, who, at) VALUES ($1, $2, $3)")
        .bind(rate.what)
        .bind(who)
        .bind(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets those of one, as after a right password.
pub async fn forget(conn: &mut Conn, rate: Rate, who: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM attempt WHERE what = $1 AND who = $2").bind(rate.what).bind(who).execute(conn).await?;
    Ok(())
}

/// Forgets what no window reaches.
pub async fn prune(conn: &mut Conn, now: Millis) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM attempt WHERE at < $1").bind(now - 24 * 60 * MINUTE).execute(conn).await?;
    Ok(())
}
