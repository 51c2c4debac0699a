//! Scrambler: segments of a stream in slots, longer by a random trail.

use crate::defenses::shaper::{Sender, Shape, Shaped, Shaper};
use crate::defenses::{DELAYS, PACKET_SIZE, STOP};
use crate::{DefenseError, DefenseInfo, Direction, Draws, Guarantees, Needs, Parameter, Preset, StopRule};

pub(in crate::defenses) const INFO: DefenseInfo = DefenseInfo {
    name: "scrambler",
    summary: "sends what comes in as segments of a stream in slots, at least so many and a random trail more, and goes out at a constant rate",
    purpose: "a stream in slots with a random trail, for page loads",
    cost: "by its slots; grows with short loads; delays what comes in",
    source: "Hasselquist et al., \"Raising the Bar: Improved Fingerprinting Attacks and Defenses for Video Streaming Traffic\", PoPETs 2024, and the \
             authors' machines",
    published: &[],
    caveats: &[
        "made for video streams, whose segments come seconds apart: on the load of a page, the silence after which a segment is over hardly comes, \
         and what it hides, the sizes of segments, is not what tells pages apart",
        "the authors' slots have 1500 B: size=1500B makes their 3 Mbit/s out and 75 Mbit/s in",
        "a segment begins with an incoming packet, which leaves at once; n slots follow, then the trail: a number of slots drawn from trail-min to \
         trail-max, drawn anew whenever a packet arrives",
        "once 5/4 n packets have arrived, a trail that runs is a quarter as long, until the segment is over",
        "the machines keep what still waits at the end of the trail until the next packet; here the segment goes on until nothing waits",
        "of the authors' second machine, which counts, the port to Maybenot makes one that also sends a packet at once for each that arrives \
         (maybenot-machines 1.0.1); here it only counts",
        "by default stops with the last normal packet of the trace, which a deployment cannot know",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: &[Preset {
        name: "popets24",
        summary: "the first of the authors' best settings",
        parameters: &[
            duration("interval", 160_000, "time between incoming packets of a segment"),
            Parameter::count("n", 1, 500, "slots of a segment before its trail"),
            Parameter::count("trail-min", 0, 400, "the shortest trail, in slots"),
            Parameter::count("trail-max", 0, 1000, "the longest"),
            duration("client", 4_000_000, "time between outgoing packets"),
            PACKET_SIZE,
            DELAYS,
            STOP,
        ],
        check: |values| {
            let (low, high) = (values.count("trail-min"), values.count("trail-max"));
            if low > high {
                return Err(format!("trail-min ({low}) is above trail-max ({high})"));
            }
            Ok(())
        },
        build: |values, profile| {
            Ok(Box::new(Shaped(Scrambler {
                interval_ns: values.duration_ns("interval"),
                least: values.count("n"),
                trail: (values.count("trail-min"), values.count("trail-max")),
                client_ns: values.duration_ns("client"),
                shape: Shape::new(values, profile)?,
            })))
        },
    }],
};

const fn duration(key: &'static str, ns: u64, meaning: &'static str) -> Parameter {
    Parameter::duration(key, 1_000, ns, meaning)
}

#[derive(Debug)]
struct Scrambler {
    interval_ns: u64,
    least: u64,
    trail: (u64, u64),
    client_ns: u64,
    shape: Shape,
}

/// A segment that is being sent.
struct Segment {
    next_ns: u64,
    /// Slots before the trail.
    least: u64,
    /// Slots of the trail.
    trail: u64,
    quartered: bool,
    /// Packets that had arrived at the last slot, and when they were last counted from.
    arrived: usize,
    counted_from: usize,
}

impl Scrambler {
    fn trail(&self, quartered: bool, draws: &mut Draws) -> u64 {
        let (low, high) = if quartered { (self.trail.0 / 4, self.trail.1 / 4) } else { self.trail };
        low + draws.up_to(high - low)
    }

    /// Sends the slot of a segment; whether it goes on.
    fn slot(&self, segment: &mut Segment, shaper: &mut Shaper<'_>, draws: &mut Draws) -> Result<bool, DefenseError> {
        let now = segment.next_ns;
        let arrived = shaper.queues.arrived(Direction::Incoming, now);
        let fresh = arrived > segment.arrived;
        segment.arrived = arrived;
        let many = 4 * (arrived - segment.counted_from) as u64 >= 5 * self.least;
        if many {
            segment.counted_from = arrived;
        }
        shaper.send(Direction::Incoming, now)?;
        segment.next_ns = now.saturating_add(self.interval_ns);
        if segment.least > 0 {
            segment.least -= 1;
            if segment.least == 0 {
                segment.trail = self.trail(false, draws);
            }
        } else {
            if fresh || many && !segment.quartered {
                segment.quartered |= many;
                segment.trail = self.trail(segment.quartered, draws);
            }
            segment.trail = segment.trail.saturating_sub(1);
        }
        let waits = shaper.queues.waiting_bytes(Direction::Incoming, now) > 0;
        Ok(waits || segment.least > 0 || segment.trail > 0)
    }
}

impl Sender for Scrambler {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn load(&self, shaper: &mut Shaper<'_>, start_ns: u64, draws: &mut Draws) -> Result<(), DefenseError> {
        use Direction::{Incoming, Outgoing};
        let (mut now, mut next_out) = (start_ns, start_ns);
        let mut segment: Option<Segment> = None;
        loop {
            let first = || shaper.queues.ready_ns(Incoming).map(|at| at.max(now));
            let next_in = segment.as_ref().map_or_else(first, |segment| Some(segment.next_ns));
            now = next_in.map_or(next_out, |next_in| next_in.min(next_out));
            if shaper.over(now) {
                return Ok(());
            }
            if next_out == now {
                shaper.send(Outgoing, now)?;
                next_out = now.saturating_add(self.client_ns);
                continue;
            }
            let goes_on = match &mut segment {
                Some(segment) => self.slot(segment, shaper, draws)?,
                None => {
                    shaper.send(Incoming, now)?;
                    let arrived = shaper.queues.arrived(Incoming, now);
                    let (next_ns, least) = (now.saturating_add(self.interval_ns), self.least);
                    let counted_from = arrived;
                    segment = Some(Segment { next_ns, least, trail: 0, quartered: false, arrived, counted_from });
                    true
                }
            };
            segment.take_if(|_| !goes_on);
        }
    }

    fn promises(&self) -> Guarantees {
        Guarantees { ends_with_data: self.shape.stop == StopRule::Oracle, ..Guarantees::default() }
    }
}

#[cfg(test)]
mod tests {
    use wfkit_datasets::Trace;

    use crate::testing::{defend_many, defend_one};
    use crate::{DefendedTrace, Direction};

    const MS: u64 = 1_000_000;

    /// One request, segments of so many packets each at once, 10 s apart, and a last packet.
    fn segments(packets: &[usize]) -> Trace {
        let mut rows = vec![(0, 100)];
        for (i, &packets) in packets.iter().enumerate() {
            rows.extend(vec![((1 + 10_000 * i as u64) * MS, -100); packets]);
        }
        rows.push((10_000 * packets.len() as u64 * MS, -100));
        let (times, sizes) = rows.into_iter().unzip();
        Trace::new(times, sizes).unwrap()
    }

    fn times(defended: &DefendedTrace, way: Direction) -> Vec<u64> {
        defended.packets().filter(|packet| packet.direction() == way).map(|packet| packet.time_ns).collect()
    }

    /// Incoming packets of each segment.
    fn lengths(defended: &DefendedTrace) -> Vec<usize> {
        let times = times(defended, Direction::Incoming);
        times.chunk_by(|a, b| b - a <= 1_000 * MS).map(<[u64]>::len).collect()
    }

    #[test]
    fn a_segment_has_its_slots_and_a_trail_within_its_bounds() {
        let trace = segments(&[5, 60]);
        let spec = "scrambler,size=100B,interval=1ms,n=50,trail-min=20,trail-max=40";
        let drawn: Vec<Vec<usize>> = defend_many(spec, &trace, 400).iter().map(lengths).collect();
        for lengths in &drawn {
            // One at once, 50 slots, 20 to 40 more, whether 5 packets were in it or 60; the last packet of the trace.
            assert!((71..=91).contains(&lengths[0]) && (71..=91).contains(&lengths[1]), "{lengths:?}");
            assert_eq!(lengths[2..], [1]);
        }
        let mean = drawn.iter().map(|lengths| lengths[0] as f64).sum::<f64>() / 400.0;
        assert!((mean - 81.0).abs() < 1.2, "{mean}"); // standard error 0.3
        let slots = times(&defend_one(spec, &trace), Direction::Incoming);
        assert!(slots[..50].iter().zip(1..).all(|(time, ms)| *time == ms * MS));
    }

    #[test]
    fn a_trail_begins_anew_with_a_packet_and_is_a_quarter_after_many() {
        let spec = "scrambler,size=100B,interval=1ms,n=10,trail-min=40,trail-max=40";
        // Packets each 30 ms: the trail of 40 slots never ends before the last, but for the oracle.
        let trail = |packets: u64| {
            let mut arrivals: Vec<u64> = (0..packets).map(|i| i * 30 * MS).collect();
            arrivals.push((packets * 30 + 10_000) * MS);
            let trace = Trace::new(arrivals.clone(), vec![-100; arrivals.len()]).unwrap();
            let slots = times(&defend_one(spec, &trace), Direction::Incoming);
            let last = slots[slots.len() - 2]; // before the last packet of the trace
            (last - (packets - 1) * 30 * MS) / MS
        };
        // The slot of the last packet is the first of its trail.
        assert_eq!((trail(8), trail(13)), (39, 39));
        // The first packet starts the segment; 13 more are 5/4 of 10, and a quarter of 40 slots is left.
        assert_eq!(trail(14), 9);
    }

    #[test]
    fn what_waits_is_sent_however_long_it_takes() {
        let trace = segments(&[200]);
        let defended = defend_one("scrambler,size=100B,interval=1ms,n=3,trail-min=0,trail-max=0", &trace);
        assert_eq!(lengths(&defended), [200, 1]);
    }

    #[test]
    fn the_client_sends_at_a_constant_rate() {
        let defended = defend_one("scrambler,size=100B", &segments(&[5]));
        let out = times(&defended, Direction::Outgoing);
        assert_eq!(out, (0..=2_500).map(|i| i * 4 * MS).collect::<Vec<_>>());
    }
}
