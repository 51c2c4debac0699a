//! The attacks that have names.

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
