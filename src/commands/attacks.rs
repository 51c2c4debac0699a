//! `wfkit attacks`: the attacks that have names.

use anyhow::Result;
use wfkit_classify::every_attack;

use crate::context::Context;

pub(crate) fn run(context: &Context<'_>) -> Result<()> {
    if context.printer.is_json() {
        return context.printer.document(&every_attack());
    }
    let row = |attack: &wfkit_classify::AttackInfo| {
        let aliases = attack.aliases.iter().map(|alias| format!("\n({alias})")).collect::<String>();
        let name = format!("{}{aliases}", attack.name);
        [&*name, attack.description, attack.purpose, attack.cost, attack.source].map(str::to_owned)
    };
    let rows: Vec<_> = every_attack().iter().map(row).collect();
    context.printer.table(["attack", "what it does", "use", "cost, kfp-175 = 1", "source"], &rows)
}
