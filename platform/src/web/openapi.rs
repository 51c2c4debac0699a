//! The API in the words of OpenAPI 3.1, made from the table of routes so that it cannot leave one out.

use axum::Json;
use serde_json::{Map, Value, json};

use super::routes::route_table;

/// What a route of the API does, and the status of its success.
fn about(path: &str) -> (&'static str, &'static str) {
    match path.trim_start_matches("/api/v1") {
        "/openapi.json" => ("This document", "200"),
        "/me" => ("The account of the token, and its team", "200"),
        "/rounds" => ("All rounds that are announced", "200"),
        "/rounds/{round}" => ("A round: phase, times, rules, and the uploads that are left", "200"),
        "/rounds/{round}/defences" => ("Upload a defence: the body is the file, .csv or .csv.zip", "201"),
        "/rounds/{round}/attacks" => ("Upload an attack: the body is the file; `team` for one opponent only", "201"),
        "/rounds/{round}/targets" => ("The teams to attack", "200"),
        "/rounds/{round}/targets/{team}/{part}" => ("A file of a team to attack: train.csv.zip or test.csv.zip", "200"),
        "/rounds/{round}/leaderboard" => ("The board of a round, as the token may see it", "200"),
        "/rounds/{round}/matrix" => ("Who did how well against whom", "200"),
        "/leaderboard" => ("The board over all rounds", "200"),
        "/submissions" => ("The submissions of the team, newest first", "200"),
        "/submissions/{id}" => ("A submission: state, problems, scores", "200"),
        "/submissions/{id}/file" => ("The file of a submission", "200"),
        _ => ("", "200"),
    }
}

pub(crate) async fn document() -> Json<Value> {
    let mut paths = Map::new();
    for route in route_table().into_iter().filter(|route| route.path.starts_with("/api/")) {
        let (summary, success) = about(route.path);
        let names = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let mut parameters: Vec<Value> = names
            .map(|name| {
                let schema = match name {
                    "round" | "team" => {
                        json!({ "type": "integer", "minimum": 1, "maximum": 1_000_000_000, "format": "int64" })
                    }
                    "part" => json!({ "type": "string", "enum": ["train.csv.zip", "test.csv.zip"] }),
                    _ => json!({ "type": "string", "pattern": "^[a-z2-9]{16}$" }),
                };
                json!({ "name": name, "in": "path", "required": true, "schema": schema })
            })
            .collect();
        let problem = |what: &str| {
            let schema = json!({ "schema": { "$ref": "#/components/schemas/Problem" } });
            json!({ "description": what, "content": { "application/problem+json": schema } })
        };
        let mut responses = json!({
            success: { "description": "Done" },
            "404": problem("Not there, or not for this token"),
        });
        if !parameters.is_empty() {
            responses["400"] = problem("A number that is none, or an upload that broke off");
        }
        if route.path.ends_with("/leaderboard") || route.path.ends_with("/matrix") {
            responses["403"] = problem("The organisers do not show scores of this round now");
        }
        let mut operation = json!({ "summary": summary, "operationId": format!("{}{}", route.method.to_lowercase(), route.path.replace(['/', '{', '}', '.'], "_")) });
        if route.need != "anyone" {
            operation["security"] = json!([{ "token": [] }]);
            responses["401"] = problem("No token, or one that does not work");
            responses["403"] = problem("Not for this account");
        }
        if route.method == "POST" {
            let octets = json!({ "schema": { "type": "string", "format": "binary" } });
            operation["requestBody"] = json!({ "required": true, "content": { "application/octet-stream": octets } });
            responses["200"] = json!({ "description": "The same file was here already" });
            responses["409"] = problem("Not in this phase");
            responses["413"] = problem("Too large");
            responses["422"] = problem("A field is wrong");
            responses["429"] = problem("No upload is left; `again_at` says when one is");
            if route.path.ends_with("/attacks") {
                parameters
                    .push(json!({ "name": "team", "in": "query", "required": false, "schema": { "type": "integer" } }));
            }
        }
        operation["parameters"] = parameters.into();
        operation["responses"] = responses;
        let entry = paths.entry(route.path.to_owned()).or_insert_with(|| json!({}));
        entry[route.method.to_lowercase()] = operation;
    }
    Json(json!({
        "openapi": "3.1.0",
        "info": { "title": "Competition", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": { "Problem": {
                "type": "object",
                "required": ["type", "title", "status", "detail"],
                "properties": {
                    "type": { "type": "string" },
                    "title": { "type": "string" },
                    "status": { "type": "integer" },
                    "detail": { "type": "string" },
                    "errors": { "type": "object", "additionalProperties": { "type": "string" } },
                    "again_at": { "type": "string", "format": "date-time" }
                }
            } }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_of_the_api_is_described() {
        for route in route_table().into_iter().filter(|route| route.path.starts_with("/api/")) {
            assert!(!about(route.path).0.is_empty(), "{}", route.path);
        }
    }
}
