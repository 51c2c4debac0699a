//! Connections through a client's tor: SOCKS version 5 (RFC 1928) with a user's name (RFC 1929), by which tor keeps streams of
//! different users on different circuits.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::tor::SOCKS_PORT;

/// Connecting to an onion service takes a second; a circuit that never answers is given up by tor after a minute.
const PATIENCE: Duration = Duration::from_secs(60);

/// Connects to `host`, which is not looked up here, as `user`. Tor listens on this
/// machine, or in the namespace of the calling thread.
///
/// # Errors
///
/// If tor is not there or does not get through.
pub fn connect(host: &str, port: u16, user: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, SOCKS_PORT))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    stream.write_all(&[5, 1, 2])?;
    expect(&mut stream, [5, 2], "tor takes no user name")?;
    let mut login = vec![1];
    for text in [user, "x"] {
        login.push(length(text)?);
        login.extend(text.bytes());
    }
    stream.write_all(&login)?;
    expect(&mut stream, [1, 0], "tor does not take this user")?;
    let mut request = vec![5, 1, 0, 3, length(host)?];
    request.extend(host.bytes());
    request.extend(port.to_be_bytes());
    stream.write_all(&request)?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer)?;
    if answer[1] != 0 {
        return Err(io::Error::other(format!("tor does not connect: {}", problem(answer[1]))));
    }
    let address = match answer[3] {
        1 => 4,
        4 => 16,
        _ => {
            let mut length = [0];
            stream.read_exact(&mut length)?;
            usize::from(length[0])
        }
    };
    stream.read_exact(&mut vec![0; address + 2])?;
    Ok(stream)
}

fn length(text: &str) -> io::Result<u8> {
    u8::try_from(text.len()).map_err(|_| io::Error::other("a name of more than 255 bytes"))
}

fn expect(stream: &mut TcpStream, expected: [u8; 2], problem: &str) -> io::Result<()> {
    let mut answer = [0; 2];
    stream.read_exact(&mut answer)?;
    if answer == expected { Ok(()) } else { Err(io::Error::other(problem)) }
}

fn problem(code: u8) -> String {
    match code {
        1 => "general failure".to_owned(),
        3 => "network unreachable".to_owned(),
        4 => "host unreachable".to_owned(),
        5 => "connection refused".to_owned(),
        6 => "timed out".to_owned(),
        code => format!("code {code:#04x}"),
    }
}
