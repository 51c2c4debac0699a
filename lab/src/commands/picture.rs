//! One query as it passes several vantage points.

use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use wfkit_capture::Records;
use wfkit_lab::{Journal, Plan, Role, Row, Vantage, tor};

use crate::cli::Picture;
use crate::printer;

/// TCP payload that passed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Passed {
    /// Unix time, in ns.
    time_ns: i64,
    /// In bytes; towards the service is positive.
    bytes: i64,
}

/// What passed at a place.
struct Lane {
    name: String,
    packets: Vec<Passed>,
}

pub(crate) fn run(options: &Picture) -> anyhow::Result<ExitCode> {
    let plan = Journal::plan(&options.set)?;
    let row = row(options)?;
    let mut lanes = vec![Lane {
        name: format!("{}'s link to {}", row.client, row.guard),
        packets: packets(&options.set.join(&row.path), &to_service(&plan, &row, None)?)?,
    }];
    for &vantage in &plan.vantages {
        let name = match vantage {
            Vantage::Guard => format!("{}'s link to {}", row.guard, row.client),
            Vantage::Socks => "application to tor (SOCKS)".to_owned(),
            Vantage::Service => "the service's link to its guard".to_owned(),
            Vantage::Exit => "the exit's link to the server".to_owned(),
        };
        let path = options.set.join(vantage.folder()).join(&row.path);
        lanes.push(Lane { name, packets: packets(&path, &to_service(&plan, &row, Some(vantage))?)? });
    }
    // As the query passes them: the application, its tor, the guard, the service.
    if let Some(at) = plan.vantages.iter().position(|vantage| *vantage == Vantage::Socks) {
        lanes[..=at + 1].rotate_right(1);
    }
    let drawn = draw(&format!("class {}, rep {}, {}", row.class, row.rep, row.session), &lanes);
    fs::write(&options.out, drawn).with_context(|| options.out.display().to_string())?;
    for Lane { name, packets } in &lanes {
        let sum = |sign: i64| packets.iter().map(|packet| (packet.bytes * sign).max(0)).sum::<i64>();
        printer::line(&format!("{name:<32} {:>6} packets, {:>8} bytes up, {:>9} down", packets.len(), sum(1), sum(-1)));
    }
    printer::line(&format!("the picture is {}", options.out.display()));
    Ok(ExitCode::SUCCESS)
}

fn row(options: &Picture) -> anyhow::Result<Row> {
    let path = options.set.join("manifest.csv");
    let shown = || path.display().to_string();
    let mut reader = csv::Reader::from_path(&path).with_context(shown)?;
    let rows: Vec<Row> = reader.deserialize().collect::<Result<_, _>>().with_context(shown)?;
    let is_it = |row: &&Row| {
        options.class.as_ref().is_none_or(|class| *class == row.class) && options.rep.is_none_or(|rep| rep == row.rep)
    };
    match rows.iter().find(is_it) {
        Some(row) => Ok(row.clone()),
        None => bail!("{}: no such query among its {}; --class and --rep say which", shown(), rows.len()),
    }
}

/// What goes towards the service, at a place.
enum ToService {
    From(Ipv4Addr),
    To(Ipv4Addr),
    ToPort(u16),
}

fn to_service(plan: &Plan, row: &Row, vantage: Option<Vantage>) -> anyhow::Result<ToService> {
    let nodes = plan.network.nodes()?;
    let client = nodes.iter().find(|node| node.name == row.client).context("the client is not in the plan")?;
    let service = nodes.iter().find(|node| node.role == Role::Service).context("the plan has no service")?;
    Ok(match vantage {
        None | Some(Vantage::Guard) => ToService::From(client.address),
        Some(Vantage::Socks) => ToService::ToPort(tor::SOCKS_PORT),
        Some(Vantage::Service | Vantage::Exit) => ToService::To(service.address),
    })
}

fn packets(path: &Path, to_service: &ToService) -> anyhow::Result<Vec<Passed>> {
    let shown = || path.display().to_string();
    let mut records = Records::open(path).with_context(shown)?;
    let mut packets = Vec::new();
    while let Some(record) = records.next().with_context(shown)? {
        if let (Some(time_ns), Some(bytes)) = (record.time_ns, payload(record.data, to_service)) {
            packets.push(Passed { time_ns, bytes });
        }
    }
    Ok(packets)
}

/// Bytes of TCP payload of an Ethernet frame, signed; `None` where there are none.
fn payload(frame: &[u8], to_service: &ToService) -> Option<i64> {
    const ETHERNET: usize = 14;
    let ip = frame.get(ETHERNET..)?;
    let header = usize::from(ip.first()? & 15) * 4;
    let total = i64::from(u16::from_be_bytes([*ip.get(2)?, *ip.get(3)?]));
    let tcp = ip.get(header..)?;
    let bytes = total - header as i64 - i64::from(tcp.get(12)? >> 4) * 4;
    let address = |at: usize| Some(Ipv4Addr::new(*ip.get(at)?, *ip.get(at + 1)?, *ip.get(at + 2)?, *ip.get(at + 3)?));
    let is_up = match *to_service {
        ToService::From(from) => address(12)? == from,
        ToService::To(to) => address(16)? == to,
        ToService::ToPort(port) => u16::from_be_bytes([*tcp.get(2)?, *tcp.get(3)?]) == port,
    };
    (bytes > 0).then_some(if is_up { bytes } else { -bytes })
}

