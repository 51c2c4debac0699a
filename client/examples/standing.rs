//! What stands on a competition server: `cargo run --release -p wfkit-client --example standing -- http://127.0.0.1:8080 alice PASSWORD`
//! (`wfkit-platform demo` starts one with teams and rounds).

use wfkit_client::Competition;

#[expect(clippy::print_stdout, reason = "an example")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, name, password] = &arguments[..] else { return Err("give a server, a name and a password".into()) };
    let client = Competition::at(server)?.sign_in(name, password)?;
    for round in client.rounds()? {
        println!("{round:?}");
    }
    Ok(())
}
