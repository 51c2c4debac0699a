//! What nobody should see being typed.

use std::io::{BufRead as _, IsTerminal as _};

use anyhow::{Context as _, Result, bail};

/// Asked for without showing it, or a line of standard input where that is no terminal.
///
/// # Errors
/// A terminal that gives none, and an input without a line.
pub fn password(what: &str) -> Result<String> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password(format!("{what}: ")).context("the terminal gives no password");
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("standard input has no password")?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => bail!("no password: standard input is no terminal, and has no line with one"),
        password => Ok(password.to_owned()),
    }
}

/// On a terminal twice, since nobody sees it.
///
/// # Errors
/// As [`password`], and two that differ.
pub fn new_password() -> Result<String> {
    let new = password("New password")?;
    if std::io::stdin().is_terminal() && password("The same again")? != new {
        bail!("the passwords differ: nothing was sent");
    }
    Ok(new)
}
