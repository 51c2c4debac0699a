//! Nets on made-up traces.

use ndarray::Axis;
use wfkit_datasets::{Groups, Trace};
use wfkit_features::Channel;

use super::learner::Deep;
use super::net::Net;
use super::onnx::OnnxOptions;
use super::recipe::Architecture;
use crate::attack::FittedAttack;
use crate::forest::Values;
use crate::learners::{Kind, Learner, Model, Shown, Training};
use crate::seed::{below, stream};

const ALL: [Architecture; 4] = [Architecture::Df, Architecture::TikTok, Architecture::Rf, Architecture::DfSized];

/// Three classes, whose sizes differ and whose gaps do not.
fn traces(n: usize, seed: u64) -> (Vec<Trace>, Vec<usize>) {
    let mut rng = stream(seed, 0);
    let labels: Vec<usize> = (0..n).map(|row| row % 3).collect();
    let trace = |&label: &usize| {
        let packets = 20 + below(&mut rng, 10);
        let size = |at: usize| if at.is_multiple_of(3 + label) { 600 } else { -1000 };
        let time = (0..packets as u64).map(|at| at * 10_000_000).collect();
        Trace::new(time, (0..packets).map(size).collect()).expect("times rise, sizes are not 0")
    };
    (labels.iter().map(trace).collect(), labels)
}

fn nothing(n: usize) -> ndarray::Array2<f64> {
    ndarray::Array2::zeros((n, 0))
}

/// What a learner says.
#[derive(Default)]
struct Heard(std::sync::Mutex<Vec<String>>);

impl wfkit_metrics::Observer for Heard {
    fn about(&self, what: &str) {
        self.0.lock().expect("nobody panics while holding it").push(what.to_owned());
    }
}

#[test]
fn a_net_learns_what_is_there_to_learn() {
    let ((traces_in, labels), (tested, truth)) = (traces(120, 1), traces(60, 2));
    let (shown, x): (Vec<&Trace>, _) = (traces_in.iter().collect(), nothing(120));
    let heard = Heard::default();
    let training = Training::new(x.view(), &labels, 4, 7).of_traces(&shown).watched_by(&heard);
    let model = Deep::new(Architecture::DfSized, Some(20)).fit(&training).unwrap();
    let heard = heard.0.into_inner().unwrap();
    assert!(heard[0].starts_with("epoch 1 of 20: log loss "), "{heard:?}");
    let loss =
        |told: &String| told.split("log loss ").nth(1).unwrap().split(',').next().unwrap().parse::<f64>().unwrap();
    assert!(loss(heard.last().unwrap()) < 0.5 * loss(&heard[0]), "{heard:?}");
    let shown: Vec<&Trace> = tested.iter().collect();
    let p = model.predict(Shown { x: Values::from(nothing(60).view()), traces: &shown });
    assert_eq!(p.dim(), (60, 4));
    assert!(p.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-9));
    let right = p.axis_iter(Axis(0)).zip(&truth).filter(|(row, label)| row.iter().all(|&p| p <= row[**label])).count();
    assert!(right > 54, "{right} of 60 right");
    assert_eq!(model.predict(Shown { x: Values::from(nothing(0).view()), traces: &[] }).dim(), (0, 4));
}

#[test]
fn what_is_held_back_is_a_tenth_by_group_and_of_no_small_class() {
    let labels: Vec<usize> = (0..43).map(|row| usize::from(row >= 40)).collect();
    let (x, names): (_, Vec<String>) = (nothing(43), (0..43).map(|row| (row / 2).to_string()).collect());
    let groups = Groups::of_rows(43).join(|row| Some(&names[row]));
    let training = Training::new(x.view(), &labels, 2, 3).grouped(&groups);
    let (learned, held) = super::held_back::held_back(&training);
    assert_eq!(
        (learned.len(), held.len()),
        (39, 4),
        "2 of 20 groups of the first class, both rows of each; none of the second's two"
    );
    assert!(held.iter().all(|row| held.contains(&(row ^ 1))), "{held:?}");
}

