//! Text -> expression.

use std::net::IpAddr;

use super::{Expression, Side};

const TCP: u8 = 6;
const UDP: u8 = 17;

/// The expression, `None` for no words at all; or what is wrong.
pub(super) fn parse(text: &str) -> Result<Option<Expression>, String> {
    let spaced =
        ["(", ")", "!", "&&", "||"].iter().fold(text.to_owned(), |text, sign| text.replace(sign, &format!(" {sign} ")));
    let mut words = Words { words: spaced.split_whitespace().collect(), at: 0, depth: 0 };
    if words.words.is_empty() {
        return Ok(None);
    }
    let expression = words.expression()?;
    match words.peek() {
        None => Ok(Some(expression)),
        Some(word) => Err(format!("`{word}` where `and`, `or` or the end is expected")),
    }
}

struct Words<'a> {
    words: Vec<&'a str>,
    at: usize,
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    And,
    Or,
}

impl<'a> Words<'a> {
    /// Parentheses and negations in each other: more are refused, as they would exhaust the stack.
    const MAX_DEPTH: usize = 50;

    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn next(&mut self, expected: &str) -> Result<&'a str, String> {
        let word = self.peek().ok_or_else(|| format!("ends where {expected} is expected"))?;
        self.at += 1;
        Ok(word)
    }

    fn take(&mut self, wanted: &[&str]) -> bool {
        let found = self.peek().is_some_and(|word| wanted.contains(&word));
        self.at += usize::from(found);
        found
    }

    fn expression(&mut self) -> Result<Expression, String> {
        let mut left = self.term()?;
        let mut before = None;
        loop {
            let joint = if self.take(&["and", "&&"]) {
                Joint::And
            } else if self.take(&["or", "||"]) {
                Joint::Or
            } else {
                return Ok(left);
            };
            if before.is_some_and(|before| before != joint) {
                return Err("`and` and `or` meet: say with parentheses which comes first".to_owned());
            }
            before = Some(joint);
            let (a, b) = (Box::new(left), Box::new(self.term()?));
            left = if joint == Joint::And { Expression::And(a, b) } else { Expression::Or(a, b) };
        }
    }

    fn term(&mut self) -> Result<Expression, String> {
        if self.depth == Self::MAX_DEPTH {
            return Err(format!("more than {} parentheses and negations in each other", Self::MAX_DEPTH));
        }
        self.depth += 1;
        let term = if self.take(&["not", "!"]) {
            Expression::Not(Box::new(self.term()?))
        } else if self.take(&["("]) {
            let inner = self.expression()?;
            match self.next("`)`")? {
                ")" => inner,
                word => return Err(format!("`{word}` where `)` is expected")),
            }
        } else {
            self.primitive()?
        };
        self.depth -= 1;
        Ok(term)
    }

    fn primitive(&mut self) -> Result<Expression, String> {
        let protocol = match self.peek() {
            Some("tcp") => Some(TCP),
            Some("udp") => Some(UDP),
            _ => None,
        };
        self.at += usize::from(protocol.is_some());
        let side = match self.peek() {
            Some("src") => Side::Source,
            Some("dst") => Side::Destination,
            _ => Side::Either,
        };
        self.at += usize::from(side != Side::Either);
        if self.take(&["port"]) {
            let port = self.next("a port")?;
            let port = port.parse().map_err(|_| format!("`{port}` is no port (a number to 65535)"))?;
            return Ok(Expression::Port { protocol, side, port });
        }
        match (protocol, side) {
            (Some(number), Side::Either) => return Ok(Expression::Protocol { v4: Some(number), v6: Some(number) }),
            (Some(_), _) => return Err("after `tcp` and `udp` only `port` has a `src` or `dst`".to_owned()),
            (None, _) => {}
        }
        if self.take(&["host"]) {
            let text = self.next("an address")?;
            let address: IpAddr = text.parse().map_err(|_| format!("`{text}` is no IP address"))?;
            let bits = if address.is_ipv4() { 32 } else { 128 };
            return Ok(Expression::Net { side, address, bits });
        }
        if self.take(&["net"]) {
            let text = self.next("a network")?;
            return net(side, text).ok_or_else(|| {
                format!("`{text}` is no network such as 10.0.0.0/8, with no bits set behind its prefix")
            });
        }
        let word = self.next("a test such as `tcp port 443`")?;
        if side != Side::Either {
            return Err(format!("`{word}` where `host`, `net` or `port` is expected"));
        }
        match word {
            "ip" => Ok(Expression::EtherType(0x0800)),
            "ip6" => Ok(Expression::EtherType(0x86dd)),
            "arp" => Ok(Expression::EtherType(0x0806)),
            "icmp" => Ok(Expression::Protocol { v4: Some(1), v6: None }),
            "icmp6" => Ok(Expression::Protocol { v4: None, v6: Some(58) }),
            word => Err(format!(
                "`{word}` is not known: tcp, udp, icmp, icmp6, ip, ip6, arp, port, host, net, src, dst, and, or, not are"
            )),
        }
    }
}

fn net(side: Side, text: &str) -> Option<Expression> {
    let (address, bits) = text.split_once('/')?;
    let (address, bits): (IpAddr, u8) = (address.parse().ok()?, bits.parse().ok()?);
    let behind_prefix = match address {
        IpAddr::V4(address) => address.to_bits().checked_shl(bits.into()).unwrap_or(0) != 0 || bits > 32,
        IpAddr::V6(address) => address.to_bits().checked_shl(bits.into()).unwrap_or(0) != 0 || bits > 128,
    };
    (!behind_prefix).then_some(Expression::Net { side, address, bits })
}
