//! Help that lists what there is, from the crates that have it.

use std::fmt::Write as _;

use wfkit_classify::attacks;
use wfkit_defend::list;

/// The attacks by name.
pub(crate) fn of_attacks() -> String {
    let mut text = String::from("Attacks:\n");
    for attack in attacks() {
        let aliases = attack.aliases.iter().map(|alias| format!(" ({alias})")).collect::<String>();
        let name = format!("{}{aliases}", attack.name);
        let _ = writeln!(text, "  {name:<22} {}", attack.description);
    }
    text.push_str(
        "  SET,SET                a forest of 100 trees over these feature sets together, such as kfp-size,cumul\n",
    );
    text
}

/// The defences, their presets and parameters.
pub(crate) fn of_defences() -> String {
    let mut text = String::from(
        "Defences, written name[:preset][,key=value], layers joined by + (front:ft-1,w-max=7s+pad:mtu):\n",
    );
    for defence in list() {
        let _ = writeln!(text, "\n  {}: {}\n    source: {}", defence.name, defence.summary, defence.source);
        for preset in defence.presets {
            let _ = writeln!(text, "    {}:{}  {}", defence.name, preset.name, preset.summary);
            for parameter in preset.parameters {
                let _ = writeln!(text, "      {}={}  {}", parameter.key, parameter.default, parameter.meaning);
            }
        }
        for caveat in defence.caveats {
            let _ = writeln!(text, "    note: {caveat}");
        }
    }
    text
}