#[test]
fn the_same_seed_gives_the_same_numbers_on_any_number_of_threads() {
    let (traces, labels) = traces(60, 1);
    let (shown, x): (Vec<&Trace>, _) = (traces.iter().collect(), nothing(60));
    let on = |threads, seed| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let training = Training::new(x.view(), &labels, 3, seed).of_traces(&shown);
            Deep::new(Architecture::DfSized, Some(2)).fit(&training).unwrap().weights().unwrap()
        })
    };
    let one = on(1, 5);
    assert!(one == on(1, 5) && one == on(2, 5) && one == on(3, 5));
    assert!(one != on(1, 6));
}

#[test]
fn numbers_go_out_and_come_back() {
    let mut rng = stream(1, 1);
    for architecture in ALL {
        let net = Net::start(architecture, 5, &mut rng);
        let bytes = net.to_bytes();
        assert!(
            Net::from_bytes(&bytes).as_ref() == Ok(&net)
                && Net::of_arrays(architecture, 5, &bytes).as_ref() == Ok(&net)
        );
        let error = Net::of_arrays(architecture, 6, &bytes).unwrap_err().to_string();
        assert!(error.contains("the net has F32 [6"), "{error}");
    }
}

#[test]
fn damaged_numbers_are_no_net() {
    let bytes = Net::start(Architecture::DfSized, 3, &mut stream(1, 1)).to_bytes();
    let mut rng = stream(2, 0);
    for _ in 0..300 {
        let mut damaged = bytes.clone();
        match below(&mut rng, 3) {
            0 => damaged.truncate(below(&mut rng, bytes.len())),
            _ => {
                // The header is at the front.
                let at = below(&mut rng, 4000);
                damaged[at] = below(&mut rng, 256) as u8;
            }
        }
        let _ = Net::from_bytes(&damaged);
    }
    let mut infinite = bytes.clone();
    let end = infinite.len();
    infinite[end - 4..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    assert!(Net::from_bytes(&infinite).unwrap_err().to_string().contains("infinite or none"));
}

#[test]
fn stored_nets_say_the_same() {
    let (traces, labels) = traces(30, 1);
    let (shown, x): (Vec<&Trace>, _) = (traces.iter().collect(), nothing(30));
    let training = Training::new(x.view(), &labels, 3, 1).of_traces(&shown);
    let model = Deep::new(Architecture::DfSized, Some(1)).fit(&training).unwrap();
    let (kind, bytes) = model.stored().unwrap();
    assert_eq!(kind, Kind::Net);
    let back: super::learner::DeepModel = postcard::from_bytes(&bytes).unwrap();
    let p = |model: &dyn Model| model.predict(Shown { x: Values::from(x.view()), traces: &shown });
    assert!(p(&*model) == p(&back));
}

/// Numbers in `[0, 1)`, as `make_deep.py` has them.
fn hashed(stream: u64, n: usize) -> impl Iterator<Item = f64> {
    (0..n as u64).map(move |at| {
        let x = (at.wrapping_mul(2_654_435_761) + stream * 40_503 + 12_345) % (1 << 32);
        let x = ((x ^ (x >> 15)) * 2_246_822_519) % (1 << 32);
        (x ^ (x >> 13)) as f64 / (1_u64 << 32) as f64
    })
}

/// The traces of `make_deep.py`.
fn hashed_traces() -> Vec<Trace> {
    let of_length = |(number, n): (u64, usize)| {
        let gaps = hashed(1000 + number, n).enumerate().map(|(at, u)| if at == 0 { 0 } else { (u * 3e7) as u64 });
        let time = gaps.scan(0, |now, gap| {
            *now += gap;
            Some(*now)
        });
        let size = hashed(2000 + number, n).zip(hashed(3000 + number, n));
        let size = size.map(|(size, sign)| (1 + (size * 1500.0) as i32) * if sign < 0.3 { 1 } else { -1 });
        Trace::new(time.collect(), size.collect()).expect("times rise, sizes are not 0")
    };
    (0..).zip([3, 40, 300, 6000]).map(of_length).collect()
}

fn expected() -> serde_json::Value {
    serde_json::from_str(include_str!("../../tests/vectors/deep/expected.json")).expect("a file of ours")
}

fn rows(of: &serde_json::Value) -> Vec<Vec<f64>> {
    serde_json::from_value(of.clone()).expect("rows of numbers")
}

/// The largest difference of two tables.
fn apart(found: &ndarray::Array2<f64>, expected: &[Vec<f64>]) -> f64 {
    assert_eq!(found.nrows(), expected.len());
    let pairs =
        found.rows().into_iter().zip(expected).flat_map(|(row, expected)| row.to_vec().into_iter().zip(expected));
    pairs.map(|(found, expected)| (found - expected).abs()).fold(0.0, f64::max)
}

#[test]
fn nets_say_what_pytorch_says_with_the_same_numbers() {
    let (expected, traces) = (expected(), hashed_traces());
    let shown: Vec<&Trace> = traces.iter().collect();
    for architecture in ALL {
        let net = Net::filled(architecture, 5, |place, array| {
            let n: usize = array.shape.iter().product();
            let fan = (n / array.shape[0]) as f64;
            let number = |u: f64| match array.name {
                "weight" if array.shape.len() > 1 => (2.0 * u - 1.0) * (6.0 / fan).sqrt(),
                "weight" | "running_var" => 0.5 + u,
                _ => u - 0.5,
            };
            hashed(place as u64, n).map(|u| number(u) as f32).collect()
        });
        let found = net.log_probabilities(&shown).mapv(f64::exp);
        let apart = apart(&found, &rows(&expected["nets"][architecture.name()]));
        assert!(apart < 1e-4, "{architecture:?}: {apart:.1e} apart\n{found:?}");
    }
}

#[test]
fn a_net_of_pytorch_comes_as_onnx() {
    let (expected, traces) = (expected(), hashed_traces());
    let shown: Vec<&Trace> = traces.iter().collect();
    let bytes = include_bytes!("../../tests/vectors/deep/small.onnx");
    let attack = FittedAttack::from_onnx(bytes, &OnnxOptions::default()).unwrap();
    assert_eq!(attack.classes().names(), ["10", "news", "shop"]);
    let found = attack.model().predict(Shown { x: Values::from(nothing(4).view()), traces: &shown });
    let in_class_order: Vec<Vec<f64>> =
        rows(&expected["small"]["probabilities"]).into_iter().map(|row| vec![row[2], row[1], row[0]]).collect();
    let apart = apart(&found, &in_class_order);
    assert!(apart < 1e-5, "{apart:.1e} apart\n{found:?}");

    let refused = |options: OnnxOptions| FittedAttack::from_onnx(bytes, &options).unwrap_err().to_string();
    let error = refused(OnnxOptions { channel: Some(Channel::Tam), classes: None });
    assert_eq!(
        error,
        "the model takes x of shape (any, 3, 16); expected one input of shape (batch, 2, 1800), as channel tam is"
    );
    let error = refused(OnnxOptions { channel: None, classes: Some(vec!["a".into(), "b".into()]) });
    assert_eq!(error, "the model answers with 3 numbers a trace, and there are 2 classes");
    let error = refused(OnnxOptions { channel: None, classes: Some(vec!["a".into(), "b".into(), "a".into()]) });
    assert!(error.ends_with("1 of 3 names are there twice"), "{error}");
    assert!(FittedAttack::from_onnx(b"no model", &OnnxOptions::default()).is_err());
    assert!(FittedAttack::from_onnx(b"", &OnnxOptions::default()).is_err());
}

#[test]
fn damaged_onnx_files_end_in_errors_or_answers() {
    let bytes = include_bytes!("../../tests/vectors/deep/small.onnx");
    let mut rng = stream(3, 0);
    for _ in 0..400 {
        let mut damaged = bytes.to_vec();
        match below(&mut rng, 3) {
            0 => damaged.truncate(below(&mut rng, bytes.len())),
            _ => {
                let at = below(&mut rng, bytes.len());
                damaged[at] = below(&mut rng, 256) as u8;
            }
        }
        let _ = FittedAttack::from_onnx(&damaged, &OnnxOptions::default());
    }
}
