//! Numbers with names as Markdown tables.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// A title over tables: the plain values of an object, then each list of objects in it, then each object in it under
/// its own title. Lists of objects are a row each.
pub(super) fn section(title: &str, value: &Value) -> String {
    let mut text = String::new();
    write_section(&mut text, 2, title, value);
    text
}

fn write_section(text: &mut String, level: usize, title: &str, value: &Value) {
    let heading = format!("\n{} {}\n\n", "#".repeat(level), title.replace('_', " "));
    match value {
        Value::Array(rows) => {
            text.push_str(&heading);
            write_rows(text, rows);
        }
        Value::Object(fields) => {
            text.push_str(&heading);
            let (plain, nested): (Vec<_>, Vec<_>) = fields.iter().partition(|(_, value)| cell(value).is_some());
            if !plain.is_empty() {
                let _ = writeln!(text, "| | |\n|---|---|"); // Writing to a string does not fail.
            }
            for (name, value) in plain {
                let _ = writeln!(text, "| {name} | {} |", cell(value).unwrap_or_default());
            }
            for (name, value) in nested {
                write_section(text, level + 1, name, value);
            }
        }
        _ => {}
    }
}

/// A table with a column for each name that some row has a plain value for.
fn write_rows(text: &mut String, rows: &[Value]) {
    let rows: Vec<Map<String, Value>> = rows.iter().filter_map(Value::as_object).map(flattened).collect();
    let mut columns: Vec<&String> = Vec::new();
    for (name, value) in rows.iter().flatten() {
        if cell(value).is_some() && name != "reason" && !columns.contains(&name) {
            columns.push(name);
        }
    }
    let names: Vec<&str> = columns.iter().map(|name| name.as_str()).collect();
    let _ = writeln!(text, "| {} |\n|{}", names.join(" | "), "---|".repeat(names.len()));
    for row in &rows {
        let cells: Vec<String> =
            columns.iter().map(|&name| row.get(name).and_then(cell).unwrap_or_else(|| "-".to_owned())).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
}

/// Fields of objects in the object under dotted names; intervals stay whole.
fn flattened(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut flat = Map::new();
    for (name, value) in fields {
        match value {
            Value::Object(inner) if cell(value).is_none() => {
                flat.extend(flattened(inner).into_iter().map(|(part, value)| (format!("{name}.{part}"), value)));
            }
            _ => {
                flat.insert(name.clone(), value.clone());
            }
        }
    }
    flat
}

/// A value that fits in a cell: an interval, too.
fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("-".to_owned()),
        Value::Bool(value) => Some(value.to_string()),
        Value::String(text) => Some(text.replace('|', "\\|")),
        Value::Number(number) if number.is_f64() => number.as_f64().map(decimal),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(fields) if fields.len() == 2 => match (fields.get("low")?.as_f64(), fields.get("high")?.as_f64())
        {
            (Some(low), Some(high)) => Some(format!("[{}, {}]", decimal(low), decimal(high))),
            _ => None,
        },
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn decimal(value: f64) -> String {
    if value != 0.0 && value.abs() < 5e-5 { format!("{value:.2e}") } else { format!("{value:.4}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_nested_becomes_tables() {
        let value = json!({
            "n": 3, "tpr_at": 0.25, "interval_95": { "low": 0.0, "high": 1e-9 },
            "rows": [{ "page": "a|b", "scores": { "auc": 0.5 } }, { "page": null, "reason": "none" }],
            "of_all": { "kind": "x" },
        });
        assert_eq!(
            section("open_world", &value),
            "\n## open world\n\n| | |\n|---|---|\n| n | 3 |\n| tpr_at | 0.2500 |\n| interval_95 | [0.0000, 1.00e-9] |\n\
             \n### rows\n\n| page | scores.auc |\n|---|---|\n| a\\|b | 0.5000 |\n| - | - |\n\
             \n### of all\n\n| | |\n|---|---|\n| kind | x |\n"
        );
    }
}
