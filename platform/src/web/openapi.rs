//! The API in the words of OpenAPI 3.1, made from the table of routes so that it cannot leave one out.

use axum::Json;
use serde_json::{Map, Value, json};

use super::pages::{matches, submissions};
use super::routes::route_table;
use super::table::{MOST, names};

/// What a route of the API takes as its body.
enum Takes {
    Nothing,
    /// The bytes of a file.
    File,
    /// A document of texts: those that must be there, and those that may.
    Texts(&'static [&'static str], &'static [&'static str]),
}

/// What a route of the API does, the status of its success, and what it takes.
fn about(post: bool, path: &str) -> (&'static str, &'static str, Takes) {
    use Takes::{File, Nothing, Texts};
    match path.trim_start_matches("/api/v1") {
        "/tokens" if post => ("Make a token, which is shown once", "201", Texts(&["label"], &[])),
        "/tokens" => ("The tokens of the account, without their secrets", "200", Nothing),
        "/openapi.json" => ("This document", "200", Nothing),
        "/register" => (
            "Make an account, and a token for the program that asks",
            "201",
            Texts(&["name", "email", "password"], &["code"]),
        ),
        "/sign-in" => ("A token for the program that asks", "201", Texts(&["name", "password"], &[])),
        "/sign-out" => ("End the token", "200", Nothing),
        "/password" => (
            "Change the password: all sessions and tokens end, and there is a new token",
            "201",
            Texts(&["old", "password"], &[]),
        ),
        "/forgot" => ("Have a link for a new password sent to the address of an account", "200", Texts(&["who"], &[])),
        "/welcome" => {
            ("Set a password by the secret at the end of such a link", "200", Texts(&["secret", "password"], &[]))
        }
        "/confirm" => {
            ("Confirm an address by the secret at the end of the link that went there", "200", Texts(&["secret"], &[]))
        }
        "/confirm-again" => ("Have that link sent again", "200", Nothing),
        "/tokens/{id}/revoke" => ("Have a token no longer work", "200", Nothing),
        "/announcements" => ("What the organisers announced, newest first", "200", Nothing),
        "/me" => ("The account of the token, and its team", "200", Nothing),
        "/teams" => ("All teams; with names of players for those who are signed in", "200", Nothing),
        "/team" => ("The own team, with the code that lets others in", "200", Nothing),
        "/team/create" => ("Make a team, with the account in it", "201", Texts(&["name"], &[])),
        "/team/join" => ("Join the team of a code", "200", Texts(&["code"], &[])),
        "/team/leave" => ("Leave the team", "200", Nothing),
        "/team/code" => ("Give the team another code; the old one no longer works", "200", Nothing),
        "/rounds" => ("All rounds that are announced", "200", Nothing),
        "/rounds/{round}" => ("A round: phase, times, rules, and the uploads that are left", "200", Nothing),
        "/rounds/{round}/defences" => ("Upload a defence: the body is the file, .csv or .csv.zip", "201", File),
        "/rounds/{round}/specifications" => {
            ("A defence as a specification, which the server runs", "201", Texts(&["specification"], &[]))
        }
        "/rounds/{round}/recordings" => {
            ("A defence of SecretStroll in TOML, which the laboratory records", "201", Texts(&["recording"], &[]))
        }
        "/rounds/{round}/attacks" => {
            ("Upload an attack: the body is the file; `team` for one opponent only", "201", File)
        }
        "/rounds/{round}/targets" => ("The teams to attack", "200", Nothing),
        "/rounds/{round}/targets/{team}/{part}" => {
            ("A file of a team to attack: train.csv.zip or test.csv.zip", "200", Nothing)
        }
        "/rounds/{round}/leaderboard" => ("The board of a round, as the token may see it", "200", Nothing),
        "/rounds/{round}/matches" => ("Who attacks whom, how that stands, and the score that counts", "200", Nothing),
        "/rounds/{round}/matrix" => ("Who did how well against whom", "200", Nothing),
        "/leaderboard" => ("The board over all rounds", "200", Nothing),
        "/submissions" => ("The submissions of the team, newest first", "200", Nothing),
        "/submissions/{id}" => ("A submission: state, problems, scores", "200", Nothing),
        "/submissions/{id}/file" => ("The file of a submission", "200", Nothing),
        "/submissions/{id}/choose" => (
            "Have an earlier defence be the one that counts, or an earlier attack where the round leaves that to teams",
            "200",
            Nothing,
        ),
        _ => ("", "200", Nothing),
    }
}

