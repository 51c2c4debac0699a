//! Help beyond the options, from the crates that have what it is about.

pub(crate) use wfkit_capture::live::{FILTERS_EXPLAINED as OF_LIVE, PLANS_EXPLAINED as OF_COLLECT};
pub(crate) use wfkit_competition::TOTAL_EXPLAINED as OF_TOTAL;
pub(crate) use wfkit_datasets::formats::COLUMNS_EXPLAINED as OF_CONVERT;
pub(crate) use wfkit_datasets::{FOLDS_EXPLAINED as OF_SPLIT, PROBABILITIES_EXPLAINED as OF_SCORE};
pub(crate) use wfkit_evaluate::{SHORTCUTS_EXPLAINED as OF_AUDIT, SWEEPS_EXPLAINED as OF_SWEEP};
pub(crate) use wfkit_report::text::{attack_names as of_attacks, defence_names as of_defences};

/// The attacks by name, and all of them.
pub(crate) fn of_evaluated_attacks() -> String {
    of_attacks()
        + "  all                    every attack above that takes these samples and is built, on the same splits: a table by log loss\n"
}

/// Where completions go, by shell.
pub(crate) const OF_COMPLETIONS: &str = "\
Such as:
  wfkit completions bash > ~/.local/share/bash-completion/completions/wfkit
  wfkit completions zsh > \"${fpath[1]}/_wfkit\"
  wfkit completions fish > ~/.config/fish/completions/wfkit.fish";