const WIDTH: f64 = 900.0;
const LANE: f64 = 120.0;
const LEFT: f64 = 60.0;
const TOP: f64 = 50.0;
/// For the labels of the time axis.
const BOTTOM: f64 = 40.0;

/// Payload of a full packet of Ethernet, in bytes; strokes of longer ones (there are some on loopback) are cut.
const FULL: f64 = 1448.0;

/// A lane a place, time from left to right; a stroke is a packet, as long as its payload: towards the service up, from it down.
fn draw(title: &str, lanes: &[Lane]) -> String {
    let all = || lanes.iter().flat_map(|lane| &lane.packets);
    let start = all().map(|packet| packet.time_ns).min().unwrap_or(0);
    let seconds = |packet: &Passed| (packet.time_ns - start) as f64 / 1e9;
    let end = all().map(seconds).fold(0.1, f64::max);
    let x = |seconds: f64| LEFT + (WIDTH - LEFT - 20.0) * seconds / end;
    let height = TOP + LANE * lanes.len() as f64 + BOTTOM;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"14\" font-weight=\"bold\">One query: {title}</text>\n\
         <text x=\"{LEFT}\" y=\"38\" fill=\"#444\">TCP payload a packet: \
         <tspan fill=\"#0072b2\">up, towards the service</tspan>, <tspan fill=\"#d55e00\">down, from it</tspan></text>\n"
    );
    for (lane, at) in lanes.iter().zip(0..) {
        let zero = TOP + LANE * f64::from(at) + LANE * 0.45;
        let longest = lane.packets.iter().map(|packet| packet.bytes.abs()).max().unwrap_or(0);
        let (right, label) = (WIDTH - 20.0, zero - LANE * 0.33);
        let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{label:.1}\">{}</text>", lane.name.replace('<', "&lt;"));
        let _ = writeln!(
            svg,
            "<text x=\"{right}\" y=\"{label:.1}\" fill=\"#444\" text-anchor=\"end\">longest {longest} bytes</text>"
        );
        let _ = writeln!(svg, "<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{zero:.1}\" y2=\"{zero:.1}\" stroke=\"#999\"/>");
        for (colour, sign) in [("#0072b2", 1), ("#d55e00", -1)] {
            let mut path = String::new();
            for packet in lane.packets.iter().filter(|packet| packet.bytes.signum() == sign) {
                let length = (packet.bytes as f64 / FULL).clamp(-1.0, 1.0) * LANE * if sign > 0 { 0.28 } else { 0.45 };
                let _ = write!(path, "M{:.1} {zero:.1}v{:.1}", x(seconds(packet)), -length);
            }
            let _ = writeln!(svg, "<path d=\"{path}\" stroke=\"{colour}\" fill=\"none\"/>");
        }
    }
    let below = height - BOTTOM + 18.0;
    // A round step, so that there are some five to ten.
    let step =
        [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0].into_iter().find(|step| end / step <= 10.0).unwrap_or(100.0);
    for tick in 0..=(end / step) as u32 {
        let at = f64::from(tick) * step;
        let _ =
            writeln!(svg, "<text x=\"{:.1}\" y=\"{below}\" fill=\"#444\" text-anchor=\"middle\">{at} s</text>", x(at));
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame with so many bytes of payload, of which none is there.
    fn frame(from: [u8; 4], to: [u8; 4], port: u16, bytes: u16) -> Vec<u8> {
        let mut frame = vec![0; 14 + 40];
        frame[14] = 0x45;
        frame[16..18].copy_from_slice(&(40 + bytes).to_be_bytes());
        frame[26..30].copy_from_slice(&from);
        frame[30..34].copy_from_slice(&to);
        frame[36..38].copy_from_slice(&port.to_be_bytes());
        frame[46] = 5 << 4;
        frame
    }

    #[test]
    fn payload_has_the_sign_of_its_direction() {
        let (client, other) = ([198, 18, 0, 9], [198, 18, 0, 4]);
        let from_client = ToService::From(client.into());
        assert_eq!(payload(&frame(client, other, 9001, 536), &from_client), Some(536));
        assert_eq!(payload(&frame(other, client, 40000, 1448), &from_client), Some(-1448));
        assert_eq!(payload(&frame(other, client, 40000, 0), &from_client), None, "an acknowledgement");
        assert_eq!(payload(&frame(other, client, 40000, 100), &ToService::To(client.into())), Some(100));
        assert_eq!(payload(&frame(client, client, 9050, 10), &ToService::ToPort(9050)), Some(10));
        assert_eq!(payload(&[0; 20], &from_client), None);
    }

    #[test]
    fn every_packet_is_a_stroke_in_the_lane_of_its_place() {
        let packet = |milliseconds: i64, bytes| Passed { time_ns: 5_000_000_000 + milliseconds * 1_000_000, bytes };
        let lanes = [
            Lane { name: "a".to_owned(), packets: vec![packet(0, 536), packet(1000, -1072)] },
            Lane { name: "b".to_owned(), packets: vec![packet(500, -10)] },
        ];
        let svg = draw("class 1", &lanes);
        assert_eq!(svg.matches('M').count(), 3);
        assert!(svg.contains("M60.0 104.0v-12.4") && svg.contains("M880.0 104.0v40.0"), "{svg}");
        assert!(svg.contains("M470.0 224.0v0.4"), "{svg}");
        assert!(svg.contains("longest 1072 bytes") && svg.contains(">1 s<"));
    }
}