/// What a list of the API is sorted by, and its filters with their schemas; none where a route is no list that goes on.
fn list_of(path: &str) -> Option<(Vec<&'static str>, Value)> {
    match path.trim_start_matches("/api/v1") {
        "/submissions" => Some((names(submissions::COLUMNS), json!({}))),
        "/rounds/{round}/matches" => Some((
            names(matches::COLUMNS),
            json!({ "team": { "type": "integer", "description": "Matches of the team of this number alone" } }),
        )),
        _ => None,
    }
}

/// The document of a list.
fn list_schema() -> Value {
    json!({
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": { "type": "array", "items": { "type": "object" } },
            "next": { "type": ["string", "null"], "description": "The path of the next page; also a Link header" }
        }
    })
}

/// A document of texts, as OpenAPI says it.
fn texts(required: &[&str], optional: &[&str]) -> Value {
    let names = required.iter().chain(optional);
    let properties: Map<String, Value> = names.map(|name| ((*name).to_owned(), json!({ "type": "string" }))).collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

pub(crate) async fn document() -> Json<Value> {
    let mut paths = Map::new();
    for route in route_table().into_iter().filter(|route| route.path.starts_with("/api/")) {
        let (summary, success, takes) = about(route.method == "POST", route.path);
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
            "503": problem("The server cannot answer now; Retry-After says when to try again"),
        });
        responses["401"] = problem("A token that does not work; without one it is for everybody");
        if !parameters.is_empty() {
            responses["400"] = problem("A number that is none, or an upload that broke off");
        }
        if route.path.ends_with("/leaderboard") || route.path.ends_with("/matrix") {
            responses["403"] = problem("The organisers do not show scores of this round now");
        }
        let mut operation = json!({ "summary": summary, "operationId": format!("{}{}", route.method.to_lowercase(), route.path.replace(['/', '{', '}', '.'], "_")) });
        if let Some((columns, filters)) = list_of(route.path) {
            let filters = filters.as_object().cloned().unwrap_or_default();
            let asked = [
                ("sort".to_owned(), json!({ "type": "string", "enum": columns })),
                ("order".to_owned(), json!({ "type": "string", "enum": ["asc", "desc"] })),
                ("limit".to_owned(), json!({ "type": "integer", "minimum": 1, "maximum": MOST })),
                ("after".to_owned(), json!({ "type": "string", "description": "Of `next`, with the same order" })),
            ];
            for (name, schema) in asked.into_iter().chain(filters) {
                parameters.push(json!({ "name": name, "in": "query", "required": false, "schema": schema }));
            }
            responses["200"]["content"] = json!({ "application/json": { "schema": list_schema() } });
            responses["400"] = problem("A column, an order, a limit or a cursor that is none");
        }
        if route.tagged {
            let tag =
                json!({ "name": "If-None-Match", "in": "header", "required": false, "schema": { "type": "string" } });
            parameters.push(tag);
            responses["304"] = json!({ "description": "Nothing is new since the answer of that ETag" });
        }
        if route.need != "anyone" {
            operation["security"] = json!([{ "token": [] }]);
            responses["401"] = problem("No token, or one that does not work");
            responses["403"] = problem("Not for this account");
        }
        if route.method == "POST" {
            responses["400"] = problem("A body that cannot be read");
            responses["403"] = problem("Not for this account, or asked with a cookie instead of a token");
            responses["409"] = problem("Not now");
            responses["422"] = problem("A field is wrong");
            responses["429"] = problem("Too often; `again_at` says when again");
        }
        let words = route.path.ends_with("/specifications") || route.path.ends_with("/recordings");
        if matches!(takes, Takes::File) || words {
            responses["200"] = json!({ "description": "The same was here already" });
        }
        match takes {
            Takes::Nothing => {}
            Takes::File => {
                let octets = json!({ "schema": { "type": "string", "format": "binary" } });
                operation["requestBody"] =
                    json!({ "required": true, "content": { "application/octet-stream": octets } });
                responses["413"] = problem("Too large");
            }
            Takes::Texts(required, optional) => {
                let body = json!({ "schema": texts(required, optional) });
                operation["requestBody"] = json!({ "required": true, "content": { "application/json": body } });
                responses["413"] = problem("Too large");
                responses["415"] = problem("Not a document of the type application/json");
            }
        }
        if route.path.ends_with("/attacks") {
            parameters
                .push(json!({ "name": "team", "in": "query", "required": false, "schema": { "type": "integer" } }));
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
            let (summary, _, takes) = about(route.method == "POST", route.path);
            assert!(!summary.is_empty(), "{}", route.path);
            assert!(
                route.method == "POST" || matches!(takes, Takes::Nothing),
                "{} is read, and takes nothing",
                route.path
            );
        }
    }
}
