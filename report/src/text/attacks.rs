//! The attacks that have names.

use std::fmt::Write as _;

use wfkit_classify::{AttackInfo, every_attack};

use super::{Entry, Text};

/// What each does, what it is for, what it costs and where it is from.
pub fn attacks() -> Text {
    let entry = |attack: &AttackInfo| {
        let aliases = attack.aliases.iter().map(|alias| format!(", or {alias}")).collect::<String>();
        let said =
            [("what", attack.description), ("use", attack.purpose), ("cost", attack.cost), ("source", attack.source)];
        Entry {
            name: format!("{}{aliases}", attack.name),
            said: said.map(|(label, said)| (label, said.to_owned())).into(),
        }
    };
    let mut text = Text::new();
    text.entries(every_attack().iter().map(entry));
    text.line("\nCost is that of training, where kfp-175 is 1. Beside these, feature sets make an attack: --attack kfp-core,cumul.");
    text
}

/// Their names with a few words each, a line an attack.
pub fn attack_names() -> String {
    let mut text = String::from("Attacks:\n");
    for attack in every_attack() {
        let aliases = attack.aliases.iter().map(|alias| format!(" ({alias})")).collect::<String>();
        let name = format!("{}{aliases}", attack.name);
        let _ = writeln!(text, "  {name:<22} {}", attack.description); // Writing to a string does not fail.
    }
    text.push_str(
        "  SET+SET                a forest of 100 trees over these feature sets together, such as kfp-size+cumul\n",
    );
    text
}
