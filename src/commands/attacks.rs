//! `wfkit attacks`: the attacks that have names.

use anyhow::Result;
use wfkit_classify::{AttackInfo, every_attack};

use crate::context::Context;
use crate::printer::Entry;

pub(crate) fn run(context: &Context<'_>) -> Result<()> {
    if context.printer.is_json() {
        return context.printer.document(&every_attack());
    }
    let entry = |attack: &AttackInfo| {
        let aliases = attack.aliases.iter().map(|alias| format!(", or {alias}")).collect::<String>();
        let said =
            [("what", attack.description), ("use", attack.purpose), ("cost", attack.cost), ("source", attack.source)];
        Entry {
            name: format!("{}{aliases}", attack.name),
            said: said.map(|(label, said)| (label, said.to_owned())).into(),
        }
    };
    context.printer.entries(&every_attack().iter().map(entry).collect::<Vec<_>>())?;
    context.printer.line("\nCost is that of training, where kfp-175 is 1. Beside these, feature sets make an attack: --attack kfp-core,cumul.")
}
